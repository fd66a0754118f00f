"""Generated adapters on three of the tiny SDXL's layers. record_knots.py, record_tsv.py, record_iso_c.py and
record_core_space.py give them to the authors' own code, test_authors_merges.py to the program.

In a recording: `<case>/<target>/<k>/down`, `…/up`, `…/alpha` of adapter k, and `<case>/<target>/merged/<variant>`, the
ΔW [out, in·kh·kw] that the authors' code makes of them."""

from pathlib import Path

import torch

ATTENTION = "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q"
TEXT = "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k"
CONVOLUTION = "unet.down_blocks.1.resnets.1.conv1"
SHAPES = {ATTENTION: (16, 16), TEXT: (16, 32), CONVOLUTION: (16, 16, 3, 3)}
ALPHAS = (2.0, 9.0, 3.0)
DATA = Path(__file__).parent / "data"

FEW_RANKS = {"two": (4, 6), "three": (3, 5, 4)}
EQUAL_RANKS = {"two equal": (5, 5), "three equal": (4, 4, 4)}
ALL_RANKS = {"two full": (8, 10), "three full": (5, 6, 7)}  # Σ r_k ≥ min(out, in), each r_k ≥ its K-th part


def draw(cases: dict, seed: int) -> dict[str, torch.Tensor]:
    """Unequal singular values, unequal sizes, and a direction that all adapters of a case share."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for case, ranks in cases.items():
        for target, shape in SHAPES.items():
            out, *into = shape
            shared_down, shared_up = (torch.randn(size, generator=generator) for size in (into, [out]))
            for k, rank in enumerate(ranks):
                down = torch.randn(rank, *into, generator=generator)
                up = torch.randn(out, rank, generator=generator) * 0.8 ** torch.arange(rank)
                down[0] += shared_down
                up[:, 0] += shared_up
                place = f"{case}/{target}/{k}"
                tensors |= {f"{place}/down": down, f"{place}/up": up[:, :, None, None] if len(into) > 1 else up,
                            f"{place}/alpha": torch.tensor(ALPHAS[k])}
    return tensors


def count_of(tensors: dict, case: str) -> int:
    return sum(name.startswith(f"{case}/{ATTENTION}/") and name.endswith("/down") for name in tensors)


def factors_of(tensors: dict, case: str, target: str, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """up [out, rank], with its scale, and down [rank, in·kh·kw], in float64."""
    down, up, alpha = (tensors[f"{case}/{target}/{k}/{part}"].double() for part in ("down", "up", "alpha"))
    return up.flatten(1) * alpha / down.shape[0], down.flatten(1)


def delta_of(tensors: dict, case: str, target: str, k: int) -> torch.Tensor:
    up, down = factors_of(tensors, case, target, k)
    return up @ down


def deltas_of(tensors: dict, case: str, target: str) -> list[torch.Tensor]:
    return [delta_of(tensors, case, target, k) for k in range(count_of(tensors, case))]
