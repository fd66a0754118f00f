"""The lines of docs/use.md for diffusers, as they stand."""

import re
import textwrap
from pathlib import Path

import numpy
import torch
from diffusers import StableDiffusionXLPipeline
from embedded_base import MINI
from lora_files import LayerChoice, random_layers, save_kohya
from PIL import Image

TEXT = (Path(__file__).resolve().parents[2] / "docs/use.md").read_text()


def test_the_lines_for_diffusers_draw_with_the_lora(tmp_path, monkeypatch):
    (tmp_path / "stabilityai").mkdir()
    (tmp_path / "stabilityai/stable-diffusion-xl-base-1.0").symlink_to(MINI)
    without = StableDiffusionXLPipeline.from_pretrained(MINI, torch_dtype=torch.float32)
    save_kohya(tmp_path / "dog-in-ink.safetensors", random_layers(without, LayerChoice(alpha="rank")), without)
    monkeypatch.chdir(tmp_path)
    code = textwrap.dedent(re.search(r"## diffusers\n\n((?:    .*\n)+)", TEXT)[1])
    assert len(code.splitlines()) == 6
    names = {}
    torch.manual_seed(0)
    exec(code.replace("num_inference_steps=30", "num_inference_steps=2"), names)
    module = names["pipe"].unet.get_submodule("down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q")
    assert module.active_adapters == ["dog-in-ink"] and module.scaling["dog-in-ink"] == 0.9
    torch.manual_seed(0)
    plain = without("a sks dog, in szn style", num_inference_steps=2).images[0]
    assert (numpy.asarray(Image.open("dog.png")) != numpy.asarray(plain)).any()
