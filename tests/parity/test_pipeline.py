"""`ziplora generate` against StableDiffusionXLPipeline: same folder, prompts, start noise and scheduler, equal images."""

import json

import numpy as np
import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    LCMScheduler,
    StableDiffusionXLPipeline,
)
from PIL import Image
from probe_runner import relative_error
from program import ziplora, ziplora_fails
from safetensors.torch import load_file, save_file
from test_unet import CONFIGS
from tiny_sdxl import TEXT_ENCODER, TEXT_ENCODER_2, make_tiny_sdxl

CLASSES = {
    "ddim": DDIMScheduler,
    "euler": EulerDiscreteScheduler,
    "euler-ancestral": EulerAncestralDiscreteScheduler,
    "dpm++-2m": DPMSolverMultistepScheduler,
    "lcm": LCMScheduler,
}
PROMPTS = ["a ghost at night", "Großer Igel, in ink style"]
HEIGHT, WIDTH, SEED = 48, 32, 7
# clip_sample as SDXL's own file has it: without it DDIM and LCM would clip latents to ±1, here and in diffusers.
LATENT = {"clip_sample": False, "set_alpha_to_one": False}
PREDICTIONS = {
    "epsilon": {"prediction_type": "epsilon"},
    "v_prediction": {"prediction_type": "v_prediction", "timestep_spacing": "trailing", "rescale_betas_zero_snr": True},
}


@pytest.fixture(scope="module", params=PREDICTIONS)
def base(request, tmp_path_factory):
    """Weights as small as those of a new model: noise_pred of about unit size, so that no step explodes."""
    folder = make_tiny_sdxl(tmp_path_factory.mktemp(request.param) / "base")
    set_scheduler_config(folder, LATENT | PREDICTIONS[request.param])
    return folder


def set_scheduler_config(folder, changes):
    path = folder / "scheduler/scheduler_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def noise(rows):
    return torch.randn(rows, 4, HEIGHT // 2, WIDTH // 2, generator=torch.Generator().manual_seed(SEED))


def psnr_db(ours, theirs):
    return float(-10 * np.log10(np.maximum(np.mean((ours - theirs) ** 2), 1e-20)))


def compare(base, tmp_path, scheduler, prompts=PROMPTS, steps=8, karras=None, **call):
    """`call`: arguments of the pipeline, given to both. Returns diffusers' latents."""
    save_file({"latents": noise(len(prompts))}, tmp_path / "noise.safetensors")
    named = [part for key, value in call.items() for part in (f"--{key.replace('_', '-')}", value)]
    if scheduler:
        named += ["--scheduler", scheduler]
    if karras:
        named += ["--karras"]
    result = ziplora(
        "generate", *prompts, "--base", base, "-o", tmp_path / "ours.png", "--steps", steps, "--seed", SEED, "--height",
        HEIGHT, "--width", WIDTH, "--initial-noise", tmp_path / "noise.safetensors", "--save-latents",
        tmp_path / "latents.safetensors", *named)
    ours = np.stack([np.asarray(Image.open(p["file"])) for p in result["images"]]).astype(np.float64) / 255

    pipeline = StableDiffusionXLPipeline.from_pretrained(base, add_watermarker=False)
    pipeline.set_progress_bar_config(disable=True)
    if scheduler:
        extra = {} if karras is None else {"use_karras_sigmas": karras}
        pipeline.scheduler = CLASSES[scheduler].from_config(pipeline.scheduler.config, **extra)
    arguments = dict(
        prompt=prompts, num_inference_steps=steps, height=HEIGHT, width=WIDTH, latents=noise(len(prompts)),
        generator=[torch.Generator().manual_seed(SEED) for _ in prompts], **call)
    if "negative_prompt" in call:
        arguments["negative_prompt"] = [call["negative_prompt"]] * len(prompts)
    latents = pipeline(output_type="latent", **arguments).images
    with torch.no_grad():
        decoded = pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor).sample
    theirs = (decoded / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).double().numpy()

    assert theirs.std() > 0.05, "a flat image shows nothing"
    error = relative_error(load_file(tmp_path / "latents.safetensors")["latents"], latents)
    psnr = psnr_db(ours, theirs)
    print(f"{scheduler}, {call}: latents {error:.1e}, images {psnr:.1f} dB")
    assert error < 2e-5
    assert psnr >= 50
    return latents


ALL = dict(guidance_scale=4.0, guidance_rescale=0.6, negative_prompt="blurry")


