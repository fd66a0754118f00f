"""The commands with LoRA files whose effect depends on the base (DoRA, OFT), or that change biases and norms: such layers
are used where a base is at hand; where none is, the error asks for one. They are never dropped."""

import os

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from lora_files import LayerChoice, kohya_module, random_layers, save_kohya
from PIL import Image
from probe_runner import relative_error, run_probe
from program import ziplora, ziplora_fails
from safetensors.torch import load_file, save_file
from tiny_sdxl import make_tiny_sdxl


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return make_tiny_sdxl(tmp_path_factory.mktemp("base-bound") / "base")


@pytest.fixture(scope="module")
def files(base, tmp_path_factory):
    """"dora", "norms" (with biases) and "plain", in kohya's form."""
    folder = tmp_path_factory.mktemp("loras")
    pipeline = StableDiffusionXLPipeline.from_pretrained(base)
    layers = random_layers(pipeline, LayerChoice(parts=("attn", "proj_in"), alpha=2.0))
    plain = save_kohya(folder / "plain.safetensors", layers, pipeline)
    torch.manual_seed(3)
    dora = load_file(plain)
    for canonical in layers:
        weight = pipeline.unet.get_submodule(canonical.removeprefix("unet.")).weight
        module = kohya_module(canonical, "sgm", pipeline.unet.config.layers_per_block)
        dora[f"{module}.dora_scale"] = weight.detach().norm(dim=1, keepdim=True) * (1 + torch.rand(len(weight), 1))
    save_file(dora, folder / "dora.safetensors")
    norms = {"lora_unet_middle_block_1_norm.w_norm": torch.randn(24),
             "lora_unet_middle_block_1_norm.b_norm": torch.randn(24),
             "lora_unet_middle_block_1_proj_in.diff_b": 3 * torch.randn(24),
             "lora_te1_text_model_encoder_layers_0_layer_norm1.w_norm": torch.randn(12)}
    save_file(norms, folder / "norms.safetensors")
    return {name: folder / f"{name}.safetensors" for name in ("plain", "dora", "norms")}


def deltas(base, file):
    return run_probe("deltas", base=str(base), adapter=str(file))


def merge(files, names, *arguments, **options):
    roles = ("--subject", "--style", "--adapter")
    inputs = [part for role, name in zip(roles, names) for part in (role, f"{files[name]}:0.5")]
    return ziplora("merge", "--method", "direct", *inputs, *arguments, **options)


def test_a_merge_on_a_base_sums_what_each_file_does_there(base, files, tmp_path):
    out = tmp_path / "sum.safetensors"
    result = merge(files, ("dora", "norms", "plain"), "--base", base, "--file-dtype", "float32", "-o", out)
    assert result["vectors"] == 4
    found, values = deltas(base, out)
    assert set(values["kinds"].values()) == {"LoRA"}  # an ordinary file
    wanted = {}
    for name in files:
        for key, delta in deltas(base, files[name])[0].items():
            wanted[key] = wanted.get(key, 0) + 0.5 * delta
    assert found.keys() == wanted.keys()
    for key, delta in wanted.items():
        assert relative_error(found[key], delta) < 1e-5, key
    report = ziplora("inspect", out, "--base", base, "--check")["files"][0]
    assert report["defects"] == [] and report["vectors"] == 4 and report["base_bound"] == 0


def test_the_default_base_will_do_where_it_fits(base, files, tmp_path):
    environment = dict(os.environ, ZIPLORA_BASE=str(base))
    merge(files, ("dora", "plain"), "--file-dtype", "float32", "-o", tmp_path / "a.safetensors", env=environment)
    merge(files, ("dora", "plain"), "--file-dtype", "float32", "-o", tmp_path / "b.safetensors", "--base", base)
    a, b = load_file(tmp_path / "a.safetensors"), load_file(tmp_path / "b.safetensors")
    assert a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def test_without_a_base_the_error_asks_for_one(tmp_path):
    module = "lora_unet_middle_block_1_proj_in"
    save_file({f"{module}.lora_down.weight": torch.randn(2, 1280), f"{module}.lora_up.weight": torch.randn(1280, 2),
               f"{module}.alpha": torch.tensor(2.0), f"{module}.dora_scale": torch.ones(1280, 1)},
              tmp_path / "sdxl.safetensors")
    error = ziplora_fails(4, "merge", "--method", "direct", "--subject", "sdxl.safetensors", "--style",
                          "sdxl.safetensors", "-o", "out.safetensors", cwd=tmp_path)
    assert "1 layer is DoRA" in error["problem"] and "give the base" in error["hint"]
    assert not (tmp_path / "out.safetensors").exists()
    report = ziplora("inspect", tmp_path / "sdxl.safetensors", "--check")["files"][0]
    assert report["base_bound"] == 1 and report["kinds"] == {"DoRA": 1} and report["ranks"] == {"2": 1}


def test_a_format_without_a_place_for_norms_is_refused(base, files, tmp_path):
    for form in ("diffusers", "peft"):
        error = ziplora_fails(4, "merge", "--method", "direct", "--subject", files["norms"], "--style", files["plain"],
                              "--base", base, "--format", form, "-o", tmp_path / form)
        assert "4 biases and norms" in error["problem"] and "format kohya" in error["hint"]
        assert not (tmp_path / form).exists()


def test_a_whole_weight_takes_the_place_of_the_bases(base, tmp_path):
    """ComfyUI's `set_weight`, on a linear layer and a convolution."""
    unet = load_file(base / "unet/diffusion_pytorch_model.safetensors")
    places = {"diffusion_model.middle_block.1.proj_in": "mid_block.attentions.0.proj_in.weight",
              "diffusion_model.input_blocks.0.0": "conv_in.weight"}
    wholes = {name: torch.randn_like(unet[name]) for name in places.values()}
    save_file({f"{module}.set_weight": wholes[name] for module, name in places.items()}, tmp_path / "set.safetensors")
    ziplora("convert", "--bake", tmp_path / "set.safetensors", "--into", base, "-o", tmp_path / "baked")
    baked = load_file(tmp_path / "baked/unet/diffusion_pytorch_model.safetensors")
    for name, value in unet.items():
        assert torch.allclose(baked[name], wholes.get(name, value), atol=1e-6), name
    report = ziplora("inspect", tmp_path / "set.safetensors", "--base", base)["files"][0]
    assert report["kinds"] == {"set_weight": 2} and report["defects"] == []
    save_file({"diffusion_model.middle_block.1.proj_in.set_weight": torch.randn(1280, 1280)}, tmp_path / "sdxl.safetensors")
    report = ziplora("inspect", tmp_path / "sdxl.safetensors")["files"][0]
    verdicts = {program["program"]: program["verdict"] for program in report["programs"]}
    assert verdicts["ComfyUI"] == "unknown" and "fully" not in verdicts.values()  # not tried with any


def image(base, folder, *adapters):
    ziplora("generate", "a ghost", "--base", base, "--steps", 2, *adapters, "-o", folder / "out.png")
    return np.asarray(Image.open(folder / "out.png")).astype(int)


@pytest.mark.parametrize("name", ["dora", "norms"])
def test_generate_uses_them_at_every_strength(name, base, files, tmp_path):
    plain = image(base, tmp_path)
    whole = image(base, tmp_path, "--adapter", files[name])
    assert np.abs(whole - plain).max() > 3
    assert np.abs(image(base, tmp_path, "--adapter", f"{files[name]}:0") - plain).max() <= 1
    halves = image(base, tmp_path, "--adapter", f"{files[name]}:0.5", "--adapter", f"{files[name]}:0.5")
    assert np.abs(halves - whole).max() <= 1
