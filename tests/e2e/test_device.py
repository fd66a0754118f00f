"""`--device cuda` on a machine without a GPU, by a device that is the CPU under another name and refuses what mixes devices
(tests/support/fake_cuda): every verb that runs a base keeps its tensors where they belong. What a GPU computes is for
tools/gpu_check.sh."""

import os

import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from lora_files import LayerChoice, random_layers, save_kohya
from PIL import Image
from program import BUILD, ziplora, ziplora_fails
from safetensors.torch import load_file
from tiny_sdxl import make_tiny_sdxl

FAKE = BUILD / "libfake_cuda.so"
pytestmark = pytest.mark.skipif(not FAKE.exists(), reason="this LibTorch is a CUDA build")


def devices(count: int) -> dict[str, str]:
    return os.environ | {"LD_PRELOAD": str(FAKE), "ZIPLORA_FAKE_CUDA": str(count)}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return make_tiny_sdxl(tmp_path_factory.mktemp("device") / "base")


@pytest.fixture(scope="module")
def inputs(base, tmp_path_factory):
    """Two LoRAs with text encoders and convolutions, and their prompts."""
    folder = tmp_path_factory.mktemp("loras")
    model = StableDiffusionXLPipeline.from_pretrained(base)
    files = [save_kohya(folder / f"{name}.safetensors", random_layers(model, LayerChoice(
        components=("unet", "text_encoder"), parts=("attn", "resnets", "fc1"), seed=seed)), model)
        for seed, name in enumerate(("dog", "ink"))]
    return ["--base", base, "--subject", files[0], "--style", files[1], "--subject-prompt", "a sks dog", "--style-prompt",
            "a rose, in szn style", "--file-dtype", "float32"]


METHODS = {
    "zip": ["--method", "zip", "--iterations", 2, "--images", 1, "--image-steps", 2, "--evaluation-draws", 1,
            "--joint-weight", 1],
    "zip-with-checkpointing": ["--method", "zip", "--iterations", 1, "--images", 1, "--image-steps", 1,
                               "--evaluation-draws", 1, "--gradient-checkpointing", "--start", "solve"],
    "ssr": ["--method", "ssr", "--context-steps", 2],
    "route": ["--method", "route", "--context-steps", 2],
    "zip-solve": ["--method", "zip-solve", "--context-steps", 2],
}


@pytest.mark.parametrize("method", METHODS)
def test_a_merge_with_the_base_on_a_device(method, inputs, tmp_path):
    done = ziplora("merge", *inputs, *METHODS[method], "--device", "cuda", "-o", "out.safetensors", cwd=tmp_path,
                   env=devices(1))
    assert all(tensor.isfinite().all() for tensor in load_file(tmp_path / done["output"]).values())


def test_ssr_merges_as_on_the_cpu(inputs, tmp_path):
    for name, device, env in (("here", "cpu", None), ("there", "cuda:1", devices(2))):
        ziplora("merge", *inputs, *METHODS["ssr"], "--device", device, "-o", tmp_path / f"{name}.safetensors", env=env)
    here, there = load_file(tmp_path / "here.safetensors"), load_file(tmp_path / "there.safetensors")
    for name, tensor in here.items():
        torch.testing.assert_close(there[name], tensor, rtol=1e-3, atol=1e-4)


def test_an_image_drawn_on_a_device_is_the_cpus(base, inputs, tmp_path):
    """Schedulers that add noise draw it on the CPU, so it is the same."""
    for name, device, env in (("here", "cpu", None), ("there", "cuda", devices(1))):
        ziplora("generate", "a dog", "--base", base, "--adapter", inputs[3], "--steps", 3, "--scheduler", "euler-ancestral",
                "--device", device, "--save-latents", tmp_path / f"{name}.safetensors", "-o", tmp_path / f"{name}.png", env=env)
    here, there = (load_file(tmp_path / f"{name}.safetensors")["latents"] for name in ("here", "there"))
    assert (here - there).norm() < 1e-4 * here.norm()


def test_training_with_class_images_and_samples_on_a_device(base, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.new("RGB", (32, 32), "red").save(photos / "a.png")
    command = ["train", photos, "--prompt", "a sks dog", "--base", base, "--rank", 2, "--class-prompt", "a dog",
               "--prior-images", 1, "--checkpoint-every", 1, "--run-folder", "run", "--sample-every", 2, "--device", "cuda",
               "-o", "dog.safetensors"]
    result = ziplora(*command, "--iterations", 2, cwd=tmp_path, env=devices(1))
    assert result["iterations"] == 2 and result["class_images"] == 1


@pytest.mark.parametrize("device, count, words", [
    ("cuda:3", 2, "there are 2 CUDA devices here: cuda:0 to cuda:1"), ("cuda:1", 1, "there is one CUDA device here"),
    ("cuda", 0, "there is no CUDA device here")])
def test_a_device_that_is_not_here(device, count, words, base, inputs, tmp_path):
    for verb in (["generate", "a dog", "--base", base, "-o", "dog.png"], ["merge", *inputs, "-o", "out.safetensors"]):
        error = ziplora_fails(2, *verb, "--device", device, cwd=tmp_path, env=devices(count))
        assert words in error["problem"] and "use the device" in error["hint"]
    assert list(tmp_path.iterdir()) == []
