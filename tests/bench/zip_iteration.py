"""An iteration of zip here and as the public implementation does it (dense ΔW, four forward passes), from the same base
and the same two LoRAs.

    OMP_NUM_THREADS=1 .venv/bin/python tests/bench/zip_iteration.py [--rank 8] [--rounds 3]
    OMP_NUM_THREADS=2 .venv/bin/python tests/bench/zip_iteration.py --sdxl [--gradient-checkpointing] [--float32-deltas]

Prints one JSON object: the fastest iteration of each in seconds, and the peak memory of each process; how it is
measured: side_by_side.py. The coefficients are float32 on both sides. The public implementation
(mkshing/ziplora-pytorch) keeps ΔW in float32 whatever the base's dtype; with --sdxl it is kept in bfloat16 here, which
is kinder to Python by half of its ΔW, because 24 GB would not hold the other without gradient checkpointing: each ΔW
has 955 million weights. --float32-deltas is the public form.
"""

import torch
from side_by_side import (ATTENTION, Clock, base_of, compare, load_unet, options, print_result, run_in_probe,
                          run_in_python, start)

ADAPTERS = 2
OVERLAP_WEIGHT, LEARNING_RATE = 0.01, 0.01


def make_inputs(base, rank, iterations):
    """Factors as "<adapter>.<down|up>.<path>" in the base's dtype, and the rows of each iteration."""
    dtype, channels = getattr(torch, base.dtype), base.unet_config()["in_channels"]
    inputs = base.conditioning(ADAPTERS) | {
        "noisy_latents": torch.randn(iterations, ADAPTERS, channels, base.side, base.side),
        "timesteps": torch.randint(0, 1000, (iterations, ADAPTERS))}
    for path, (width, height) in base.attention_layers().items():
        for k in range(ADAPTERS):
            inputs[f"{k}.down.{path}"] = (torch.randn(rank, width) / width ** 0.5).to(dtype)
            inputs[f"{k}.up.{path}"] = (0.05 * torch.randn(height, rank)).to(dtype)
    return inputs


class DenseZip(torch.nn.Module):
    """y = (W0 + Σ m_k ⊗ ΔW_k) x with ΔW_k kept dense."""

    def __init__(self, base, deltas):
        super().__init__()
        self.base, self.deltas = base, deltas
        self.m = torch.nn.ParameterList([torch.ones(base.in_features) for _ in deltas])
        self.alone = None

    def forward(self, x):
        if self.alone is None:
            delta = self.m[0] * self.deltas[0] + self.m[1] * self.deltas[1]
        else:
            delta = self.deltas[self.alone]
        return self.base(x) + torch.nn.functional.linear(x, delta)

    def overlap(self):
        return (self.m[0] * self.m[1]).abs().mean()


def make_dense(unet, inputs, deltas_dtype):
    """Takes the factors out of the inputs, so that they are in memory no longer than their ΔW."""
    layers = []
    for path, module in list(unet.named_modules()):
        if path.endswith(ATTENTION) and isinstance(module, torch.nn.Linear):
            factors = [(inputs.pop(f"{k}.up.{path}"), inputs.pop(f"{k}.down.{path}")) for k in range(ADAPTERS)]
            layers.append(DenseZip(module, [up.to(deltas_dtype) @ down.to(deltas_dtype) for up, down in factors]))
            parent, _, name = path.rpartition(".")
            setattr(unet.get_submodule(parent), name, layers[-1])
    return layers


def in_python(inputs, folder, dtype, deltas_dtype, iterations, checkpointing):
    dtype = getattr(torch, dtype)
    unet = load_unet(folder, dtype, checkpointing).requires_grad_(False)
    layers = make_dense(unet, inputs, getattr(torch, deltas_dtype))
    optimizer = torch.optim.Adam([m for layer in layers for m in layer.m], lr=LEARNING_RATE)

    def predict(iteration, k, alone):
        for layer in layers:
            layer.alone = k if alone else None
        row = slice(k, k + 1)
        added = {"text_embeds": inputs["text_embeds"][row].to(dtype), "time_ids": inputs["time_ids"][row]}
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            return unet(inputs["noisy_latents"][iteration, row].to(dtype), inputs["timesteps"][iteration, row],
                        inputs["prompt_embeds"][row].to(dtype), added_cond_kwargs=added).sample.float()

    losses, clock = [], Clock()
    for iteration in range(iterations):
        optimizer.zero_grad()
        merged = [predict(iteration, k, alone=False) for k in range(ADAPTERS)]
        with torch.no_grad():
            targets = [predict(iteration, k, alone=True) for k in range(ADAPTERS)]
        for layer in layers:
            layer.alone = None  # a checkpointed block runs again in the backward pass
        fidelity = sum(torch.nn.functional.mse_loss(m, t) for m, t in zip(merged, targets))
        overlap = torch.stack([layer.overlap() for layer in layers]).sum()
        (fidelity + OVERLAP_WEIGHT * overlap).backward()
        optimizer.step()
        clock.lap()
        losses.append(fidelity.detach())
    return clock.values() | {"losses": [loss.item() for loss in losses]}


def main(full_size=None):
    parser = options(__doc__)
    parser.add_argument("--rank", type=int, help="by default 8, with --sdxl 64")
    parser.add_argument("--gradient-checkpointing", action="store_true")
    parser.add_argument("--float32-deltas", action="store_true", help="ΔW as the public implementation keeps it")
    arguments = parser.parse_args()
    with base_of(arguments, full_size) as base:
        rank, iterations = arguments.rank or base.rank, 3 if arguments.sdxl else 8
        deltas_dtype = "float32" if arguments.float32_deltas else base.dtype
        inputs = make_inputs(base, rank, iterations)
        request = dict(folder=str(base.folder), dtype=base.dtype, iterations=iterations,
                       checkpointing=arguments.gradient_checkpointing)
        result = compare(
            base, lambda: run_in_probe("zip_iteration", inputs, overlap_weight=OVERLAP_WEIGHT,
                                       learning_rate=LEARNING_RATE, **request),
            lambda: run_in_python(__file__, inputs, deltas_dtype=deltas_dtype, **request), arguments.rounds)
        coefficients = ADAPTERS * sum(width for width, _ in base.attention_layers().values())
        print_result(base, result, rank=rank, gradient_checkpointing=arguments.gradient_checkpointing,
                     dense_deltas=deltas_dtype, coefficients=coefficients)


if __name__ == "__main__":
    start(main, in_python)
