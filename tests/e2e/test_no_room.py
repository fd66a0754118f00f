"""Outputs that cannot be written: a full disk, a read-only folder, a folder that is not there. Nothing may stand under
the final name, and what stood there before stays."""

import os
from pathlib import Path

import pytest
from program import act_in_the_middle, ziplora_fails
from small_disk import disk, fill  # noqa: F401  (disk is a fixture)
from small_inputs import make_small_inputs

ASSETS = Path(__file__).resolve().parents[2] / "assets"


@pytest.fixture(scope="module")
def inputs(cache, tmp_path_factory):
    folder = make_small_inputs(tmp_path_factory.mktemp("inputs"))
    (folder / "drawings").symlink_to(cache)
    return folder


def command(verb, inputs, output):
    base = ("--base", inputs / "base")
    world = ("--world", ASSETS.parent / "mini/assets", "--cache", inputs / "drawings")
    return {
        "train": ["train", inputs / "photos", "--prompt", "a sks dog", *base, "--rank", 2, "--iterations", 2,
                  "-o", output / "out.safetensors"],
        "zip": ["merge", "--method", "zip", "--subject", inputs / "dog.safetensors", "--style", inputs / "ink.safetensors", *base,
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
    fill(disk.folder)
    error = ziplora_fails(5, *command(verb, inputs, disk.folder))
    assert "No space left on device" in error["problem"] and "free some space" in error["hint"]
    assert os.listdir(disk.folder) == ["filler"]


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in FOLDERS])
def test_an_old_file_survives_a_full_disk(verb, inputs, disk):
    arguments = command(verb, inputs, disk.folder)
    old = arguments[-1]
    old.write_text("what was there before")
    fill(disk.folder)
    ziplora_fails(5, *arguments)
    assert old.read_text() == "what was there before"
    assert sorted(os.listdir(disk.folder)) == sorted(["filler", old.name])


def test_a_disk_that_fills_during_training_is_said(inputs, disk, tmp_path):
    """Even when all that is lost is a line of the record. Two hundred lines are more than the block that one may have."""
    arguments = [*command("train", inputs, tmp_path), "--run-folder", disk.folder / "run"]
    arguments[arguments.index("--iterations") + 1] = 2000
    error = act_in_the_middle(5, lambda process: fill(disk.folder), arguments, tmp_path, "train", after_step=1)
    assert error["where"] == f"write {disk.folder}/run/metrics.jsonl" and "free some space" in error["hint"]
    assert not (tmp_path / "out.safetensors").exists()


def test_an_old_base_survives_a_full_disk(inputs, disk):
    """All of it, and the card, which is not of the run."""
    old = disk.folder / "out"
    (old / "unet").mkdir(parents=True)
    files = {old / name: f"{name} of before" for name in ("README.md", "model_index.json", "unet/config.json")}
    for file, text in files.items():
        file.write_text(text)
    fill(disk.folder)
    ziplora_fails(5, *command("pretrain", inputs, disk.folder))
    assert {file: file.read_text() for file in old.rglob("*") if file.is_file()} == files
    assert sorted(os.listdir(disk.folder)) == ["filler", "out"]


@pytest.mark.parametrize("verb", VERBS)
def test_a_read_only_folder_is_said_before_the_work(verb, inputs, disk):
    disk.make_read_only()
    error = ziplora_fails(1, *command(verb, inputs, disk.folder))
    assert "Read-only file system" in error["problem"] and error["hint"]


@pytest.mark.parametrize("verb", VERBS)
def test_a_missing_folder_is_said_with_the_command_that_makes_it(verb, inputs, tmp_path):
    error = ziplora_fails(1, *command(verb, inputs, tmp_path / "no" / "where"))
    assert "does not exist" in error["problem"] and error["hint"] == f"mkdir -p {tmp_path / 'no' / 'where'}"
    assert not (tmp_path / "no").exists()
