"""A base of random weights from its description, which is JSON: what needs neither diffusers nor transformers.

    write_base(Path("out/sdxl"), json.loads(Path("sdxl.json").read_text()))

A description is {"models": {folder: {"stem": …, "config": {…}, "shapes": {name: [sizes]}}}, "files": {path: text}};
full_size_base.describe makes it.
"""

import itertools
import json
import math
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file

SHARD_BYTES = 2 << 30


def random_weights(shapes: dict[str, list[int]]):
    """Every parameter in bfloat16, one at a time, as large as PyTorch's initialisation makes it, so that activations
    stay finite through all layers. Repeats of one random block, each parameter's turned by its number: drawing 3.5
    billion numbers would take minutes."""
    block = (2 * torch.rand(1 << 20) - 1).to(torch.bfloat16)
    for number, (name, shape) in enumerate(shapes.items()):
        size = math.prod(shape)
        bound = math.prod(shape[1:]) ** -0.5 if len(shape) > 1 else 0.02
        repeats = -(-size // block.numel())
        values = bound * block.roll(number).repeat(repeats)[:size].reshape(shape)
        is_norm = len(shape) == 1 and name.endswith("weight")
        yield name, values + 1 if is_norm else values


def shards_of(shapes: dict[str, list[int]]) -> list[list[str]]:
    """Names by file: a full one is followed by another, as the libraries do for large models."""
    shards, room = [], 0
    for name, shape in shapes.items():
        size = 2 * math.prod(shape)
        if not shards or size > room:
            shards.append([])
            room = SHARD_BYTES
        shards[-1].append(name)
        room -= size
    return shards


def write_model(folder: Path, shapes: dict[str, list[int]], stem: str, config: dict):
    """One file in memory at a time; an index if there are several."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config))
    weights, shards, weight_map = random_weights(shapes), shards_of(shapes), {}
    for number, names in enumerate(shards, 1):
        file = f"{stem}-{number:05}-of-{len(shards):05}.safetensors" if len(shards) > 1 else f"{stem}.safetensors"
        save_file(dict(itertools.islice(weights, len(names))), folder / file, {"format": "pt"})
        weight_map |= dict.fromkeys(names, file)
    if len(shards) > 1:
        total = sum(2 * math.prod(shape) for shape in shapes.values())
        (folder / f"{stem}.safetensors.index.json").write_text(
            json.dumps({"metadata": {"total_size": total}, "weight_map": weight_map}))


def write_base(folder: Path, description: dict) -> Path:
    """Under the name of a part until it is whole."""
    if folder.exists():
        return folder
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    for name, model in description["models"].items():
        write_model(part / name, model["shapes"], model["stem"], model["config"])
    for path, text in description["files"].items():
        (part / path).parent.mkdir(parents=True, exist_ok=True)
        (part / path).write_text(text)
    return part.rename(folder)


def lora_layers(description: dict) -> dict[str, tuple[int, int]]:
    """(in, out) of the linear layers of the UNet's attentions and feed-forwards, by path."""
    shapes = description["models"]["unet"]["shapes"]
    return {name.removesuffix(".weight"): (shape[1], shape[0]) for name, shape in shapes.items()
            if name.endswith(".weight") and len(shape) == 2 and (".attn" in name or ".ff." in name)}


def write_random_lora(file: Path, rank: int, seed: int, layers: dict[str, tuple[int, int]]):
    """In kohya's dialect and float16. @param layers  (in, out) by path"""
    torch.manual_seed(seed)
    tensors = {}
    for path, (width, height) in layers.items():
        module = "lora_unet_" + path.replace(".", "_")
        tensors |= {f"{module}.lora_down.weight": (torch.randn(rank, width) / width ** 0.5).half(),
                    f"{module}.lora_up.weight": (torch.randn(height, rank) * 0.05).half(),
                    f"{module}.alpha": torch.tensor(float(rank) / 2).half()}
    save_file(tensors, file)
