"""Makes tests/parity/data/core_space.safetensors with the authors' code (github.com/apanariello4/core-space-merging,
commit 85176fa, task_merger.py, Apache-2.0): in Core Space, TIES and the sum for any ranks; TSV-Merge and Iso-C for equal
ranks, where no singular value is 0.

    PYTHONPATH=core-space-merging python tests/parity/record_core_space.py
"""

import sys
from types import SimpleNamespace
from unittest.mock import MagicMock

import torch
from recorded_adapters import DATA, EQUAL_RANKS, FEW_RANKS, SHAPES, count_of, draw, factors_of
from safetensors.torch import save_file

for module in ("clip", "models", "models.huggingface_clip", "peft", "peft.utils", "scipy", "sklearn",
               "sklearn.model_selection", "transformers"):  # of its utils.py
    sys.modules[module] = MagicMock()
from task_merger import MatrixPerLayerMerger  # noqa: E402

STRENGTH = 0.6
VARIANTS = {"top20": {"merge_method": "ties", "topK": 20}, "top100": {"merge_method": "ties", "topK": 100},
            "sum": {"merge_method": "sum"}}
EQUAL_VARIANTS = {"tsv": {"merge_method": "tsv"}, "iso-c": {"merge_method": "sum", "isotropize": True}}


def handler(model):
    """Of an adapter, its factors; the base has none."""
    return SimpleNamespace(get_ft_parameters=lambda: {"layer.weight": None},
                           get_ft_ab_parameters=lambda: {"layer.weight": model})


def merge(factors: list, config: dict) -> torch.Tensor:
    up, down = factors[0]
    base = torch.nn.Module()
    base.layer = torch.nn.Linear(down.shape[1], up.shape[0], bias=False)
    base.layer.weight = torch.nn.Parameter(torch.zeros(up.shape[0], down.shape[1], dtype=torch.float64))
    config = {"merge_space": "core"} | config
    adapters = [(down, up) for up, down in factors]
    merger = MatrixPerLayerMerger(adapters, base, handler, device="cpu", merge_config=config)
    merger.set_scaling_coeffs(STRENGTH)
    return merger.merge(config).layer.weight.data


def main():
    tensors = draw(FEW_RANKS | EQUAL_RANKS, seed=4)
    for cases, variants in ((FEW_RANKS, VARIANTS), (EQUAL_RANKS, EQUAL_VARIANTS)):
        for case in cases:
            for target in SHAPES:
                factors = [factors_of(tensors, case, target, k) for k in range(count_of(tensors, case))]
                for name, config in variants.items():
                    tensors[f"{case}/{target}/merged/{name}"] = merge(factors, config).float().contiguous()
    save_file(tensors, DATA / "core_space.safetensors")


if __name__ == "__main__":
    main()
