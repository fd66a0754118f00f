#!/usr/bin/env python3
"""Asks what well-chosen strengths of plain addition could gain on each pair, and whether scores that need no true drawing find
them.

    build/ziplora evaluate MANIFEST --group B --methods mini/assets/strengths.json … -o OUT
    .venv/bin/python mini/tools/strengths.py OUT/images.csv

Of each pair, strengths are chosen by the images from all noises but one, and judged on the images from that one.
"""

import csv
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

USUAL = (0.7, 1.0)
BOUNDS = ("base alone", "subject alone", "style alone")
SCORES = ("likeness", "subject_similarity", "style_similarity")


def strengths_of(contender: str) -> tuple[float, float]:
    _, _, numbers = contender.partition(" ")
    return tuple(map(float, numbers.split(","))) if numbers else (1.0, 1.0)


def read(table: Path) -> tuple[list, list, np.ndarray, np.ndarray]:
    """Pairs; strengths; scores [pair, strengths, noise, score]; scores of the bounds [pair, bound, noise, score]."""
    found = defaultdict(lambda: defaultdict(list))
    with open(table, newline="", encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if row["likeness"]]
    for row in rows:
        if row["judge"] == rows[0]["judge"]:
            found[row["subject"], row["style"], row["contender"]][row["seed"]].append([float(row[score]) for score in SCORES])
    pairs = sorted({(subject, style) for subject, style, _ in found})
    sums = sorted({strengths_of(contender): contender for *_, contender in found if contender.startswith("direct")}.items())
    noises = sorted(next(iter(found.values())))

    def scores(contenders):
        return np.array([[[np.mean(found[*pair, name][noise], 0) for noise in noises] for name in contenders] for pair in pairs])

    return pairs, [strengths for strengths, _ in sums], scores([name for _, name in sums]), scores(BOUNDS)


def smooth(values: np.ndarray, strengths: list) -> np.ndarray:
    """The best quadratic surface over the strengths, of each pair: a single best point would follow the noise."""
    terms = np.array([[1, a, b, a * a, b * b, a * b] for a, b in strengths])
    return values @ (terms @ np.linalg.pinv(terms)).T


def both_axes(scores: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Cosine to the subject's images and to the style's, each from 0 (as the other LoRA alone) to 1 (as its own alone), summed."""
    subject = (scores[..., 1] - bounds[:, 2, 1, None]) / (bounds[:, 1, 1] - bounds[:, 2, 1])[:, None]
    style = (scores[..., 2] - bounds[:, 1, 2, None]) / (bounds[:, 2, 2] - bounds[:, 1, 2])[:, None]
    return subject + style


def interval(values: np.ndarray) -> str:
    resampled = np.random.default_rng(0).integers(0, len(values), (10000, len(values)))
    low, high = np.quantile(values[resampled].mean(1), (0.025, 0.975))
    return f"{values.mean():+.3f} [{low:+.3f}, {high:+.3f}]"


def main(table: Path) -> None:
    pairs, strengths, scores, bounds = read(table)
    usual, noises = strengths.index(USUAL), range(scores.shape[2])
    best = scores[..., 0].mean((0, 2)).argmax()
    print(f"{len(pairs)} pairs, {len(noises)} noises; best for all pairs: {strengths[best]}\n")
    print("| strengths of each pair chosen by | gain in likeness over 0.7, 1 for all |\n|---|---|")
    choices = {"the true drawing": lambda seen, alone: seen[..., 0], "subject's and style's images": both_axes}
    for name, value in choices.items():
        gains = []
        for unseen in noises:
            seen = [noise for noise in noises if noise != unseen]
            values = value(scores[:, :, seen].mean(2), bounds[:, :, seen].mean(2))
            chosen = smooth(values, strengths).argmax(1)
            gains.append(scores[np.arange(len(pairs)), chosen, unseen, 0] - scores[:, usual, unseen, 0])
        print(f"| {name} | {interval(np.mean(gains, 0))} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
