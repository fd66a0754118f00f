"""Makes tests/parity/data/ctm.safetensors with the authors' code (github.com/ZhengbaoHe/compress-then-merge, commit
6017d1e, task_merger.py, Apache-2.0): Compress then Merge with TIES and with the sum, at two settings of beta.

    PYTHONPATH=compress-then-merge python tests/parity/record_ctm.py    # needs tensorly 0.9 or 0.10, einops
"""

import tensorly  # noqa: F401, I001, before scipy is stood in for
import authors_task_merger  # before task_merger
import task_merger
import torch
from recorded_adapters import DATA, FEW_RANKS, SHAPES, count_of, draw, factors_of
from safetensors.torch import save_file

task_merger.float32_dtype = torch.float64  # what its SVDs are cast to

STRENGTH, RANK = 0.6, 5
VARIANTS = {"top20": {"merge_method": "ties", "topK": 20, "beta": 0.25},
            "top100": {"merge_method": "ties", "topK": 100, "beta": 0.25},
            "sum": {"merge_method": "sum", "beta": 0.25}, "sum by size": {"merge_method": "sum", "beta": 1.0}}


def merge(factors: list, config: dict) -> torch.Tensor:
    config = {"merge_space": "low_rank_core", "low_rank": True, "lora_rank": RANK} | config
    return authors_task_merger.merged(task_merger.MatrixPerLayerMerger, factors, STRENGTH, config)


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
