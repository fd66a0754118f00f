"""What the scripts of the questions share: `ziplora evaluate` at the evidence's settings, and its scores by contender.

    found = evaluate("build/ziplora", manifest_file, folder, "--group", "first")
    found["ssr"]["likeness"].mean()
    found["ssr"]["likeness"].beyond(found["direct"]["likeness"])      # "+0.012 [-0.003, +0.027]"
"""

import csv
import subprocess
from collections import defaultdict
from pathlib import Path

import numpy as np

SETTINGS = ["--steps", "8", "--scheduler", "dpm++-2m", "--guidance-scale", "3", "--batch-size", "8"]
NOT_SCORES = ("judge", "contender", "group", "subject", "style", "prompt", "seed", "file")


class Scores:
    """One score of one contender, by pair: the mean over its images."""

    def __init__(self, images: dict[tuple[str, str], list[float]]):
        self.by_pair = {pair: float(np.mean(values)) for pair, values in images.items()}

    def mean(self) -> float:
        return float(np.mean(list(self.by_pair.values())))

    def beyond(self, other: "Scores") -> str:
        """The difference on the same pairs, with its 95 % bootstrap interval over them."""
        differences = np.array([value - other.by_pair[pair] for pair, value in self.by_pair.items()])
        resampled = np.random.default_rng(0).integers(0, len(differences), (10000, len(differences)))
        low, high = np.quantile(differences[resampled].mean(1), (0.025, 0.975))
        return f"{differences.mean():+.3f} [{low:+.3f}, {high:+.3f}]"


def evaluate(program: str, manifest: Path, folder: Path, *more: str) -> dict[str, dict[str, Scores]]:
    """By contender and score, of the first judge."""
    subprocess.run([program, "evaluate", manifest, "--quiet", *SETTINGS, *more, "-o", folder], check=True, stdout=subprocess.DEVNULL)
    found = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    with open(folder / "images.csv", newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    for row in rows:
        if row["judge"] == rows[0]["judge"]:
            for column in row.keys() - NOT_SCORES:
                if row[column]:
                    found[row["contender"]][column][row["subject"], row["style"]].append(float(row[column]))
    return {name: {column: Scores(images) for column, images in columns.items()} for name, columns in found.items()}


def stem(*words: str) -> str:
    """Of a file that is named after them."""
    return "-".join(words).replace(" ", "-").replace(",", "")
