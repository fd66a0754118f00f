"""Outputs that cannot be written: a full disk, a read-only folder, a folder that is not there. Nothing may stand under
the final name, and what stood there before stays."""

import os
import subprocess
from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from lora_files import LayerChoice, random_layers, save_kohya
from PIL import Image
from program import act_in_the_middle, ziplora_fails
from tiny_sdxl import make_tiny_sdxl

ASSETS = Path(__file__).resolve().parents[2] / "assets"


@pytest.fixture(scope="module")
def inputs(cache, tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    base = make_tiny_sdxl(folder / "base")
    pipeline = StableDiffusionXLPipeline.from_pretrained(base)
    for seed, name in enumerate(("dog", "ink")):
        save_kohya(folder / f"{name}.safetensors", random_layers(pipeline, LayerChoice(seed=seed)), pipeline,
                   metadata={"modelspec.trigger_phrase": f"a sks {name}"})
    (folder / "photos").mkdir()
    Image.effect_noise((40, 40), 50).convert("RGB").save(folder / "photos/a.png")
    (folder / "drawings").symlink_to(cache)
    return folder


@pytest.fixture
def disk(tmp_path):
    """A file system of 64 KiB, of its own; `fill(disk)` takes what is left of it."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("a small file system can be mounted by root only")
    yield folder
    subprocess.run(["umount", folder], check=True)


def fill(folder):
    with open(folder / "filler", "wb", buffering=0) as filler:
        while True:
            try:
                filler.write(bytes(4096))
            except OSError:
                return


def command(verb, inputs, output):
    base = ("--base", inputs / "base")
    world = ("--world", ASSETS / "world", "--cache", inputs / "drawings")
    return {
        "train": ["train", inputs / "photos", "--prompt", "a sks dog", *base, "--rank", 2, "--iterations", 2,
                  "-o", output / "out.safetensors"],
        "zip": ["merge", "--subject", inputs / "dog.safetensors", "--style", inputs / "ink.safetensors", *base,
                "--iterations", 2, "--images", 1, "--image-steps", 1, "--evaluation-draws", 1,
                "-o", output / "out.safetensors"],
        "direct": ["merge", "--subject", inputs / "dog.safetensors", "--style", inputs / "ink.safetensors", *base,
                   "--method", "direct", "-o", output / "out.safetensors"],
        "peft": ["merge", "--subject", inputs / "dog.safetensors", "--style", inputs / "ink.safetensors", *base,
                 "--method", "direct", "--format", "peft", "-o", output / "out"],
        "generate": ["generate", "a ghost", *base, "--steps", 1, "-o", output / "out.png"],
        "report": ["inspect", inputs / "dog.safetensors", *base, "--report", output / "out.json"],
        "world": ["world", "fox", "--style", "noto", *world, "-o", output / "out.png"],
        # Nothing is left to train: what it does is to export.
        "pretrain": ["pretrain", "--from", ASSETS / "mini", "--run-folder", inputs / "run", *world,
                     "--judge-iterations", 0, "--unet-iterations", 0, "-o", output / "out"],
    }[verb]


FOLDERS = ["peft", "pretrain"]
VERBS = ["train", "zip", "direct", "generate", "report", "world", *FOLDERS]


@pytest.mark.parametrize("verb", VERBS)
def test_a_full_disk_is_exit_code_5_and_leaves_nothing(verb, inputs, disk):
    fill(disk)
    error = ziplora_fails(5, *command(verb, inputs, disk))
    assert "No space left on device" in error["problem"] and "free some space" in error["hint"]
    assert os.listdir(disk) == ["filler"]


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in FOLDERS])
def test_an_old_file_survives_a_full_disk(verb, inputs, disk):
    old = disk / command(verb, inputs, disk)[-1].name
    old.write_text("what was there before")
    fill(disk)
    ziplora_fails(5, *command(verb, inputs, disk))
    assert old.read_text() == "what was there before" and sorted(os.listdir(disk)) == sorted(["filler", old.name])


def test_a_disk_that_fills_during_training_is_said(inputs, disk, tmp_path):
    """Even when all that is lost is a line of the record. Two hundred lines are more than the block that one may have."""
    arguments = [*command("train", inputs, tmp_path), "--run-folder", disk / "run"]
    arguments[arguments.index("--iterations") + 1] = 2000
    error = act_in_the_middle(5, lambda process: fill(disk), arguments, tmp_path, "train", after_step=1)
    assert error["where"] == f"write {disk}/run/metrics.jsonl" and "free some space" in error["hint"]
    assert not (tmp_path / "out.safetensors").exists()


def test_an_old_base_survives_a_full_disk(inputs, disk):
    """All of it, and the card, which is not of the run."""
    old = disk / "out"
    (old / "unet").mkdir(parents=True)
    files = {old / name: f"{name} of before" for name in ("README.md", "model_index.json", "unet/config.json")}
    for file, text in files.items():
        file.write_text(text)
    fill(disk)
    ziplora_fails(5, *command("pretrain", inputs, disk))
    assert {file: file.read_text() for file in old.rglob("*") if file.is_file()} == files
    assert sorted(os.listdir(disk)) == ["filler", "out"]


@pytest.mark.parametrize("verb", VERBS)
def test_a_read_only_folder_is_said_before_the_work(verb, inputs, disk):
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    error = ziplora_fails(1, *command(verb, inputs, disk))
    assert "Read-only file system" in error["problem"] and error["hint"]


@pytest.mark.parametrize("verb", VERBS)
def test_a_missing_folder_is_said_with_the_command_that_makes_it(verb, inputs, tmp_path):
    error = ziplora_fails(1, *command(verb, inputs, tmp_path / "no" / "where"))
    assert "does not exist" in error["problem"] and error["hint"] == f"mkdir -p {tmp_path / 'no' / 'where'}"
    assert not (tmp_path / "no").exists()
