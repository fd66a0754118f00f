"""What the scripts of the questions share: `ziplora evaluate` at the evidence's settings, and its scores by contender.

    given = arguments(__doc__)
    manifest, loras, pairs = first_pairs(given.manifest)
    …                                                                # gives pairs their "files", the manifest its "methods"
    found = evaluate_first(given, manifest, "aligned.json")
    found["ssr"]["likeness"].mean()
    found["ssr"]["likeness"].beyond(found["direct"]["likeness"])      # "+0.012 [-0.003, +0.027]"
"""

import argparse
import csv
import json
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


def arguments(description: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path, help="with a group \"first\", as first_subjects.py writes it")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--program", default="build/ziplora")
    return parser.parse_args()


def first_pairs(file: Path) -> tuple[dict, dict[str, Path], list[dict]]:
    """The manifest, its LoRAs by name, and those pairs of its group "first" that have both."""
    manifest, folder = json.loads(file.read_text()), file.parent.resolve()
    loras = {entry["name"]: folder / entry["lora"] for entry in manifest["subjects"] + manifest["styles"] if "lora" in entry}
    return manifest, loras, [pair for pair in manifest["pairs"] if pair["group"] == "first" and pair["style"] in loras]


def evaluate_first(given: argparse.Namespace, manifest: dict, name: str) -> dict[str, dict[str, Scores]]:
    """Beside the manifest that it was made of, since paths are relative to that."""
    file = given.manifest.with_name(name)
    file.write_text(json.dumps(manifest, indent=1))
    return evaluate(given.program, file, given.output / "evaluation", "--group", "first")


def stem(*words: str) -> str:
    """Of a file that is named after them."""
    return "-".join(words).replace(" ", "-").replace(",", "")
