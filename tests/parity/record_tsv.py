"""Makes tests/parity/data/tsv.safetensors with the authors' code (github.com/AntoAndGar/task_singular_vectors, commit
a6c9718, src/utils/TSVM_utils.py, Apache-2.0): TSV-Merge of layers whose ranks fill what it keeps of them.

    python tests/parity/record_tsv.py task_singular_vectors/src/utils/TSVM_utils.py
"""

import runpy
import sys
from types import SimpleNamespace

from recorded_adapters import ALL_RANKS, DATA, SHAPES, deltas_of, draw
from safetensors.torch import save_file

STRENGTHS = (0.7, 1.3, 0.9)


def main():
    # The file lies beside a logging.py, which PYTHONPATH would put before Python's own.
    authors = runpy.run_path(sys.argv[1])["compute_and_sum_svd_mem_reduction"]
    tensors = draw(ALL_RANKS, seed=2)
    for case in ALL_RANKS:
        deltas = {target: deltas_of(tensors, case, target) for target in SHAPES}
        count = len(deltas[next(iter(SHAPES))])
        vectors = [SimpleNamespace(vector={target: STRENGTHS[k] * deltas[target][k] for target in SHAPES})
                   for k in range(count)]
        config = SimpleNamespace(DATASETS=list(range(count)), device="cpu")
        merged = authors(vectors, config)
        tensors |= {f"{case}/{target}/merged/tsv": delta.float() for target, delta in merged.items()}
    save_file(tensors, DATA / "tsv.safetensors")


if __name__ == "__main__":
    main()
