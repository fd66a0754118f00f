"""Makes tests/parity/data/k_lora.safetensors with the authors' code (github.com/HVision-NKU/K-LoRA, commit 893d0f9,
klora.py and utils.py): which of two adapters each attention layer wears in each step of a run.

    PYTHONPATH=K-LoRA python tests/parity/record_k_lora.py

The layers are called in the order of a UNet's forward pass, and the code's count of calls in a run, 28000 for SDXL's 560
layers in 50 steps, is that of these layers and steps. `<target>/<role>/down`, `…/up` and `…/alpha` are the adapters,
`subject/s` and `subject/s*` [steps, layers] the choices, 1 for the subject; the metadata names the layers in order.
"""

import json
import sys
from pathlib import Path
from unittest.mock import MagicMock

import torch
from safetensors.torch import save_file

for module in ("diffusers.models.lora", "huggingface_hub"):  # of its utils.py
    sys.modules[module] = MagicMock()
import klora  # noqa: E402
import utils  # noqa: E402

BLOCKS = ("down_blocks.1.attentions.0.transformer_blocks.0", "down_blocks.2.attentions.1.transformer_blocks.2",
          "down_blocks.2.attentions.1.transformer_blocks.10", "mid_block.attentions.0.transformer_blocks.0",
          "up_blocks.0.attentions.0.transformer_blocks.1")
TARGETS = [f"unet.{block}.{attention}.{projection}" for block in BLOCKS for attention in ("attn1", "attn2")
           for projection in ("to_q", "to_k", "to_v", "to_out.0")]
RANKS = {"subject": 3, "style": 5}
OUT, STEPS = 20, 7
SCALES = {"s": (1.5, 0.5), "s*": (1.5, 1.5 * 0.85)}  # as its inference_sd.py


def draw() -> dict[str, torch.Tensor]:
    """Of unequal sizes, so that some layers change sides in the course of a run; the 3rd is far from the others."""
    generator = torch.Generator().manual_seed(6)
    tensors = {}
    for index, target in enumerate(TARGETS):
        width = 32 if "attn2.to_k" in target or "attn2.to_v" in target else OUT
        for role, rank in RANKS.items():
            size = 12.0 if index == 2 and role == "subject" else 2 ** float(0.7 * torch.randn((), generator=generator))
            up = size * torch.randn(OUT, rank, generator=generator)
            tensors |= {f"{target}/{role}/down": torch.randn(rank, width, generator=generator),
                        f"{target}/{role}/up": up, f"{target}/{role}/alpha": torch.tensor(float(rank))}
    return tensors


def mean_ratio(tensors) -> float:
    """As its files hold them."""
    files = [{f"{target}.lora.{part}.weight": tensors[f"{target}/{role}/{part}"]
              for target in TARGETS for part in ("down", "up")} for role in RANKS]
    to = torch.Tensor.to
    torch.Tensor.to = lambda tensor, *where, **as_type: to(tensor, **as_type)  # its "cuda"
    try:
        return utils.get_ratio_between_content_and_style(*files)
    finally:
        torch.Tensor.to = to


def choices(tensors, pattern: str, ratio: float) -> torch.Tensor:
    alpha, beta = SCALES[pattern]
    layers = []
    for target in TARGETS:
        up_1, down_1, up_2, down_2 = (tensors[f"{target}/{role}/{part}"] for role in RANKS for part in ("up", "down"))
        layers.append(klora.KLoRALinearLayer(
            down_1.shape[1], OUT, up_1, down_1, up_2, down_2, average_ratio=ratio, alpha=alpha, beta=beta,
            sum_timesteps=STEPS * len(TARGETS), pattern=pattern, device="cpu"))
    klora.glo_count = 0
    chosen = torch.zeros(STEPS, len(layers), dtype=torch.int64)
    for step in range(STEPS):
        for index, layer in enumerate(layers):
            worn = layer(torch.eye(layer.in_features)).T
            chosen[step, index] = torch.equal(worn, layer.weight_1_a @ layer.weight_1_b)
    return chosen


def main():
    tensors = draw()
    ratio = mean_ratio(tensors)
    for pattern in SCALES:
        tensors[f"subject/{pattern}"] = choices(tensors, pattern, ratio)
        print(pattern, tensors[f"subject/{pattern}"].sum(1).tolist(), "of", len(TARGETS))
    save_file(tensors, Path(__file__).parent / "data/k_lora.safetensors", {"targets": json.dumps(TARGETS)})


if __name__ == "__main__":
    main()
