"""Makes tests/parity/data/ssr_merge.safetensors with the authors' code (github.com/nagara214/SSR-Merge, commit 09dff73,
ssr_merge/core.py, Apache-2.0): two adapters of one layer, the inputs that each has seen, and the merged up.

    PYTHONPATH=SSR-Merge python tests/parity/record_ssr_merge.py
"""

from pathlib import Path

import torch
from safetensors.torch import save_file
from ssr_merge.core import SSRMerger

IN, OUT, TOKENS = 24, 18, 200
RANKS = (3, 5)


def main():
    generator = torch.Generator().manual_seed(0)
    mixing = torch.randn(IN, IN, generator=generator)  # inputs that hang together, as those of a network do
    tensors = {}
    for k, rank in enumerate(RANKS):
        tensors[f"down.{k}"] = torch.randn(rank, IN, generator=generator)
        tensors[f"up.{k}"] = torch.randn(OUT, rank, generator=generator)
        tensors[f"x.{k}"] = torch.randn(TOKENS, IN, generator=generator) @ mixing
    merger = SSRMerger([{"layer": (tensors[f"down.{k}"], tensors[f"up.{k}"])} for k in range(2)], lambda_reg=0.0)
    layer = torch.nn.Linear(IN, OUT)
    merger.attach({"layer": layer})
    for k in range(2):
        merger.set_active_task(k)
        layer(tensors[f"x.{k}"])
    down, up = merger.solve()["layer"]
    assert torch.equal(down, torch.cat([tensors["down.0"], tensors["down.1"]]))
    save_file(tensors | {"merged_up": up}, Path(__file__).parent / "data/ssr_merge.safetensors")


if __name__ == "__main__":
    main()
