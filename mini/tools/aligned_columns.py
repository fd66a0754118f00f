#!/usr/bin/env python3
"""Asks whether LoRAs merge worse when their columns point the same way, on pairs that are made so.

    .venv/bin/python mini/tools/aligned_columns.py out/evidence/short/report/first-2-4.json -o out/aligned

Turns every column of the style's ΔW towards the subject's until their cosine is the one that is asked for, at the same length:
ΔW' = ΔW_subject · diag(a) + ΔW_style · diag(b), an exact LoRA of both ranks. Then `ziplora evaluate` draws with each such
style alone and with its direct merge at 0.7, 1. What is made is kept.
"""

import subprocess
from pathlib import Path

import numpy as np
from quick_evaluation import arguments, evaluate_first, first_pairs, stem
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

COSINES = (-0.8, -0.4, 0.0, 0.4, 0.8)


def factors(file: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """By layer: up and down of a file in kohya's form, with the scale in down."""
    tensors = {name: tensor.astype(np.float64) for name, tensor in load_file(file).items()}
    found = {}
    for name, down in tensors.items():
        layer, _, kind = name.partition(".")
        if kind == "lora_down.weight":
            found[layer] = tensors[f"{layer}.lora_up.weight"], down * (tensors[f"{layer}.alpha"] / len(down))
    return found


def turned(subject: tuple[np.ndarray, np.ndarray], style: tuple[np.ndarray, np.ndarray], cosine: float) -> tuple[np.ndarray, np.ndarray]:
    (up_subject, down_subject), (up_style, down_style) = subject, style
    subject_delta, style_delta = up_subject @ down_subject, up_style @ down_style
    length, subject_length = np.linalg.norm(style_delta, axis=0), np.linalg.norm(subject_delta, axis=0)
    along = (subject_delta * style_delta).sum(0) / subject_length.clip(1e-30)
    across = np.sqrt((length**2 - along**2).clip(0))
    b = np.sqrt(1 - cosine**2) * length / across.clip(1e-30)
    a = (cosine * length - b * along) / subject_length.clip(1e-30)
    can_turn = (subject_length > 1e-12) & (across > 1e-6 * length)
    a, b = np.where(can_turn, a, 0), np.where(can_turn, b, 1)
    reached = up_subject @ (down_subject * a) + style_delta * b
    cosines = (reached * subject_delta).sum(0)[can_turn] / (length * subject_length)[can_turn]
    assert np.allclose(cosines, cosine, atol=1e-6) and np.allclose(np.linalg.norm(reached, axis=0), length)
    return np.concatenate([up_subject, up_style], 1), np.concatenate([down_subject * a, down_style * b])


def turn(subject_file: Path, style_file: Path, cosine: float, output: Path) -> None:
    subject, style = factors(subject_file), factors(style_file)
    tensors = {}
    for layer, own in style.items():
        shared = layer in subject and own[1].ndim == 2
        up, down = turned(subject[layer], own, cosine) if shared else own
        tensors |= {f"{layer}.lora_up.weight": up, f"{layer}.lora_down.weight": down, f"{layer}.alpha": np.array(len(down))}
    with safe_open(style_file, "np") as file:
        metadata = file.metadata()
    save_file({name: tensor.astype(np.float32) for name, tensor in tensors.items()}, output, metadata)


def ready_files(program: str, subject: Path, style: Path, name: str, folder: Path) -> dict[str, str]:
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for cosine in COSINES:
        alone, merged = folder / f"{name}-{cosine:g}-style.safetensors", folder / f"{name}-{cosine:g}-direct.safetensors"
        if not merged.exists():
            turn(subject, style, cosine, alone)
            subprocess.run([program, "merge", "--quiet", "--method", "direct", "--subject", f"{subject}:0.7", "--style", alone,
                            "-o", merged], check=True, stdout=subprocess.DEVNULL)
        files |= {f"style, {cosine:g}": str(alone), f"direct, {cosine:g}": str(merged)}
    return files


def main() -> None:
    given = arguments(__doc__)
    manifest, loras, pairs = first_pairs(given.manifest)
    for pair in pairs:
        pair["files"] = ready_files(given.program, loras[pair["subject"]], loras[pair["style"]], stem(pair["subject"], pair["style"]),
                                    given.output.resolve() / "files")
    names = [f"{kind}, {cosine:g}" for cosine in COSINES for kind in ("style", "direct")]
    manifest["methods"] = [{"method": "direct", "strengths": [0.7, 1]}] + [{"name": name, "file": name} for name in names]
    found = evaluate_first(given, manifest, "aligned.json")
    print("| cosine of the columns | style kept, style alone | style kept, merged | subject kept, merged | likeness, merged |\n|---|---|---|---|---|")
    for cosine in COSINES:
        alone, merged = found[f"style, {cosine:g}"], found[f"direct, {cosine:g}"]
        print(f"| {cosine:g} | {alone['style_kept'].mean():.2f} | {merged['style_kept'].mean():.2f} | {merged['subject_kept'].mean():.2f} | {merged['likeness'].mean():.3f} |")
    untouched = found["direct 0.7, 1"]
    print(f"| as they are | 1 | {untouched['style_kept'].mean():.2f} | {untouched['subject_kept'].mean():.2f} | {untouched['likeness'].mean():.3f} |")


if __name__ == "__main__":
    main()
