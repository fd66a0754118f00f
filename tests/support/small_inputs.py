"""Inputs so small that a command of any verb takes half a second on them: a base, two LoRAs and a folder with a photo.

    folder = make_small_inputs(tmp_path / "inputs")   # folder/base, dog.safetensors, ink.safetensors, photos/a.png
"""

from pathlib import Path

from diffusers import StableDiffusionXLPipeline
from lora_files import LayerChoice, random_layers, save_kohya
from noise_photo import save_noise_photo
from tiny_sdxl import make_tiny_sdxl


def make_small_inputs(folder: Path) -> Path:
    base = make_tiny_sdxl(folder / "base")
    pipeline = StableDiffusionXLPipeline.from_pretrained(base)
    for seed, name in enumerate(("dog", "ink")):
        save_kohya(folder / f"{name}.safetensors", random_layers(pipeline, LayerChoice(seed=seed)), pipeline,
                   metadata={"modelspec.trigger_phrase": f"a sks {name}"})
    (folder / "photos").mkdir()
    save_noise_photo(folder / "photos/a.png")
    return folder
