"""A file that somebody cuts short or rewrites while it is mapped is an error that names it, and leaves no result. The
moment is always the same: right after the program has mapped the file (tests/support/changed_input)."""

import json
import os
import shutil

import pytest
import torch
from program import BUILD, events, run_ziplora
from safetensors.torch import save_file
from tiny_sdxl import make_tiny_sdxl

LAYERS = [f"lora_unet_input_blocks_{block}_1_transformer_blocks_0_attn{k}_to_q" for block in (4, 5) for k in (1, 2)]


def write_lora(path, seed, rank=64):
    """Of some megabytes, so that its second half lies on pages of its own."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for layer in LAYERS:
        width = 128
        tensors[layer + ".lora_down.weight"] = torch.randn(rank, width, generator=generator) / 10
        tensors[layer + ".lora_up.weight"] = torch.randn(width, rank, generator=generator) / 10
        tensors[layer + ".alpha"] = torch.tensor(float(rank))
    save_file(tensors, path)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return make_tiny_sdxl(tmp_path_factory.mktemp("base"))


@pytest.fixture
def loras(tmp_path):
    for seed, name in enumerate(("a", "b")):
        write_lora(tmp_path / f"{name}.safetensors", seed)
        os.utime(tmp_path / f"{name}.safetensors", (1e9, 1e9))
    return tmp_path


def run_with(change, path, *arguments):
    environment = os.environ | {"LD_PRELOAD": str(BUILD / "libchanged_input.so"), "ZIPLORA_CHANGED_INPUT": str(path),
                                "ZIPLORA_CHANGE": change}
    return run_ziplora(*arguments, "--json", env=environment)


COMMANDS = {
    method: lambda folder, method=method: ["merge", "--subject", folder / "a.safetensors", "--style", folder / "b.safetensors",
                                           "--method", method, "-o", folder / "out.safetensors"]
    for method in ("direct", "ties")
} | {
    "convert": lambda folder: ["convert", folder / "a.safetensors", "--format", "peft", "-o", folder / "out"],
    "inspect": lambda folder: ["inspect", folder / "a.safetensors"],
}


@pytest.mark.promise("A LoRA that is cut short or rewritten while it is read is an error that names it.")
@pytest.mark.parametrize("change", ["truncate", "rewrite"])
@pytest.mark.parametrize("verb", COMMANDS)
def test_a_lora_that_changes_is_an_error(loras, verb, change):
    before = sorted(loras.iterdir())
    done = run_with(change, loras / "a.safetensors", *COMMANDS[verb](loras))
    assert done.returncode == 3 and done.stdout == "", done.stderr
    error = events(done)[-1]
    assert "a.safetensors" in error["where"] and error["hint"]
    assert ("now it has" if change == "truncate" else "somebody wrote to the file") in error["problem"]
    assert sorted(loras.iterdir()) == before


@pytest.mark.parametrize("change", ["replace", "touch"])
def test_what_leaves_the_mapped_file_as_it_is_changes_nothing(loras, change):
    run = COMMANDS["direct"](loras)
    assert run_ziplora(*run).returncode == 0
    expected = (loras / "out.safetensors").read_bytes()
    done = run_with(change, loras / "b.safetensors", *run)
    assert done.returncode == 0, done.stderr
    assert (loras / "out.safetensors").read_bytes() == expected


@pytest.mark.promise("A base that is cut short or rewritten while it is read is an error that names it.")
@pytest.mark.parametrize("change", ["truncate", "rewrite"])
@pytest.mark.parametrize("verb", ["bake", "generate"])
def test_a_base_that_changes_is_an_error(base, tmp_path, verb, change):
    shutil.copytree(base, tmp_path / "base")
    [weights] = (tmp_path / "base" / "unet").glob("*.safetensors")
    os.utime(weights, (1e9, 1e9))
    lora = tmp_path / "lora.safetensors"
    save_file({"lora_unet_mid_block_attentions_0_proj_in.lora_down.weight": torch.ones(2, 24),
               "lora_unet_mid_block_attentions_0_proj_in.lora_up.weight": torch.ones(24, 2)}, lora)
    arguments = {"bake": ["convert", "--bake", lora, "--into", tmp_path / "base", "-o", tmp_path / "baked"],
                 "generate": ["generate", "a dog", "--base", tmp_path / "base", "--steps", 1, "-o", tmp_path / "dog.png"]}
    done = run_with(change, weights, *arguments[verb])
    assert done.returncode == 3 and done.stdout == "", done.stderr
    assert weights.name in json.loads(done.stderr.splitlines()[-1])["where"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base", "lora.safetensors"]
