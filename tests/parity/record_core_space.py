"""Makes tests/parity/data/core_space.safetensors with the authors' code (github.com/apanariello4/core-space-merging,
commit 85176fa, task_merger.py, Apache-2.0): in Core Space, TIES and the sum for any ranks; TSV-Merge and Iso-C for equal
ranks, where no singular value is 0.

    PYTHONPATH=core-space-merging python tests/parity/record_core_space.py
"""

import authors_task_merger  # noqa: I001, before task_merger
import torch
from recorded_adapters import DATA, EQUAL_RANKS, FEW_RANKS, SHAPES, count_of, draw, factors_of
from safetensors.torch import save_file
from task_merger import MatrixPerLayerMerger

STRENGTH = 0.6
VARIANTS = {"top20": {"merge_method": "ties", "topK": 20}, "top100": {"merge_method": "ties", "topK": 100},
            "sum": {"merge_method": "sum"}}
EQUAL_VARIANTS = {"tsv": {"merge_method": "tsv"}, "iso-c": {"merge_method": "sum", "isotropize": True}}


def merge(factors: list, config: dict) -> torch.Tensor:
    return authors_task_merger.merged(MatrixPerLayerMerger, factors, STRENGTH, {"merge_space": "core"} | config)


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
