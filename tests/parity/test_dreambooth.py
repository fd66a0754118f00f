"""Ten iterations of DreamBooth against plain Python: diffusers' UNet and scheduler, peft's LoRA, torch's AdamW."""

import copy

import pytest
import torch
from diffusers import DDPMScheduler
from diffusers.optimization import get_scheduler
from diffusers.training_utils import compute_snr
from embedded_base import SCHEDULER_CONFIG
from peft import LoraConfig
from probe_runner import relative_error, run_probe
from test_unet import draw_rows, open_unet

ATTENTION = ["to_q", "to_k", "to_v", "to_out.0"]
LINEAR = ATTENTION + ["proj_in", "proj_out", "net.0.proj", "net.2"]
SDXL_SCHEDULE = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", prediction_type="epsilon")
DEFAULTS = dict(
    unet="sdxl-like", schedule=SDXL_SCHEDULE,
    rank=4, lora_alpha=4.0, all_linear=False, prior_weight=1.0, min_snr_gamma=None, lr=1e-2, weight_decay=0.0,
    lr_schedule="constant", warmup=0, iterations=10, gradient_accumulation=1, gradient_checkpointing=False,
    instance_rows=2, class_rows=0)
CASES = {
    "paper": {},
    "everything": dict(
        lora_alpha=6.0, all_linear=True, prior_weight=0.7, min_snr_gamma=5.0, weight_decay=0.05, lr_schedule="cosine",
        warmup=3, gradient_accumulation=2, gradient_checkpointing=True, class_rows=2),
    "v-prediction": dict(
        schedule=SDXL_SCHEDULE | {"prediction_type": "v_prediction"}, min_snr_gamma=5.0, lr_schedule="linear"),
    "unequal-layers": dict(unet="unequal-layers", all_linear=True, class_rows=2, prior_weight=0.7),
    "one-layer": dict(unet="one-layer", lora_alpha=2.0, min_snr_gamma=5.0),
    # The miniature on the demo's images, as its training_defaults.json says, but for the length of the warm-up.
    "mini": dict(unet="mini", schedule=SCHEDULER_CONFIG, rank=8, lora_alpha=8.0, all_linear=True, lr=2e-3,
                 lr_schedule="cosine", warmup=2, instance_rows=4),
}


def make_batches(unet, settings):
    count, batches = settings["instance_rows"] + settings["class_rows"], []
    for _ in range(settings["iterations"] * settings["gradient_accumulation"]):
        rows = draw_rows(settings["unet"], unet, count)
        rows |= {"noise": torch.randn_like(rows["latents"]), "timesteps": torch.randint(0, 1000, (count,))}
        batches.append(rows)
    return batches


def add_lora(unet, settings):
    unet.requires_grad_(False)
    unet.add_adapter(LoraConfig(
        r=settings["rank"], lora_alpha=settings["lora_alpha"],
        target_modules=LINEAR if settings["all_linear"] else ATTENTION))
    return factors_of(unet)


def factors_of(unet):
    factors = {}
    for name, parameter in unet.named_parameters():
        if parameter.requires_grad:
            target = name.split(".lora_")[0]
            factors[f"unet.{target}.{'down' if '.lora_A.' in name else 'up'}"] = parameter
    return factors


def loss_of(unet, scheduler, batch, settings):
    latents, noise, timesteps = batch["latents"], batch["noise"], batch["timesteps"]
    noisy = scheduler.add_noise(latents, noise, timesteps)
    v_prediction = settings["schedule"]["prediction_type"] == "v_prediction"
    target = scheduler.get_velocity(latents, noise, timesteps) if v_prediction else noise
    prediction = unet(
        noisy, timesteps, batch["prompt_embeds"],
        added_cond_kwargs={"text_embeds": batch["pooled_embeds"], "time_ids": batch["time_ids"]}).sample
    rows = settings["instance_rows"]
    loss = (prediction[:rows] - target[:rows]).square().mean(dim=(1, 2, 3))
    if settings["min_snr_gamma"] is not None:
        snr = compute_snr(scheduler, timesteps[:rows])
        loss = loss * snr.clamp(max=settings["min_snr_gamma"]) / (snr + 1 if v_prediction else snr)
    loss = loss.mean()
    if settings["class_rows"]:
        loss = loss + settings["prior_weight"] * torch.nn.functional.mse_loss(prediction[rows:], target[rows:])
    return loss


