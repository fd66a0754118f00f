"""`ssr` without a joint context beside what the authors' own code makes of the same layer (record_ssr_merge.py)."""

from pathlib import Path

import torch
from probe_runner import run_probe
from safetensors.torch import load_file

RECORDED = load_file(Path(__file__).parent / "data/ssr_merge.safetensors")


def test_the_router_equals_the_authors_code():
    expected = RECORDED["merged_up"].double()
    inputs = {name: tensor for name, tensor in RECORDED.items() if name != "merged_up"}
    merged = run_probe("ssr", inputs, ridge=0.0)[0]["merged_up"].double()
    assert ((merged - expected).norm() / expected.norm()).item() < 1e-4
    plain = torch.cat([RECORDED["up.0"], RECORDED["up.1"]], 1).double()
    assert ((plain - expected).norm() / expected.norm()).item() > 0.1
