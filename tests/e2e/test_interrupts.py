"""Ctrl-C in commands on files: exit code 130, nothing written, nothing lost. (Training and zip, which leave a state to
go on from, have theirs in test_train.py and test_merge.py.)"""

from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from lora_files import LayerChoice, random_layers, save_kohya
from program import interrupt, ziplora
from safetensors.torch import save_file

MINI = Path(__file__).resolve().parents[2] / "assets/mini"


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
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    for seed, name in enumerate(("dog", "ink")):
        save_wide_lora(folder / f"{name}.safetensors", seed)
    pipeline = StableDiffusionXLPipeline.from_pretrained(MINI)
    save_kohya(folder / "mini.safetensors", random_layers(pipeline, LayerChoice(parts=("attn", "ff"))), pipeline)
    ziplora("convert", "--bake", folder / "mini.safetensors", "--into", MINI, "-o", folder / "baked")
    return folder


COMMANDS = {  # stage, arguments
    "merge": ("merge", ["merge", "--method", "ties", "--subject", "dog.safetensors", "--style", "ink.safetensors"]),
    "compress": ("compress", ["convert", "dog.safetensors", "--rank", 4]),
    "bake": ("bake", ["convert", "--bake", "mini.safetensors", "--into", MINI]),
    "extract": ("extract", ["convert", "--extract", "baked", "--from", MINI, "--rank", 2]),
}


@pytest.mark.parametrize("kind", COMMANDS)
def test_nothing_is_written_and_what_was_there_stays(kind, inputs, tmp_path):
    stage, arguments = COMMANDS[kind]
    output = tmp_path / ("out" if kind == "bake" else "out.safetensors")
    if kind != "bake":
        output.write_bytes(b"of before")
    error = interrupt([*arguments, "-o", output], inputs, stage, after_step=1)
    assert error["exit_code"] == 130 and error["problem"] == "interrupted; no file was changed"
    assert [file.read_bytes() for file in tmp_path.iterdir()] == ([] if kind == "bake" else [b"of before"])
