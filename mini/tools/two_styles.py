#!/usr/bin/env python3
"""Asks what becomes of a subject when a second style goes into its file, one that answers to the same words.

    .venv/bin/python mini/tools/two_styles.py out/evidence/short/report/first-2-4.json -o out/two_styles

Adds each style to the two that follow it in the list, with shares of 1 and 0, 0.75 and 0.25, and so on, and the subject at 0.7.
An image is compared with the subject's true drawings in both styles. What is made is kept.
"""

import subprocess
from pathlib import Path

import numpy as np
from quick_evaluation import arguments, evaluate_first, first_pairs, stem

SHARES = (1.0, 0.75, 0.5, 0.25, 0.0)
PARTNERS = (1, 2)  # places further in the list


def merge(program: str, subject: Path, style: Path, partner: Path, share: float, output: Path) -> str:
    output.parent.mkdir(parents=True, exist_ok=True)
    if not output.exists():
        subprocess.run([program, "merge", "--quiet", "--method", "direct", "--subject", f"{subject}:0.7", "--style", f"{style}:{share:g}",
                        "--adapter", f"{partner}:{1 - share:g}", "-o", output], check=True, stdout=subprocess.DEVNULL)
    return str(output)


def main() -> None:
    given = arguments(__doc__)
    manifest, loras, first = first_pairs(given.manifest)
    styles = list(dict.fromkeys(pair["style"] for pair in first))
    for pair in first:
        place = styles.index(pair["style"])
        pair["files"] = {}
        for share in SHARES:
            for further in PARTNERS:
                partner = styles[(place + further) % len(styles)]
                output = given.output.resolve() / "files" / f"{stem(pair['subject'], pair['style'], partner)}-{share:g}.safetensors"
                pair["files"][f"{share:g}, {further}"] = merge(given.program, loras[pair["subject"]], loras[pair["style"]], loras[partner],
                                                              share, output)
    names = [f"{share:g}, {further}" for share in SHARES for further in PARTNERS]
    manifest["methods"] = [{"name": name, "file": name} for name in names]
    found = evaluate_first(given, manifest, "two-styles.json")
    print("| share of the style | likeness to the drawing in it | told as it |\n|---|---|---|")
    for share in SHARES:
        likeness, told = (np.mean([found[f"{share:g}, {further}"][score].mean() for further in PARTNERS]) for score in ("likeness", "style_told"))
        print(f"| {share:g} | {likeness:.3f} | {told:.0%} |")


if __name__ == "__main__":
    main()
