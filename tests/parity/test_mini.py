"""The miniature itself: diffusers opens the same folder and draws the same images, with and without a merged LoRA."""

import json

import numpy as np
import pytest
import torch
from embedded_base import DEMO, MINI, ROOT, SCHEDULER_CONFIG, open_pipeline
from PIL import Image
from probe_runner import relative_error, run_probe
from program import ziplora
from safetensors.torch import load_file, save_file
from test_pipeline import CLASSES, psnr_db
from test_schedulers import SOLVERS

PROMPTS = ["a fox at night, in twemoji style", "two red apples on a blue background"]
STEPS, GUIDANCE, SEED = 20, 5.0, 11


@pytest.fixture(scope="module")
def pipeline():
    return open_pipeline()


def ours_and_theirs(pipeline, tmp_path, *flags, steps=STEPS):
    """Images [N, H, W, 3] in 0…1 and latents, of `ziplora generate` and of the pipeline as it is."""
    start = torch.randn(len(PROMPTS), 4, 16, 16, generator=torch.Generator().manual_seed(SEED))
    save_file({"latents": start}, tmp_path / "noise.safetensors")
    result = ziplora("generate", *PROMPTS, "-o", tmp_path / "ours.png", "--steps", steps, "--guidance-scale", GUIDANCE,
                     "--seed", SEED, "--initial-noise", tmp_path / "noise.safetensors", "--save-latents",
                     tmp_path / "latents.safetensors", "--base", MINI, *flags)
    ours = np.stack([np.asarray(Image.open(p["file"])) for p in result["images"]]).astype(np.float64) / 255
    latents = pipeline(PROMPTS, num_inference_steps=steps, guidance_scale=GUIDANCE, latents=start, output_type="latent",
                       generator=[torch.Generator().manual_seed(SEED) for _ in PROMPTS]).images
    with torch.no_grad():
        decoded = pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor).sample
    theirs = (decoded / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).double().numpy()
    assert theirs.std() > 0.1, "a flat image shows nothing"
    return ours, theirs, load_file(tmp_path / "latents.safetensors")["latents"], latents


@pytest.mark.parametrize("scheduler, karras", [(None, False), *SOLVERS])
def test_the_pipeline_draws_the_same_pictures(scheduler, karras, pipeline, tmp_path, monkeypatch):
    """By the base's own scheduler and, in fewer steps, by each that can be named."""
    flags = []
    if scheduler:
        flags = ["--scheduler", scheduler, *(["--karras"] if karras else [])]
        config = SCHEDULER_CONFIG | {"use_karras_sigmas": karras}
        monkeypatch.setattr(pipeline, "scheduler", CLASSES[scheduler].from_config(config))
    ours, theirs, our_latents, latents = ours_and_theirs(
        pipeline, tmp_path, *flags, steps={None: STEPS, "lcm": 4}.get(scheduler, 8))
    error, psnr = relative_error(our_latents, latents), psnr_db(ours, theirs)
    print(f"{scheduler}, karras {karras}: latents {error:.1e}, images {psnr:.1f} dB")
    assert error < 1e-4
    assert psnr >= 50


def test_a_merged_file_shows_the_same_in_diffusers(pipeline, tmp_path):
    quick = ("--iterations", 8, "--base", MINI)
    at_once = ("--lr-schedule", "constant", "--warmup", 0)  # of so few iterations the default's are all warm-up
    ziplora("train", DEMO / "subject", "--prompt", "a sks animal", "-o", tmp_path / "subject.safetensors", *quick, *at_once)
    ziplora("train", DEMO / "style", "--prompt", "in szn style", "-o", tmp_path / "style.safetensors", *quick, *at_once)
    report = ziplora("merge", "--method", "zip", "--subject", tmp_path / "subject.safetensors", "--style",
                     tmp_path / "style.safetensors", "-o", tmp_path / "merged.safetensors", *quick, "--images", 1, "--image-steps", 4)
    assert report["mean_movement"] > 0.01
    # A method that needs no base is not told which one: the files' shapes say it.
    added = ziplora("merge", "--method", "direct", "--subject", tmp_path / "subject.safetensors", "--style",
                    tmp_path / "style.safetensors", "-o", tmp_path / "direct.safetensors")
    assert added["layers"] == report["layers"] == 132
    without = ours_and_theirs(pipeline, tmp_path)[1]
    pipeline.load_lora_weights(tmp_path / "merged.safetensors")
    try:
        ours, theirs, our_latents, latents = ours_and_theirs(
            pipeline, tmp_path, "--adapter", tmp_path / "merged.safetensors")
    finally:
        pipeline.unload_lora_weights()
    assert psnr_db(theirs, without) < 40, "the merged file does nothing"
    assert relative_error(our_latents, latents) < 1e-3
    assert psnr_db(ours, theirs) >= 50


def test_tokenizers_agree_on_the_worlds_captions(pipeline):
    """What the base was trained on must be what it is asked with."""
    subjects = json.loads((ROOT / "mini/assets/subjects.json").read_text())["subjects"]
    captions = [f"{one['article']} {one['words']} at night, in watercolour style" for one in subjects]
    _, values = run_probe("tokenizer", folder=str(MINI / "tokenizer"), texts=captions)
    assert values["padded"] == pipeline.tokenizer(captions, padding="max_length", truncation=True).input_ids
