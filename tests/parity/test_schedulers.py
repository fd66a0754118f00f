"""Whole trajectories of every scheduler with a fixed fake model, against the classes of diffusers."""

import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    LCMScheduler,
)
from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import rescale_noise_cfg
from embedded_base import SCHEDULER_CONFIG
from probe_runner import relative_error, run_probe

CLASSES = {
    "ddim": DDIMScheduler,
    "euler": EulerDiscreteScheduler,
    "euler-ancestral": EulerAncestralDiscreteScheduler,
    "dpm++-2m": DPMSolverMultistepScheduler,
    "lcm": LCMScheduler,
}
KARRAS = {"euler", "dpm++-2m"}  # where diffusers offers it
SOLVERS = [*((name, False) for name in CLASSES), *((name, True) for name in sorted(KARRAS))]
BASE_CONFIG = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
    "set_alpha_to_one": False,
    "steps_offset": 1,
}
SEED = 11


def compare(name, steps, karras=False, eta=0.0, **changes):
    config = {**BASE_CONFIG, **changes}
    cls = CLASSES[name]
    theirs = cls.from_config({**config, "use_karras_sigmas": karras} if karras else config)
    torch.manual_seed(0)
    noise = torch.randn(2, 4, 6, 5)
    matrix = torch.randn(4, 4) * 0.5

    outputs, values = run_probe(
        "scheduler", {"noise": noise, "matrix": matrix}, scheduler=name, config=config, steps=steps, karras=karras,
        seed=SEED, eta=eta,
    )

    theirs.set_timesteps(steps)
    assert values["timesteps"] == pytest.approx(theirs.timesteps.double().tolist(), rel=1e-5, abs=1e-4)
    assert values["initial_noise_sigma"] == pytest.approx(float(theirs.init_noise_sigma), rel=1e-6)
    generators = [torch.Generator().manual_seed(SEED + row) for row in range(2)]
    sample = noise * theirs.init_noise_sigma
    extra = {} if name in ("euler", "dpm++-2m") else {"generator": generators}
    if name == "ddim":
        extra["eta"] = eta
    for step, timestep in enumerate(theirs.timesteps):
        model_input = theirs.scale_model_input(sample, timestep)
        noise_pred = torch.tanh(torch.einsum("oc,bchw->bohw", matrix, model_input)) * 0.9 + timestep / 2000.0
        sample = theirs.step(noise_pred, timestep, sample, **extra).prev_sample
        assert relative_error(outputs["trajectory"][step], sample) < 2e-5, f"step {step} of {steps}"

    guided = noise + 5.0 * (sample - noise)
    assert relative_error(outputs["guided"], rescale_noise_cfg(guided, sample, guidance_rescale=0.7)) < 1e-5


@pytest.mark.parametrize("spacing", ["leading", "linspace", "trailing"])
@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("name,karras", SOLVERS)
def test_trajectory(name, karras, prediction_type, spacing):
    for steps in (4,) if name == "lcm" else (7, 25):
        compare(name, steps, karras, prediction_type=prediction_type, timestep_spacing=spacing)


@pytest.mark.parametrize("name,karras", SOLVERS)
def test_trajectory_on_the_miniatures_config(name, karras):
    for steps in (4,) if name == "lcm" else (7, 20):
        compare(name, steps, karras, **SCHEDULER_CONFIG)


@pytest.mark.parametrize("name", CLASSES)
def test_zero_terminal_snr(name):
    compare(name, 4 if name == "lcm" else 9, prediction_type="v_prediction", timestep_spacing="trailing",
            rescale_betas_zero_snr=True)


@pytest.mark.parametrize("name", ["ddim", "lcm"])
def test_clip_sample(name):
    compare(name, 5, clip_sample=True, set_alpha_to_one=True, timestep_spacing="leading")


def test_ddim_with_eta():
    compare("ddim", 6, eta=0.7, timestep_spacing="leading")


@pytest.mark.parametrize("beta_schedule", ["linear", "squaredcos_cap_v2"])
def test_beta_schedules(beta_schedule):
    for name in ("ddim", "euler"):
        compare(name, 8, beta_schedule=beta_schedule, timestep_spacing="trailing")


def test_one_step():
    for name in CLASSES:
        compare(name, 1, timestep_spacing="trailing")
