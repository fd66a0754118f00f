"""Makes tests/parity/data/iso_c.safetensors with the authors' code (github.com/danielm1405/iso-merging, commit d34010a,
src/utils/iso.py, Apache-2.0): Iso-C of layers whose sum has full rank.

    python tests/parity/record_iso_c.py iso-merging/src/utils/iso.py
"""

import runpy
import sys
from types import SimpleNamespace

from recorded_adapters import ALL_RANKS, DATA, SHAPES, deltas_of, draw
from safetensors.torch import save_file

STRENGTHS = (0.7, 1.3, 0.9)


def main():
    # The file lies beside a logging.py, which PYTHONPATH would put before Python's own.
    authors = runpy.run_path(sys.argv[1])["iso_c"]
    tensors = draw(ALL_RANKS, seed=3)
    for case in ALL_RANKS:
        deltas = {target: deltas_of(tensors, case, target) for target in SHAPES}
        vectors = [SimpleNamespace(vector={target: STRENGTHS[k] * deltas[target][k] for target in SHAPES})
                   for k in range(len(deltas[next(iter(SHAPES))]))]
        merged = authors(vectors, SimpleNamespace(device="cpu"))
        tensors |= {f"{case}/{target}/merged/iso-c": delta.float() for target, delta in merged.items()}
    save_file(tensors, DATA / "iso_c.safetensors")


if __name__ == "__main__":
    main()
