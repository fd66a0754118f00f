"""Runs build/ziplora_probe on tensors and gives its tensors back: the C++ side of every parity test."""

import json
import os
import tempfile
from pathlib import Path

import torch
from prefork import run_preforked
from safetensors.torch import load_file, save_file

BUILD = Path(os.environ.get("ZIPLORA_BUILD", Path(__file__).resolve().parents[2] / "build"))


def run_probe(name: str, inputs: dict[str, torch.Tensor] | None = None, program="ziplora_probe", **arguments):
    """Returns (outputs: dict of tensors, values: dict)."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "arguments.json").write_text(json.dumps(arguments))
        if inputs:
            save_file({k: v.detach().contiguous() for k, v in inputs.items()}, folder / "inputs.safetensors")
        done = run_preforked(BUILD / program, [program, name, folder])
        assert done.returncode == 0, f"probe {name} failed:\n{done.stderr}"
        outputs = {k: v.clone() for k, v in load_file(folder / "outputs.safetensors").items()}
        return outputs, json.loads((folder / "values.json").read_text())


def relative_error(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """‖ours − theirs‖ / ‖theirs‖ in float64."""
    ours, theirs = ours.detach().double(), theirs.detach().double()
    assert ours.shape == theirs.shape, f"{tuple(ours.shape)} instead of {tuple(theirs.shape)}"
    return float((ours - theirs).norm() / theirs.norm().clamp_min(1e-30))


def worst_gradient_error(ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> tuple[float, str]:
    """The largest relative error over gradients by name ("gradient.<name>" in ours), and where it is.

    A gradient that is zero in exact arithmetic (a key's bias, which softmax ignores) holds only rounding noise, so none
    is measured against less than 1e-4 of the largest.
    """
    missing = [name for name, value in theirs.items() if value is not None and f"gradient.{name}" not in ours]
    assert not missing, f"no gradient for {missing[:5]} ({len(missing)} in all)"
    floor = 1e-4 * max(float(value.norm()) for value in theirs.values() if value is not None)
    errors = {}
    for name, value in theirs.items():
        if value is None:
            continue
        mine = ours[f"gradient.{name}"]
        assert mine.shape == value.shape, name
        errors[name] = float((mine.double() - value.double()).norm()) / max(float(value.norm()), floor)
    worst = max(errors, key=errors.get)
    return errors[worst], worst
