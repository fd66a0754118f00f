#!/usr/bin/env python3
"""Counts where the coefficients end that `merge --method zip` learned in an evaluation.

    .venv/bin/python mini/tools/zip_coefficients.py out/evidence/short/report/evaluation

Where Adam takes two numbers in 100 steps of 0.01 that start at 1 and have λ times their product as their only loss does not
depend on λ, since Adam divides by the size of the gradient. It is computed here.
"""

import functools
import json
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.numpy import load_file


@functools.cache
def end_without_data(weight: float) -> float:
    numbers = torch.ones(2, requires_grad=True)
    adam = torch.optim.Adam([numbers], lr=0.01)
    for _ in range(100):
        adam.zero_grad()
        (weight * numbers.prod().abs()).backward()
        adam.step()
    return numbers[0].item()


def overlap_weight(merged: Path) -> float | None:
    """λ of a merge by zip with the paper's objective; None for another."""
    with safe_open(merged, "np") as file:
        recipe = json.loads((file.metadata() or {}).get("ziplora.recipe", "{}"))
    options = recipe.get("options", {})
    return options.get("overlap-weight", 0.01) if recipe.get("method") == "zip" and not options.get("joint-weight") else None


def main(evaluation: Path) -> None:
    shares = defaultdict(list)
    for file in sorted((evaluation / "merges").glob("*.coefficients.safetensors")):
        weight = overlap_weight(file.with_name(file.name.replace(".coefficients", "")))
        if weight is None:
            continue
        values = np.concatenate([tensor.ravel() for tensor in load_file(file).values()])
        shares[weight].append([np.mean(abs(values - end_without_data(weight)) < 0.01), np.mean(abs(values) < 0.05),
                               np.mean(abs(values - 1) < 0.05), values.mean()])
    print("| λ | merges | without data they end at | within 0.01 of that | in a merge | below 0.05 | within 0.05 of 1 | mean |\n"
          "|---|---|---|---|---|---|---|---|")
    for weight, rows in sorted(shares.items()):
        near, zero, one, mean = np.mean(rows, 0)
        print(f"| {weight:g} | {len(rows)} | {end_without_data(weight):.4f} | {near:.0%} | {np.min(rows, 0)[0]:.0%} to {np.max(rows, 0)[0]:.0%} | "
              f"{zero:.0%} | {one:.0%} | {mean:.2f} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