@pytest.mark.parametrize("scheduler, karras", [
    *((name, None) for name in CLASSES), ("euler", True), ("dpm++-2m", True)])
def test_schedulers(scheduler, karras, base, tmp_path):
    """Also the noise of euler-ancestral and lcm: one generator per image, seeded alike."""
    compare(base, tmp_path, scheduler, karras=karras, steps=4 if scheduler == "lcm" else 8, **ALL)


@pytest.mark.parametrize("call", [
    dict(guidance_scale=5.0),
    dict(guidance_scale=1.0),
    dict(guidance_scale=7.5, guidance_rescale=0.7),
    dict(guidance_scale=3.0, negative_prompt="blurry, cut off"),
    dict(guidance_scale=3.0, negative_prompt=""),
])
def test_guidance_and_negative_prompts(call, base, tmp_path):
    compare(base, tmp_path, "euler", **call)


def test_an_absent_negative_prompt_is_not_an_empty_one(base, tmp_path):
    """SDXL's force_zeros_for_empty_prompt; without it in the index both are the empty prompt."""
    absent = compare(base, tmp_path, "euler", guidance_scale=5.0)
    empty = compare(base, tmp_path, "euler", guidance_scale=5.0, negative_prompt="")
    assert relative_error(absent, empty) > 0.01
    path = base / "model_index.json"
    index = json.loads(path.read_text())
    try:
        path.write_text(json.dumps(index | {"force_zeros_for_empty_prompt": False}))
        assert relative_error(compare(base, tmp_path, "euler", guidance_scale=5.0), empty) < 1e-6
    finally:
        path.write_text(json.dumps(index))


def test_a_long_prompt_is_cut_as_diffusers_cuts_it(base, tmp_path):
    compare(base, tmp_path, "euler", prompts=["one two three " * 20, "x"], guidance_scale=2.0)


@pytest.mark.parametrize("changes", [
    {"_class_name": "DPMSolverMultistepScheduler", "use_karras_sigmas": True, "lambda_min_clipped": float("-inf")},
    {"_class_name": "DDIMScheduler", "timestep_spacing": "leading"},
    {"_class_name": "EulerDiscreteScheduler", "use_karras_sigmas": True, "timestep_spacing": "linspace"},
])
def test_the_bases_own_scheduler(changes, tmp_path):
    folder = make_tiny_sdxl(tmp_path / "base")
    set_scheduler_config(folder, LATENT | changes)
    index = json.loads((folder / "model_index.json").read_text())
    index["scheduler"] = ["diffusers", changes["_class_name"]]
    (folder / "model_index.json").write_text(json.dumps(index))
    compare(folder, tmp_path, None, guidance_scale=3.0)


@pytest.mark.parametrize("field, value", [("algorithm_type", "sde-dpmsolver++"), ("solver_order", 3),
                                          ("euler_at_final", True), ("lambda_min_clipped", -5.1),
                                          ("use_lu_lambdas", True)])
def test_another_solver_of_the_bases_own_scheduler_is_refused(field, value, tmp_path):
    folder = make_tiny_sdxl(tmp_path / "base")
    set_scheduler_config(folder, LATENT | {"_class_name": "DPMSolverMultistepScheduler", field: value})
    arguments = ["generate", "a ghost", "--base", folder, "--steps", 2, "-o", tmp_path / "out.png"]
    error = ziplora_fails(3, *arguments)
    assert field in error["problem"] and str(value).lower() in error["problem"].lower()
    if field != "use_lu_lambdas":  # which is a matter of the noise levels, whatever the solver
        ziplora(*arguments, "--scheduler", "dpm++-2m")


@pytest.mark.parametrize("name", ["unequal-layers", "one-layer"])
def test_unets_of_other_shapes(name, tmp_path):
    """Their sizes but for two, which the text encoders give."""
    unet = CONFIGS[name]
    fitting = {"cross_attention_dim": TEXT_ENCODER["hidden_size"] + TEXT_ENCODER_2["hidden_size"],
               "projection_class_embeddings_input_dim":
                   TEXT_ENCODER_2["projection_dim"] + 6 * unet["addition_time_embed_dim"]}
    folder = make_tiny_sdxl(tmp_path / "base", unet=unet | fitting)
    set_scheduler_config(folder, LATENT)
    compare(folder, tmp_path, "euler", guidance_scale=3.0)


def test_25_steps(base, tmp_path):
    compare(base, tmp_path, "euler", steps=25, guidance_scale=5.0)
