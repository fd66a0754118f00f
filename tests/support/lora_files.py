"""LoRA files of every naming, made from random factors: what the web's files look like, at a tiny model's sizes.

    layers = random_layers(pipeline, LayerChoice(parts=("attn", "ff"), ranks=(2, 4), alpha=1.0))
    save_kohya(file, layers, pipeline, blocks="sgm")
"""

from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import save_file
from sgm_checkpoint import unet_name

PREFIX = {"unet": "lora_unet_", "text_encoder": "lora_te1_", "text_encoder_2": "lora_te2_"}
# But text_projection, which diffusers reads only with the rank that most layers of its encoder have.
EVERY_PART = ("attn", "ff", "proj_in", "proj_out", "resnets", "samplers", "mlp")


@dataclass
class Layer:
    down: torch.Tensor  # [rank, in] or [rank, in, kh, kw]
    up: torch.Tensor  # [out, rank] or [out, rank, 1, 1]
    alpha: float | None


@dataclass
class LayerChoice:
    """Which layers get factors, of which ranks (in turn), with which alpha: a number, None, or "rank" for each its own."""
    components: tuple = ("unet",)
    parts: tuple = ("attn",)
    ranks: tuple = (4,)
    alpha: object = None
    every: int = 1  # only every n-th of those layers
    seed: int = 0
    strength: float = 0.5
    skip: tuple = field(default=())


def component_modules(pipeline, component):
    """Linear and convolution layers by the path that files use."""
    for path, module in getattr(pipeline, component).named_modules():
        if isinstance(module, (torch.nn.Linear, torch.nn.Conv2d)):
            # transformers 5.6 dropped the level of all but the projection, which never had it.
            level = component != "unet" and not path.startswith("text_model.") and path != "text_projection"
            yield ("text_model." if level else "") + path, module


def random_layers(pipeline, choice: LayerChoice) -> dict[str, Layer]:
    """By canonical name: "unet.down_blocks.1.….to_q"."""
    generator = torch.Generator().manual_seed(choice.seed)
    layers, count = {}, 0
    for component in choice.components:
        for path, module in component_modules(pipeline, component):
            if not any(part in path for part in choice.parts) or any(part in path for part in choice.skip):
                continue
            count += 1
            if count % choice.every:
                continue
            rank = choice.ranks[len(layers) % len(choice.ranks)]
            weight = module.weight
            scale = choice.strength / weight[0].numel() ** 0.5
            down = scale * torch.randn(rank, *weight.shape[1:], generator=generator)
            up = choice.strength * torch.randn(weight.shape[0], rank, *[1] * (weight.dim() - 2), generator=generator)
            alpha = float(rank) if choice.alpha == "rank" else choice.alpha
            layers[f"{component}.{path}"] = Layer(down, up, alpha)
    assert layers
    return layers


def kohya_module(canonical: str, blocks: str, layers_per_block: int) -> str:
    component, path = canonical.split(".", 1)
    if component == "unet" and blocks == "sgm":
        path = unet_name(path + ".weight", layers_per_block).removesuffix(".weight")
    return PREFIX[component] + path.replace(".", "_")


def save_kohya(file: Path, layers: dict[str, Layer], pipeline, blocks="sgm", dtype=torch.float32, metadata=None):
    tensors = {}
    for canonical, layer in layers.items():
        module = kohya_module(canonical, blocks, pipeline.unet.config.layers_per_block)
        tensors |= {f"{module}.lora_down.weight": layer.down.to(dtype), f"{module}.lora_up.weight": layer.up.to(dtype)}
        if layer.alpha is not None:
            tensors[f"{module}.alpha"] = torch.tensor(layer.alpha).to(dtype)
    save_file(tensors, file, metadata)
    return file


def save_diffusers(file: Path, layers: dict[str, Layer], spelling="now", dtype=torch.float32, metadata=None):
    """Of three generations: "now" (lora_A), "middle" (lora.down, lora_linear_layer), "oldest" (processor)."""
    tensors = {}
    for canonical, layer in layers.items():
        assert layer.alpha is None, "these names have no alpha beside them"
        component, path = canonical.split(".", 1)
        if spelling == "now":
            down, up = f"{canonical}.lora_A.weight", f"{canonical}.lora_B.weight"
        elif spelling == "middle":
            inner = "lora" if component == "unet" else "lora_linear_layer"
            down, up = f"{canonical}.{inner}.down.weight", f"{canonical}.{inner}.up.weight"
        else:
            if component != "unet":  # "….self_attn.q_proj" was spelled as the UNet's
                attention, leaf = path.removesuffix("_proj").rsplit(".", 1)
                path = f"{attention}.to_{leaf}"
            attention, leaf = path.rsplit(".to_", 1)
            processor = ".processor" if component == "unet" else ""
            module = f"{component}.{attention}{processor}.to_{leaf.removesuffix('.0')}_lora"
            down, up = f"{module}.down.weight", f"{module}.up.weight"
        tensors |= {down: layer.down.to(dtype), up: layer.up.to(dtype)}
    save_file(tensors, file, metadata)
    return file
