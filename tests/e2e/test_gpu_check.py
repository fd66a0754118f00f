"""What tools/gpu_check.sh relies on where nobody can help it: that a step which fails or hangs costs no other, and that
the base it makes of a description can be drawn with. `tools/gpu_check.sh --rehearse` runs all of it."""

import json
import sys
from pathlib import Path

import torch
from program import BUILD, ziplora

sys.path.append(str(Path(__file__).resolve().parents[1] / "bench"))
from described_base import lora_layers, write_base, write_random_lora  # noqa: E402
from gpu_steps import Report, check_output, timed_run  # noqa: E402


def fail(_):
    raise ValueError("no such kernel")


def test_a_step_that_fails_is_named_and_loses_no_other(tmp_path):
    report = Report(tmp_path / "report.json", {"gpu": "none"})
    report.step("first", 5, lambda limit: {"limit": limit})
    report.step("raises", 5, fail)
    report.step("hangs", 0.2, lambda limit: check_output(["sleep", 20], limit))
    report.step("wrong", 5, lambda limit: {"failed": "beyond the bound: image in float32"})
    report.step("last", 5, lambda limit: {"done": True})
    written = json.loads((tmp_path / "report.json").read_text())
    assert written["failures"] == {"raises": "ValueError: no such kernel", "hangs": "not done within 0.2 s",
                                   "wrong": "beyond the bound: image in float32"}
    assert written["steps"]["first"]["limit"] == 5 and written["steps"]["last"]["done"]


def test_a_program_is_stopped_at_its_limit_and_its_error_kept(tmp_path):
    report = Report(tmp_path / "report.json", {})
    draw = [BUILD / "ziplora", "generate", "a fox", "--steps", 900, "-o", tmp_path / "fox.png"]
    report.step("long", 3, lambda limit: timed_run(draw, "denoise", limit))
    report.step("refused", 30, lambda limit: timed_run([*draw, "--device", "gpu"], "denoise", limit))
    assert report.values["failures"]["long"].endswith("not done within 3 s")
    assert "this is not a device" in report.values["failures"]["refused"]


def test_a_base_made_of_its_description_draws(tmp_path):
    from gpu_kit import SMALL, describe
    description = json.loads(json.dumps(describe(SMALL)))
    torch.manual_seed(0)
    base = write_base(tmp_path / "base", description)
    write_random_lora(tmp_path / "lora.safetensors", 2, 1, lora_layers(description))
    done = ziplora("generate", "a dog", "--base", base, "--adapter", "lora.safetensors", "--steps", 1, "-o", "dog.png",
                   cwd=tmp_path)
    assert [stage["stage"] for stage in done["stages"]] == ["load", "denoise"]
    peaks = [stage["peak_memory_bytes"] for stage in done["stages"]]
    assert 0 < peaks[0] <= peaks[1] <= done["peak_memory_bytes"]
