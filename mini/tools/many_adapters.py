#!/usr/bin/env python3
"""Asks what is left of each LoRA when several subjects and one style go into one file.

    .venv/bin/python mini/tools/many_adapters.py out/evidence/report/manifest.json -o out/many

Merges 1, 2, 4, 6 and 8 subjects that have prompts of their own, as many as there are, with each of three styles, and has
`ziplora evaluate` draw each merge under each LoRA's own prompt and each joint one. What is made is kept.
"""

import argparse
import json
import subprocess
from pathlib import Path
from typing import NamedTuple

from quick_evaluation import Scores, evaluate, stem

COUNTS = (2, 3, 5, 7, 9)
STYLES = 3


class Way(NamedTuple):
    arguments: list[str]
    subject_strength: float = 1.0
    learns: bool = False  # so that it takes prompts
    joint: bool = False  # takes the first subject's joint prompt alone, in place of one for each


METHODS = {"direct": Way(["--method", "direct"]), "direct, each 0.7, style 1": Way(["--method", "direct"], 0.7),
           "direct, each 0.5, style 1": Way(["--method", "direct"], 0.5), "direct, each 0.35, style 1": Way(["--method", "direct"], 0.35),
           "ties": Way(["--method", "ties"]), "ssr": Way(["--method", "ssr"], learns=True),
           "ssr, the first's joint prompt": Way(["--method", "ssr"], learns=True, joint=True),
           "ssr, own prompts": Way(["--method", "ssr", "--joint-weight", "0"], learns=True),
           "zip-solve, own prompts": Way(["--method", "zip-solve", "--joint-weight", "0"], learns=True),
           "zip": Way(["--method", "zip"], learns=True)}


def with_own_prompts(subjects: list[dict], count: int) -> list[dict]:
    """The first ones whose prompts differ: a file cannot draw two subjects under one prompt."""
    chosen = {}
    for subject in subjects:
        if "lora" in subject:
            chosen.setdefault(subject["prompt"], subject)
    return list(chosen.values())[:count]


def merge(program: str, name: str, subjects: list[dict], style: dict, folder: Path, output: Path) -> None:
    way = METHODS[name]
    first, *others = [f"{folder / subject['lora']}:{way.subject_strength:g}" for subject in subjects]
    command = [program, "merge", *way.arguments, "--quiet", "--subject", first, "--style", folder / style["lora"], "-o", output]
    for other in others:
        command += ["--adapter", other]
    if way.learns:
        command += ["--subject-prompt", subjects[0]["prompt"]]
        for prompt in style["own_prompts"]:
            command += ["--style-prompt", prompt]
        for subject in subjects[1:]:
            command += ["--adapter-prompt", subject["prompt"]]
        if way.joint:
            command += ["--joint-prompt", f"{subjects[0]['prompt']}, {style['prompt']}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def compare(program: str, count: int, listed: dict, folder: Path, output: Path) -> dict[str, dict[str, Scores]]:
    """The scores of each method's merges."""
    subjects = with_own_prompts(listed["subjects"], count - 1)
    styles = [style for style in listed["styles"] if "lora" in style and "own_prompts" in style and style["name"].endswith(", 32")]
    truths = {(pair["subject"], pair["style"]): pair["truths"] for pair in listed["pairs"]}
    pairs = []
    for style in styles[:STYLES]:
        files = {}
        for name in METHODS:
            files[name] = output / "merged" / f"{stem(name, str(count), style['name'])}.safetensors"
            files[name].parent.mkdir(parents=True, exist_ok=True)
            if not files[name].exists():
                merge(program, name, subjects, style, folder, files[name])
        for subject in subjects:
            truth = truths[subject["name"], style["name"]][0]
            pairs.append({"subject": subject["name"], "style": style["name"], "truths": [str(folder / truth), None, None],
                          "files": {name: str(file) for name, file in files.items()}})
    absolute = [[{**entry, **{key: str(folder / entry[key]) for key in ("lora", "images")}} for entry in entries]
                for entries in (subjects, styles)]
    manifest = {"subjects": absolute[0], "styles": absolute[1], "pairs": pairs, "seeds": [0, 1],
                "prompts": ["{subject}, {style}", "{subject}", "a rose, {style}"],
                "methods": [{"name": name, "file": name} for name in METHODS]}
    file = output / f"manifest-{count}.json"
    file.write_text(json.dumps(manifest, indent=1))
    return evaluate(program, file, output / "evaluation")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--program", default="build/ziplora")
    given = parser.parse_args()
    listed, folder = json.loads(given.manifest.read_text()), given.manifest.parent.resolve()
    print("| LoRAs | merge | likeness | subject kept | style kept | likeness − that of direct at its best |\n|---|---|---|---|---|---|")
    for count in (count for count in COUNTS if len(with_own_prompts(listed["subjects"], count - 1)) == count - 1):
        found = compare(given.program, count, listed, folder, given.output.resolve())
        best = max((found[name]["likeness"] for name in METHODS if name.startswith("direct")), key=Scores.mean)
        for name in METHODS:
            scores = [f"{found[name][score].mean():.2f}" for score in ("likeness", "subject_kept", "style_kept")]
            print(f"| {count} | {name} | {' | '.join(scores)} | {found[name]['likeness'].beyond(best)} |", flush=True)


if __name__ == "__main__":
    main()
