"""Ctrl-C: exit code 130, nothing written, nothing lost. (Training a LoRA and zip, which leave a state to go on from,
have theirs in test_train.py and test_merge.py.)"""

import json
from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from lora_files import LayerChoice, random_layers, save_kohya
from noise_photo import save_noise_photo
from program import interrupt, ziplora
from safetensors.torch import save_file
from tiny_sdxl import make_tiny_sdxl

ASSETS = Path(__file__).resolve().parents[2] / "assets"
MINI, WORLD = ASSETS / "mini", ASSETS.parent / "mini/assets"


def save_wide_lora(file, seed):
    """Of SDXL's own widths, so that a command works on it for longer than a signal takes."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for block in range(10):
        for attention in ("attn1", "attn2"):
            module = f"lora_unet_down_blocks_2_attentions_0_transformer_blocks_{block}_{attention}_to_out_0"
            tensors |= {f"{module}.lora_down.weight": torch.randn(64, 1280, generator=generator),
                        f"{module}.lora_up.weight": torch.randn(1280, 64, generator=generator),
                        f"{module}.alpha": torch.tensor(64.0)}
    save_file(tensors, file)


@pytest.fixture(scope="module")
def inputs(cache, tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    for seed, name in enumerate(("dog", "ink")):
        save_wide_lora(folder / f"{name}.safetensors", seed)
    pipeline = StableDiffusionXLPipeline.from_pretrained(MINI)
    save_kohya(folder / "mini.safetensors", random_layers(pipeline, LayerChoice(parts=("attn", "ff"))), pipeline)
    ziplora("convert", "--bake", folder / "mini.safetensors", "--into", MINI, "-o", folder / "baked")
    (folder / "drawings").mkdir()  # none is rendered yet
    (folder / "drawings/node_modules").symlink_to(cache / "node_modules")
    return folder


UNRENDERED = ["--world", WORLD, "--cache", "drawings"]
COMMANDS = {  # stage, arguments
    "merge": ("merge", ["merge", "--method", "ties", "--subject", "dog.safetensors", "--style", "ink.safetensors"]),
    "compress": ("compress", ["convert", "dog.safetensors", "--rank", 4]),
    "bake": ("bake", ["convert", "--bake", "mini.safetensors", "--into", MINI]),
    "extract": ("extract", ["convert", "--extract", "baked", "--from", MINI, "--rank", 2]),
    "inspect": ("inspect", ["inspect", *["dog.safetensors", "ink.safetensors"] * 4]),
    "generate": ("denoise", ["generate", "a ghost", "--base", MINI, "--steps", 200]),
    "world": ("drawings", ["world", "fox", "--style", "noto", *UNRENDERED]),
    "pretrain": ("drawings", ["pretrain", "--run-folder", "run", *UNRENDERED]),
}
FOLDERS = ("bake", "pretrain")


@pytest.mark.parametrize("kind", COMMANDS)
def test_nothing_is_written_and_what_was_there_stays(kind, inputs, tmp_path):
    stage, arguments = COMMANDS[kind]
    output = tmp_path / {"bake": "out", "pretrain": "out", "generate": "out.png", "world": "out.png"}.get(
        kind, "out.safetensors")
    if kind not in FOLDERS:
        output.write_bytes(b"of before")
    before = sorted(inputs.rglob("*"))
    error = interrupt([*arguments, "--report" if kind == "inspect" else "-o", output], inputs, stage, after_step=1)
    assert error["exit_code"] == 130 and error["problem"] == "interrupted; no file was changed"
    assert error["hint"] == "run the same command again"
    assert [file.read_bytes() for file in tmp_path.iterdir()] == ([] if kind in FOLDERS else [b"of before"])
    assert sorted(inputs.rglob("*")) == before


def test_an_interrupt_before_zip_learns_says_to_begin_anew(inputs, tmp_path):
    """The one image that it has to draw is done, and the first evaluation, of a thousand draws, begins."""
    save_noise_photo(tmp_path / "dog.png", 64)
    error = interrupt(["merge", "--method", "zip", "--subject", "mini.safetensors", "--subject-prompt", "a sks dog",
                       "--subject-images", tmp_path / "dog.png", "--style", "mini.safetensors",
                       "--style-prompt", "in szn style", "--images", 1, "--image-steps", 1, "--base", MINI,
                       "--evaluation-draws", 1000, "-o", tmp_path / "out.safetensors"],
                      inputs, "denoise", after_step=1)
    assert error["problem"] == "interrupted; no file was changed" and error["hint"] == "run the same command again"
    assert [file.name for file in tmp_path.iterdir()] == ["dog.png"]


def test_class_pictures_that_were_drawn_are_kept(tmp_path):
    base = make_tiny_sdxl(tmp_path / "base")
    save_noise_photo(tmp_path / "dog.png")
    command = ["train", "dog.png", "--prompt", "a sks dog", "--base", base, "--rank", 2, "--iterations", 1,
               "--class-prompt", "a dog", "--prior-images", 40, "-o", "out.safetensors"]
    error = interrupt(command, tmp_path, "class images", after_step=1)
    assert error["hint"].startswith("run the same command again") and not (tmp_path / "out.safetensors").exists()
    drawn = {file: file.stat().st_mtime_ns for file in (tmp_path / "runs/out/class_images").glob("*.png")}
    assert 0 < len(drawn) < 40
    ziplora(*command, cwd=tmp_path)
    assert {file: file.stat().st_mtime_ns for file in drawn} == drawn


def test_pretraining_goes_on_from_its_checkpoint(cache, tmp_path):
    command = ["pretrain", "--world", WORLD, "--cache", cache, "--run-folder", "run", "--autoencoder-iterations", 30,
               "-o", "mini"]
    for step in (1, 10):
        error = interrupt(command, tmp_path, "autoencoder", after_step=step)
        assert error["problem"].endswith("of 30 iterations; its checkpoint is saved")
        assert error["hint"] == "run the same command again to go on from here"
    lines = (tmp_path / "run/autoencoder.metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["iteration"] for line in lines] == list(range(len(lines))) and len(lines) >= 10
    assert sorted(file.name for file in tmp_path.iterdir()) == ["run"]