def train_in_python(unet, factors, batches, settings):
    scheduler = DDPMScheduler.from_config(settings["schedule"])
    optimizer = torch.optim.AdamW(factors.values(), lr=settings["lr"], weight_decay=settings["weight_decay"])
    lr_schedule = get_scheduler(
        settings["lr_schedule"], optimizer, num_warmup_steps=settings["warmup"],
        num_training_steps=settings["iterations"])
    losses, accumulation = [], settings["gradient_accumulation"]
    for iteration in range(settings["iterations"]):
        optimizer.zero_grad()
        total = 0.0
        for batch in batches[iteration * accumulation:(iteration + 1) * accumulation]:
            loss = loss_of(unet, scheduler, batch, settings) / accumulation
            loss.backward()
            total += loss.item()
        torch.nn.utils.clip_grad_norm_(factors.values(), 1.0)
        optimizer.step()
        lr_schedule.step()
        losses.append(total)
    return losses


def train_in_double(unet, batches, settings):
    """From the same start; leaves `unet` as it is. @return the factors"""
    unet = copy.deepcopy(unet).double()
    factors = factors_of(unet)
    as_double = [{name: value.double() if value.is_floating_point() else value for name, value in batch.items()}
                 for batch in batches]
    train_in_python(unet, factors, as_double, settings)
    return {name: value.detach().float() for name, value in factors.items()}


@pytest.mark.parametrize("case", CASES)
def test_ten_iterations_equal_diffusers_and_peft(case, tmp_path):
    settings = DEFAULTS | CASES[case]
    unet, folder = open_unet(settings["unet"], tmp_path)
    factors = add_lora(unet, settings)
    assert len(factors) == 2 * sum(
        1 for name, module in unet.named_modules()
        if isinstance(module, torch.nn.Module) and name.endswith(".base_layer"))
    batches = make_batches(unet, settings)
    inputs = {f"factor.{name}": value.detach().clone() for name, value in factors.items()}
    inputs |= {f"{n}.{name}": value for n, batch in enumerate(batches) for name, value in batch.items()}

    exact = train_in_double(unet, batches, settings)
    theirs = train_in_python(unet, factors, batches, settings)
    arguments = {key: value for key, value in settings.items() if key not in ("unet", "class_rows")}
    ours, values = run_probe("dreambooth", inputs, folder=str(folder), **arguments)

    worst_loss = max(abs(a - b) / abs(b) for a, b in zip(values["losses"], theirs, strict=True))
    assert set(ours) == set(factors)
    all_ours = torch.cat([ours[name].flatten() for name in factors])
    moved = torch.cat([(factors[name].detach() - inputs[f"factor.{name}"]).flatten() for name in factors])
    all_theirs = torch.cat([value.detach().flatten() for value in factors.values()])
    factor_error = relative_error(all_ours, all_theirs)
    all_exact = torch.cat([exact[name].flatten() for name in factors])
    our_error, their_error = relative_error(all_ours, all_exact), relative_error(all_theirs, all_exact)
    print(f"{case}: worst loss error {worst_loss:.1e}, factor error {factor_error:.1e}; of float64: {our_error:.1e}, "
          f"Python's {their_error:.1e}")
    assert moved.abs().mean() > 1e-3, "the reference itself has not learned"
    assert worst_loss < 1e-3
    # Adam's first updates go by the gradient's sign alone: where one is next to zero, rounding decides, Python's as ours.
    # A hundredth of the factors is more than rounding ever moved, and less than any wrong term of the loss does.
    assert factor_error < 1e-3 or our_error < min(1.5 * their_error, 1e-2)
