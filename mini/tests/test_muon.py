"""Muon against torch.optim.Muon over 20 steps, the rate changing each step; a convolution counts as a matrix."""

import pytest
import torch
from probe_runner import relative_error, run_probe

STEPS = 20
SHAPES = [(40, 64), (64, 40), (32, 8, 3, 3)]
RATES = [1e-2 * (1 - step / STEPS) for step in range(STEPS)]


def inputs():
    generator = torch.Generator().manual_seed(0)
    tensors = {f"p.{i}": torch.randn(shape, generator=generator) for i, shape in enumerate(SHAPES)}
    for step in range(STEPS):
        for i, shape in enumerate(SHAPES):
            tensors[f"g.{step}.{i}"] = torch.randn(shape, generator=generator) * 10 ** (step % 5 - 3)
    return tensors


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_muon(weight_decay, resume, threads):
    tensors = inputs()
    ours, _ = run_probe("muon", tensors, program="ziplora_mini_probe", rates=RATES, max_norm=0.0, resume=resume, lr=1e-2, momentum=0.9,
                        weight_decay=weight_decay, threads=threads)
    parameters = [tensors[f"p.{i}"].flatten(1).clone().requires_grad_() for i in range(len(SHAPES))]
    optimizer = torch.optim.Muon(parameters, lr=1e-2, momentum=0.9, nesterov=True, weight_decay=weight_decay,
                                 adjust_lr_fn="match_rms_adamw")
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = RATES[step]
        for i, parameter in enumerate(parameters):
            parameter.grad = tensors[f"g.{step}.{i}"].flatten(1).clone()
        optimizer.step()
    for i, parameter in enumerate(parameters):
        start = tensors[f"p.{i}"].flatten(1)
        moved = parameter.detach() - start
        assert moved.abs().max() > 0.01
        assert relative_error(ours[f"p.{i}"].flatten(1) - start, moved) < 1e-4
