"""What the scripts of the questions share: `ziplora evaluate` at the evidence's settings, and its means by contender.

    found = evaluate("build/ziplora", manifest_file, folder, "--group", "first")
    found["direct 0.7, 1"]["likeness"]      # the mean over all images that have it, by the first judge
"""

import csv
import subprocess
from collections import defaultdict
from pathlib import Path

import numpy as np

SETTINGS = ["--steps", "8", "--scheduler", "dpm++-2m", "--guidance-scale", "3", "--batch-size", "8"]
NOT_SCORES = ("judge", "contender", "group", "subject", "style", "prompt", "seed", "file")


def evaluate(program: str, manifest: Path, folder: Path, *more: str) -> dict[str, dict[str, float]]:
    subprocess.run([program, "evaluate", manifest, "--quiet", *SETTINGS, *more, "-o", folder], check=True, stdout=subprocess.DEVNULL)
    found = defaultdict(lambda: defaultdict(list))
    with open(folder / "images.csv", newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    for row in rows:
        if row["judge"] == rows[0]["judge"]:
            for column in row.keys() - NOT_SCORES:
                if row[column]:
                    found[row["contender"]][column].append(float(row[column]))
    return {name: {column: float(np.mean(values)) for column, values in columns.items()} for name, columns in found.items()}


def stem(*words: str) -> str:
    """Of a file that is named after them."""
    return "-".join(words).replace(" ", "-").replace(",", "")
