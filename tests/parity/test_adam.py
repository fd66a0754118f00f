"""Adam, AdamW and gradient clipping against torch.optim over 20 steps, the rate changing each step."""

import pytest
import torch
from probe_runner import relative_error, run_probe

STEPS = 20
SHAPES = [(4, 7), (3,), (2, 3, 5)]


def inputs():
    generator = torch.Generator().manual_seed(0)
    tensors = {f"p.{i}": torch.randn(shape, generator=generator) for i, shape in enumerate(SHAPES)}
    for step in range(STEPS):
        for i, shape in enumerate(SHAPES):
            tensors[f"g.{step}.{i}"] = torch.randn(shape, generator=generator) * 10 ** (step % 5 - 3)
    return tensors


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize("max_norm", [0.0, 0.05])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("decoupled", [False, True])
def test_adam(decoupled, weight_decay, max_norm, resume):
    tensors = inputs()
    settings = dict(lr=1e-2, beta1=0.85, beta2=0.98, eps=1e-6, weight_decay=weight_decay, decoupled=decoupled)
    rates = [1e-2 * (1 - step / STEPS) for step in range(STEPS)]
    ours, values = run_probe("adam", tensors, rates=rates, max_norm=max_norm, resume=resume, **settings)

    parameters = [tensors[f"p.{i}"].clone().requires_grad_() for i in range(len(SHAPES))]
    kind = torch.optim.AdamW if decoupled else torch.optim.Adam
    optimizer = kind(parameters, lr=1e-2, betas=(0.85, 0.98), eps=1e-6, weight_decay=weight_decay)
    norms = []
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = rates[step]
        for i, parameter in enumerate(parameters):
            parameter.grad = tensors[f"g.{step}.{i}"].clone()
        if max_norm:
            norms.append(float(torch.nn.utils.clip_grad_norm_(parameters, max_norm)))
        optimizer.step()
    for i, parameter in enumerate(parameters):
        moved = parameter.detach() - tensors[f"p.{i}"]
        assert moved.abs().max() > 0.01
        assert relative_error(ours[f"p.{i}"] - tensors[f"p.{i}"], moved) < 1e-5
    assert values["norms"] == pytest.approx(norms, rel=1e-6)
