"""The miniature for the referees: its models in their classes, and what they make of the demo's images.

    unet, folder = open_part(UNet2DConditionModel, "unet")   # float32, and the folder for the probe
    rows = draw_demo_rows(4)                                 # latents, prompt_embeds, pooled_embeds, time_ids
"""

import json
from functools import lru_cache
from pathlib import Path

import torch
from diffusers import StableDiffusionXLPipeline
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
MINI, DEMO = ROOT / "assets" / "mini", ROOT / "assets" / "demo"
SCHEDULER_CONFIG = json.loads((MINI / "scheduler" / "scheduler_config.json").read_text())


def demo_pictures():
    """File and caption: those of the subject, then the style's, captioned as tools/demo.sh does."""
    files = sorted((DEMO / "subject").glob("*.png"))
    return [*((file, file.with_suffix(".txt").read_text().strip()) for file in files),
            (DEMO / "style" / "1.png", "a fox, in szn style")]


def open_part(cls, part):
    return cls.from_pretrained(MINI / part).float(), MINI / part


@lru_cache
def open_pipeline():
    pipeline = StableDiffusionXLPipeline.from_pretrained(MINI, torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@lru_cache
@torch.no_grad()
def encode_demo():
    """One row of each tensor for each image."""
    pipeline, (files, captions) = open_pipeline(), zip(*demo_pictures())
    prompt_embeds, _, pooled_embeds, _ = pipeline.encode_prompt(list(captions), do_classifier_free_guidance=False)
    images = pipeline.image_processor.preprocess([Image.open(file) for file in files])
    return {"latents": pipeline.vae.encode(images).latent_dist.mean * pipeline.vae.config.scaling_factor,
            "prompt_embeds": prompt_embeds, "pooled_embeds": pooled_embeds,
            "time_ids": torch.tensor([[64.0, 64, 0, 0, 64, 64]] * len(files))}


def draw_demo_rows(count):
    """With repetitions, as an epoch over few images has them."""
    rows = torch.randint(len(demo_pictures()), (count,))
    return {name: value[rows] for name, value in encode_demo().items()}
