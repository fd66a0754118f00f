"""`ziplora merge --method svd` against what sd-scripts' own networks/svd_merge_lora.py made of the same two adapters
(kohya_svd_merge.py, which says how its clamp is kept out)."""

import json

import pytest
import torch
from kohya_svd_merge import FACTS, NAMES, NEW_RANK, PERIOD, SHAPES, WEIGHTS, delta, repeated, save_adapters
from program import ziplora
from safetensors.torch import load_file

TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def merged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("svd")
    files = save_adapters(folder)
    inputs = [word for role, name in (("--subject", "one"), ("--style", "two"))
              for word in (role, f"{files[name]}:{WEIGHTS[name]}")]
    report = ziplora("merge", "--method", "svd", *inputs, "--svd-rank", NEW_RANK, "--file-dtype", "float32",
                     "-o", folder / "merged.safetensors")
    return load_file(folder / "merged.safetensors"), report


@pytest.fixture(scope="module")
def facts():
    return json.loads(FACTS.read_text())


def test_the_script_ran_on_these_layers_and_its_clamp_changed_nothing(facts):
    assert list(facts["layers"]) == list(NAMES) and len(facts["commit"]) == 40
    assert all(fact["clamp_moved"] < TOLERANCE / 5 for fact in facts["layers"].values())
    assert sum(fact["rank_dropped"] > 0.05 for fact in facts["layers"].values()) >= 4


@pytest.mark.parametrize("name", NAMES)
def test_svd_computes_what_kohyas_script_computes(name, merged, facts):
    tensors, _ = merged
    fact, ours = facts["layers"][name], delta(tensors, name)
    assert tensors[f"{name}.lora_down.weight"].shape[0] == fact["rank"] == NEW_RANK
    theirs = repeated(torch.tensor(fact["tile"], dtype=torch.double).reshape(PERIOD, PERIOD), ours.shape)
    assert (ours - theirs).norm() / theirs.norm() + fact["apart"] < TOLERANCE
    assert ours.norm().item() == pytest.approx(fact["norm"], rel=TOLERANCE)
    assert ours.abs().sum().item() == pytest.approx(fact["absolute_sum"], rel=TOLERANCE)


def test_our_file_changes_no_other_layer(merged):
    tensors, _ = merged
    written = {key.split(".")[0] for key in tensors}
    assert written >= set(SHAPES)
    assert not any(delta(tensors, name).any() for name in written - set(SHAPES))
