#!/usr/bin/env python3
"""Counts where the coefficients end that `merge --method zip` learned in an evaluation.

    .venv/bin/python mini/tools/zip_coefficients.py out/evidence/short/report/evaluation

Where Adam takes two numbers in 100 steps of 0.01 that start at 1 and have λ times their product as their only loss does not
depend on λ, since Adam divides by the size of the gradient. It is computed here.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.numpy import load_file


def end_without_data(weight: float) -> float:
    numbers = torch.ones(2, requires_grad=True)
    adam = torch.optim.Adam([numbers], lr=0.01)
    for _ in range(100):
        adam.zero_grad()
        (weight * numbers.prod().abs()).backward()
        adam.step()
    return numbers[0].item()


def is_of_the_paper(merged: Path) -> bool:
    with safe_open(merged, "np") as file:
        recipe = json.loads((file.metadata() or {}).get("ziplora.recipe", "{}"))
    options = recipe.get("options", {})
    return recipe.get("method") == "zip" and options.get("overlap-weight", 0.01) == 0.01 and not options.get("joint-weight")


def main(evaluation: Path) -> None:
    end = end_without_data(0.01)
    shares = []
    for file in sorted((evaluation / "merges").glob("*.coefficients.safetensors")):
        if is_of_the_paper(file.with_name(file.name.replace(".coefficients", ""))):
            values = np.concatenate([tensor.ravel() for tensor in load_file(file).values()])
            shares.append([np.mean(abs(values - end) < 0.01), np.mean(abs(values) < 0.05), np.mean(abs(values - 1) < 0.05), values.mean()])
    near, zero, one, mean = np.mean(shares, 0)
    print(f"{len(shares)} merges by zip; without data a coefficient ends at {end:.4f} (λ 0.0001: {end_without_data(1e-4):.4f}, "
          f"λ 1: {end_without_data(1.0):.4f})\n{near:.0%} within 0.01 of that, between {np.min(shares, 0)[0]:.0%} and {np.max(shares, 0)[0]:.0%} "
          f"in a merge; {zero:.0%} below 0.05, {one:.0%} within 0.05 of 1; mean {mean:.2f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
