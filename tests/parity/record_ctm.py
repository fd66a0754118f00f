"""Makes tests/parity/data/ctm.safetensors with the authors' code (github.com/ZhengbaoHe/compress-then-merge, commit
6017d1e, task_merger.py, Apache-2.0): Compress then Merge with TIES and with the sum, at two settings of beta.

    PYTHONPATH=compress-then-merge python tests/parity/record_ctm.py    # needs tensorly 0.9 or 0.10, einops
"""

import sys
from types import SimpleNamespace
from unittest.mock import MagicMock

import tensorly  # noqa: F401, before scipy is stood in for
import torch
from recorded_adapters import DATA, FEW_RANKS, SHAPES, count_of, draw, factors_of
from safetensors.torch import save_file

for module in ("clip", "models", "models.huggingface_clip", "peft", "peft.utils", "scipy", "sklearn",
               "sklearn.model_selection", "transformers"):  # of its utils.py
    sys.modules[module] = MagicMock()
import task_merger  # noqa: E402

task_merger.float32_dtype = torch.float64  # what its SVDs are cast to

STRENGTH, RANK = 0.6, 5
VARIANTS = {"top20": {"merge_method": "ties", "topK": 20, "beta": 0.25},
            "top100": {"merge_method": "ties", "topK": 100, "beta": 0.25},
            "sum": {"merge_method": "sum", "beta": 0.25}, "sum by size": {"merge_method": "sum", "beta": 1.0}}


def handler(model):
    """Of an adapter, its factors; the base has none."""
    return SimpleNamespace(get_ft_parameters=lambda: {"layer.weight": None},
                           get_ft_ab_parameters=lambda: {"layer.weight": model})


def merge(factors: list, config: dict) -> torch.Tensor:
    up, down = factors[0]
    base = torch.nn.Module()
    base.layer = torch.nn.Linear(down.shape[1], up.shape[0], bias=False)
    base.layer.weight = torch.nn.Parameter(torch.zeros(up.shape[0], down.shape[1], dtype=torch.float64))
    base.device = torch.device("cpu")
    config = {"merge_space": "low_rank_core", "low_rank": True, "lora_rank": RANK} | config
    adapters = [(down, up) for up, down in factors]
    merger = task_merger.MatrixPerLayerMerger(adapters, base, handler, device="cpu", merge_config=config)
    merger.set_scaling_coeffs(STRENGTH)
    return merger.merge(config).layer.weight.data


def main():
    tensors = draw(FEW_RANKS, seed=5)
    for case in FEW_RANKS:
        for target in SHAPES:
            factors = [factors_of(tensors, case, target, k) for k in range(count_of(tensors, case))]
            for name, config in VARIANTS.items():
                tensors[f"{case}/{target}/merged/{name}"] = merge(factors, config).float().contiguous()
    save_file(tensors, DATA / "ctm.safetensors")


if __name__ == "__main__":
    main()
