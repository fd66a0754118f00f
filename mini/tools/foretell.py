#!/usr/bin/env python3
"""Asks whether two LoRA files foretell how well their direct merge does: what `ziplora analyze` measures of each pair against
the likeness to the true drawings that `ziplora evaluate` found, and what a linear fit says of pairs that it has not seen.

    .venv/bin/python mini/tools/foretell.py MANIFEST EVALUATION     # the files of `evaluate MANIFEST -o EVALUATION`
"""

import csv
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

MEASURES = ("absolute_column_cosine", "column_cosine", "cosine", "overlap", "sign_conflict")
RIDGE = 1.0  # on standardised measures, beside as many pairs as there are


def likeness(table: Path) -> tuple[str, dict]:
    """By contender and pair, of the first judge and group, under the joint prompts."""
    with open(table, newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["likeness"]]
    judge, values = rows[0]["judge"], defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row["judge"] == judge and row["group"] == rows[0]["group"]:
            values[row["contender"]][row["subject"], row["style"]].append(float(row["likeness"]))
    return judge, {name: {pair: np.mean(found) for pair, found in pairs.items()} for name, pairs in values.items()}


def measures(subject: Path, style: Path) -> list[float]:
    done = subprocess.run(["build/ziplora", "analyze", subject, style, "--json", "--quiet"], check=True, capture_output=True)
    found = json.loads(done.stdout)
    return [found["pairs"][0][name] for name in MEASURES] + [np.log(file["norm"]) for file in found["files"]]


def unseen_r2(measured: np.ndarray, values: np.ndarray, groups: list) -> float:
    """Of predictions for each group by a fit on all others."""
    predicted = np.zeros_like(values)
    for group in set(groups):
        unseen = np.array([other == group for other in groups])
        mean, spread = measured[~unseen].mean(0), measured[~unseen].std(0) + 1e-12
        known = (measured[~unseen] - mean) / spread
        weights = np.linalg.solve(known.T @ known + RIDGE * np.eye(known.shape[1]),
                                  known.T @ (values[~unseen] - values[~unseen].mean()))
        predicted[unseen] = values[~unseen].mean() + (measured[unseen] - mean) / spread @ weights
    return 1 - ((values - predicted) ** 2).sum() / ((values - values.mean()) ** 2).sum()


def main(manifest: Path, evaluation: Path) -> None:
    listed = json.loads(manifest.read_text())
    loras = {entry["name"]: manifest.parent / entry["lora"] for entry in listed["subjects"] + listed["styles"] if "lora" in entry}
    judge, found = likeness(evaluation / "images.csv")
    pairs = sorted(found["direct"])
    measured = np.array([measures(loras[subject], loras[style]) for subject, style in pairs])
    direct, alone = (np.array([by(pair) for pair in pairs]) for by in (
        found["direct"].get, lambda pair: max(found["subject alone"][pair], found["style alone"][pair])))
    print(f"{len(pairs)} pairs, {judge}\n")
    print("| measure of the two files | correlation with likeness | with what the merge loses |\n|---|---|---|")
    targets = (direct, direct - alone)
    for column, name in enumerate((*MEASURES, "log subject's norm", "log style's norm")):
        print(f"| {name} | " + " | ".join(f"{np.corrcoef(measured[:, column], values)[0, 1]:+.2f}" for values in targets) + " |")
    for words, groups in (("pairs", pairs), ("subjects", [pair[0] for pair in pairs]), ("styles", [pair[1] for pair in pairs])):
        print(f"| **R² of all together, on unseen {words}** | " +
              " | ".join(f"{unseen_r2(measured, values, groups):+.2f}" for values in targets) + " |")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
