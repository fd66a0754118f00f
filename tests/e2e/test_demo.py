"""`make demo`, whole: what it writes, and that ZipLoRA there does what the paper says it does."""

import json
import subprocess
from pathlib import Path

import pytest
from PIL import Image
from program import BUILD

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    if BUILD != ROOT / "build":
        pytest.skip("the demo builds and runs build/ziplora")
    folder = tmp_path_factory.mktemp("demo") / "out"
    done = subprocess.run([ROOT / "tools/demo.sh", folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def report(demo):
    return json.loads((demo / "report.json").read_text())


def test_the_coefficients_move_and_part_the_adapters(report):
    """The public implementation's learning rate leaves them within 0.005 of 1, a direct merge by another name."""
    assert report["mean_movement"] > 0.1
    assert report["overlap"]["before"] == 1 and report["overlap"]["after"] < 0.5


@pytest.mark.parametrize("adapter", ["subject", "style"])
def test_each_adapter_is_kept_far_better_than_by_the_direct_merge(adapter, report):
    fidelity = report["fidelity"][adapter]
    assert 0 < fidelity["after"] < 0.5 * fidelity["before"]


def test_both_trainings_learned(report):
    for name in ("subject", "style"):
        first, last = report["losses"][name]
        assert last < 0.6 * first, name


def test_the_grid_compares_six_columns_of_five_prompts(demo, report):
    grid = Image.open(demo / "grid.png").convert("RGB")
    assert grid.width > 6 * 128 and grid.height > 5 * 128
    assert report["seconds"].keys() >= {"train_subject", "train_style", "merge_direct", "merge_zip", "generate", "all"}
    assert {path.name for path in demo.glob("*.safetensors")} == {
        "subject.safetensors", "style.safetensors", "direct.safetensors", "zip.safetensors", "zip.coefficients.safetensors"}
