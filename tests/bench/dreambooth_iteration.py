"""An iteration of DreamBooth here and with diffusers and peft, from the same base and the same first factors.

    OMP_NUM_THREADS=1 .venv/bin/python tests/bench/dreambooth_iteration.py [--batch 8] [--rounds 3]
    OMP_NUM_THREADS=2 .venv/bin/python tests/bench/dreambooth_iteration.py --sdxl [--gradient-checkpointing]

Prints one JSON object: the fastest iteration of each (noise, forward, loss, backward, clipping, Adam), in seconds of
wall time and of CPU time, and the peak memory of each process; how it is measured: side_by_side.py. The factors are
float32 on both sides; on a bfloat16 base Python computes under autocast, as diffusers' script does with
--mixed_precision.
"""

import tempfile
from pathlib import Path

import torch
from side_by_side import (ATTENTION, Clock, base_of, compare, load_file, load_unet, options, print_result, run_in_probe,
                          run_in_python, save_file, start)

LEARNING_RATE = 5e-5


def first_factors(layers, rank):
    """As peft and ziplora begin: down random, up zero."""
    factors = {}
    for path, (width, height) in layers.items():
        factors[f"unet.{path}.down"] = (2 * torch.rand(rank, width) - 1) / width ** 0.5
        factors[f"unet.{path}.up"] = torch.zeros(height, rank)
    return factors


def add_lora(unet, factors, rank):
    """The factors as peft's parameters, in float32. Returns them."""
    from diffusers.training_utils import cast_training_params
    from peft import LoraConfig
    unet.requires_grad_(False)
    unet.add_adapter(LoraConfig(r=rank, lora_alpha=rank, target_modules=list(ATTENTION)))
    cast_training_params(unet, torch.float32)
    trained = {name: parameter for name, parameter in unet.named_parameters() if parameter.requires_grad}
    for name, parameter in trained.items():
        target, _, factor = name.partition(".lora_")
        parameter.data.copy_(factors[f"unet.{target}.{'down' if factor.startswith('A') else 'up'}"])
    assert len(trained) == len(factors)
    return list(trained.values())


def in_python(inputs, folder, dtype, factors, rank, iterations, checkpointing):
    from diffusers import DDPMScheduler
    dtype = getattr(torch, dtype)
    unet = load_unet(folder, dtype, checkpointing)
    scheduler = DDPMScheduler.from_pretrained(folder, subfolder="scheduler")
    trained = add_lora(unet, load_file(factors), rank)
    optimizer = torch.optim.AdamW(trained, lr=LEARNING_RATE, weight_decay=0.0, fused=True)
    latents, noise, timesteps = inputs["latents"], inputs["noise"], inputs["timesteps"]
    predicts_velocity = scheduler.config.prediction_type == "v_prediction"
    losses, clock = [], Clock()
    for _ in range(iterations):
        optimizer.zero_grad()
        noisy = scheduler.add_noise(latents, noise, timesteps).to(dtype)
        added = {"text_embeds": inputs["text_embeds"].to(dtype), "time_ids": inputs["time_ids"]}
        target = scheduler.get_velocity(latents, noise, timesteps) if predicts_velocity else noise
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            prediction = unet(noisy, timesteps, inputs["prompt_embeds"].to(dtype), added_cond_kwargs=added).sample
        loss = torch.nn.functional.mse_loss(prediction.float(), target)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        clock.lap()
        losses.append(loss.detach())
    return clock.values() | {"losses": [loss.item() for loss in losses]}


def main(full_size=None):
    parser = options(__doc__)
    parser.add_argument("--batch", type=int, help="by default 8, with --sdxl 1")
    parser.add_argument("--rank", type=int, help="by default 8, with --sdxl 64")
    parser.add_argument("--gradient-checkpointing", action="store_true")
    arguments = parser.parse_args()
    with base_of(arguments, full_size) as base, tempfile.TemporaryDirectory() as scratch:
        batch, rank = arguments.batch or (1 if arguments.sdxl else 8), arguments.rank or base.rank
        factors = Path(scratch) / "factors.safetensors"
        save_file(first_factors(base.attention_layers(), rank), factors)
        inputs = base.training_inputs(batch)
        request = dict(folder=str(base.folder), dtype=base.dtype, factors=str(factors), rank=rank,
                       iterations=3 if arguments.sdxl else 4, checkpointing=arguments.gradient_checkpointing)
        result = compare(base, lambda: run_in_probe("dreambooth_iteration", inputs, **request),
                         lambda: run_in_python(__file__, inputs, **request), arguments.rounds)
        print_result(base, result, batch=batch, rank=rank, gradient_checkpointing=arguments.gradient_checkpointing)


if __name__ == "__main__":
    start(main, in_python)
