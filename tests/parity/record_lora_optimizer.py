"""Makes tests/parity/data/lora_optimizer.safetensors with the node's own code (github.com/ethanfel/
ComfyUI-LoRA-Optimizer, commit f70b374, lora_optimizer.py, GPL-3.0): whole merges at the simple node's defaults, of
adapters that are unlike, alike, at odds, or apart. ComfyUI is stood in for; its part would be to load files.

    PYTHONPATH=ComfyUI-LoRA-Optimizer:tests/support python tests/parity/record_lora_optimizer.py
"""

import functools
import logging
import sys
import types
from unittest.mock import MagicMock

import torch
from lora_files import kohya_module
from recorded_adapters import ATTENTION, CONVOLUTION, DATA, SHAPES, TEXT, count_of
from safetensors.torch import save_file

for module in ("folder_paths", "comfy", "comfy.sd", "comfy.lora", "comfy.utils", "comfy.model_management",
               "comfy.weight_adapter", "comfy.weight_adapter.lora", "comfy.weight_adapter.lokr",
               "comfy.weight_adapter.loha"):
    sys.modules[module] = MagicMock()


class Adapter:
    def __init__(self, _keys, weights):
        self.weights = weights


for kind, name in (("lora", "LoRAAdapter"), ("lokr", "LoKrAdapter"), ("loha", "LoHaAdapter")):
    setattr(sys.modules[f"comfy.weight_adapter.{kind}"], name, type(name, (Adapter,), {}))
sys.modules["comfy"].utils.get_attr = lambda model, path: functools.reduce(getattr, path.split("."), model)
sys.modules["folder_paths"].models_dir = sys.modules["folder_paths"].get_temp_directory.return_value = "/tmp"
import lora_optimizer  # noqa: E402

LAYERS_PER_BLOCK = 2  # of the tiny SDXL
STRENGTHS = {"unlike": (0.7, 1.3), "alike": (0.7, 1.3), "at odds": (0.7, 1.3), "unequal": (1.0, 0.6),
             "turned": (1.0, -0.6), "apart": (0.7, 1.3), "three": (0.7, 1.3, 0.9)}
MODES = ("weighted_sum", "weighted_average", "slerp", "consensus", "ties")


def random_layer(shape, rank, generator):
    out, *into = shape
    up = torch.randn(out, rank, generator=generator)
    return torch.randn(rank, *into, generator=generator), up[:, :, None, None] if len(into) > 1 else up


def near(layer, generator):
    return tuple(factor + 0.1 * torch.randn(factor.shape, generator=generator) for factor in layer)


def at_odds(shape, sizes, generator):
    """One large value that both have, and many small ones with opposite signs."""
    out, into = shape

    def vector(n):
        return (0.5 + torch.rand(n, generator=generator)) * torch.randn(n, generator=generator).sign()
    peak_down, peak_up, down, up = torch.zeros(into), torch.zeros(out), vector(into), vector(out)
    peak_down[3], peak_up[5] = 6.0, 6.0
    return [(torch.stack([peak_down, down]), size * torch.stack([peak_up, sign * up], 1))
            for sign, size in zip((1, -1), sizes)]


def adapters_of(case: str, generator) -> list[dict]:
    if case == "three":
        return [{target: random_layer(shape, rank, generator) for target, shape in SHAPES.items()} for rank in (3, 5, 4)]
    first, second = ({target: random_layer(shape, rank, generator) for target, shape in SHAPES.items()}
                     for rank in (4, 6))
    if case == "unlike":
        del second[TEXT]
    if case == "alike":
        second = {target: near(layer, generator) for target, layer in first.items()}
    if case == "apart":
        for target, (down, up) in first.items():
            more_down, more_up = second[target]
            second[target] = torch.cat([more_down, down]), torch.cat([more_up, -0.2 * up], 1)
    if case in ("at odds", "unequal", "turned"):
        sizes = {"at odds": (1, 1), "unequal": (1, 3), "turned": (1, -3)}[case]
        for target in (ATTENTION, TEXT):
            first[target], second[target] = at_odds(SHAPES[target], sizes, generator)
    return [first, second]


def draw() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(6)
    tensors = {}
    for case in STRENGTHS:
        for k, layers in enumerate(adapters_of(case, generator)):
            for target, (down, up) in layers.items():
                place = f"{case}/{target}/{k}"
                tensors |= {f"{place}/down": down, f"{place}/up": up, f"{place}/alpha": torch.tensor(down.shape[0] / 2)}
    return tensors


def merge(tensors: dict, case: str) -> dict[str, torch.Tensor]:
    """target → ΔW; `<target>/mode` → the index of what was chosen."""
    names = {target: kohya_module(target, "sgm", LAYERS_PER_BLOCK) for target in SHAPES}
    model = MagicMock()
    model.model = types.SimpleNamespace()
    for target, name in names.items():
        setattr(model.model, name, types.SimpleNamespace(weight=torch.zeros(SHAPES[target])))
    stack = []
    for k in range(count_of(tensors, case)):
        lora = {}
        for target, name in names.items():
            if f"{case}/{target}/{k}/down" in tensors:
                lora |= {f"{name}.lora_{half}.weight": tensors[f"{case}/{target}/{k}/{half}"] for half in ("up", "down")}
                lora[f"{name}.alpha"] = tensors[f"{case}/{target}/{k}/alpha"]
        stack.append({"name": f"{case} {k}", "lora": lora, "strength": STRENGTHS[case][k], "clip_strength": None})

    node = lora_optimizer.LoRAOptimizer()
    node._get_model_keys = lambda _model: {name: f"{name}.weight" for name in names.values()}
    node._get_compute_device = lambda: torch.device("cpu")
    node._update_model_size = lambda *_: None
    defaults = lora_optimizer.LoRAOptimizerSimple._SIMPLE_DEFAULTS | {
        "normalize_keys": "disabled", "patch_compression": "disabled", "cache_patches": "disabled"}
    modes, chosen, exact = {}, node._merge_diffs, node._build_exact_linear_patch

    def dense(diffs, mode, **rest):
        modes[diffs[0][0].shape] = mode
        return chosen(diffs, mode, **rest)

    def linear(group, loras, count, mode, **rest):
        patch = exact(group, loras, count, mode, **rest)
        if patch is not None:
            modes[torch.Size(SHAPES[next(t for t, n in names.items() if n in group["aliases"])])] = mode
        return patch
    node._merge_diffs, node._build_exact_linear_patch = dense, linear
    patches = node.optimize_merge(model, stack, 1.0, **defaults)[4]["model_patches"]
    merged = {}
    for target, name in names.items():
        merged[target] = node._expand_patch_to_diff(patches[f"{name}.weight"]).flatten(1).float().contiguous()
        merged[f"{target}/mode"] = torch.tensor(MODES.index(modes[torch.Size(SHAPES[target])]))
    return merged


def main():
    logging.disable(logging.CRITICAL)
    tensors = draw()
    for case in STRENGTHS:
        merged = merge(tensors, case)
        for target in SHAPES:
            tensors |= {f"{case}/{target}/merged/default": merged[target],
                        f"{case}/{target}/merged/mode": merged[f"{target}/mode"]}
            print(case, target, MODES[merged[f"{target}/mode"]])
    save_file(tensors, DATA / "lora_optimizer.safetensors")


if __name__ == "__main__":
    main()
