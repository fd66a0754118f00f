"""A full-size SDXL of random weights as a sharded diffusers folder in bfloat16, 6.9 GB: the base of --sdxl.

    folder = write_once(Path("out/sdxl"), SDXL)
"""

import itertools
import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from tiny_sdxl import EOS, SCHEDULER, TEXT_ENCODER, write_byte_tokenizer  # noqa: E402

SHARD_BYTES = 2 << 30


@dataclass(frozen=True)
class Configs:
    unet: dict
    vae: dict
    text_encoder: dict
    text_encoder_2: dict


CLIP_L = TEXT_ENCODER | dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12,
                             projection_dim=768, vocab_size=49408)
SDXL = Configs(
    unet=dict(
        sample_size=128, block_out_channels=(320, 640, 1280), layers_per_block=2,
        transformer_layers_per_block=(1, 2, 10), attention_head_dim=(5, 10, 20), cross_attention_dim=2048,
        use_linear_projection=True, down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        addition_embed_type="text_time", addition_time_embed_dim=256, projection_class_embeddings_input_dim=2816),
    vae=dict(
        block_out_channels=(128, 256, 512, 512), layers_per_block=2, latent_channels=4, sample_size=1024,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        scaling_factor=0.13025, force_upcast=True),
    text_encoder=CLIP_L,
    text_encoder_2=CLIP_L | dict(hidden_size=1280, intermediate_size=5120, num_hidden_layers=32,
                                 num_attention_heads=20, projection_dim=1280, hidden_act="gelu", pad_token_id=0))


def random_weights(model):
    """Every parameter in bfloat16, one at a time, as large as PyTorch's initialisation makes it, so that activations
    stay finite through all layers. Repeats of one random block, each parameter's turned by its number: drawing 3.5
    billion numbers would take minutes."""
    block = (2 * torch.rand(1 << 20) - 1).to(torch.bfloat16)
    for number, (name, parameter) in enumerate(model.state_dict().items()):
        bound = parameter[0].numel() ** -0.5 if parameter.dim() > 1 else 0.02
        repeats = -(-parameter.numel() // block.numel())
        values = bound * block.roll(number).repeat(repeats)[:parameter.numel()].reshape(parameter.shape)
        is_norm = parameter.dim() == 1 and name.endswith("weight")
        yield name, values + 1 if is_norm else values


def shards_of(model) -> list[list[str]]:
    """Names by file: a full one is followed by another, as the libraries do for large models."""
    shards, room = [], 0
    for name, parameter in model.state_dict().items():
        size = 2 * parameter.numel()
        if not shards or size > room:
            shards.append([])
            room = SHARD_BYTES
        shards[-1].append(name)
        room -= size
    return shards


def write_model(folder: Path, model, stem: str, config: dict):
    """One file in memory at a time; an index if there are several."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config))
    weights, shards, weight_map = random_weights(model), shards_of(model), {}
    for number, names in enumerate(shards, 1):
        file = f"{stem}-{number:05}-of-{len(shards):05}.safetensors" if len(shards) > 1 else f"{stem}.safetensors"
        save_file(dict(itertools.islice(weights, len(names))), folder / file, {"format": "pt"})
        weight_map |= dict.fromkeys(names, file)
    if len(shards) > 1:
        total = sum(2 * parameter.numel() for parameter in model.state_dict().values())
        (folder / f"{stem}.safetensors.index.json").write_text(
            json.dumps({"metadata": {"total_size": total}, "weight_map": weight_map}))


def write_once(folder: Path, configs: Configs) -> Path:
    """Under the name of a part until it is whole. On the disk before anything is measured."""
    if folder.exists():
        return folder
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    with torch.device("meta"):
        models = {"unet": UNet2DConditionModel(**configs.unet), "vae": AutoencoderKL(**configs.vae)}
        encoders = {"text_encoder": CLIPTextModel(CLIPTextConfig(**configs.text_encoder)),
                    "text_encoder_2": CLIPTextModelWithProjection(CLIPTextConfig(**configs.text_encoder_2))}
    for name, model in models.items():
        write_model(part / name, model, "diffusion_pytorch_model",
                    {key: value for key, value in model.config.items() if not key.startswith("_")}
                    | {"_class_name": type(model).__name__})
    for name, encoder in encoders.items():
        write_model(part / name, encoder, "model",
                    encoder.config.to_dict() | {"architectures": [type(encoder).__name__]})
    write_byte_tokenizer(part / "tokenizer", EOS)
    write_byte_tokenizer(part / "tokenizer_2", "!")
    (part / "scheduler").mkdir()
    (part / "scheduler" / "scheduler_config.json").write_text(
        json.dumps(SCHEDULER | {"_class_name": "EulerDiscreteScheduler"}))
    classes = {name: ["diffusers", type(model).__name__] for name, model in models.items()}
    classes |= {name: ["transformers", type(encoder).__name__] for name, encoder in encoders.items()}
    classes |= {name: ["transformers", "CLIPTokenizer"] for name in ("tokenizer", "tokenizer_2")}
    (part / "model_index.json").write_text(json.dumps(
        {"_class_name": "StableDiffusionXLPipeline", "scheduler": ["diffusers", "EulerDiscreteScheduler"],
         "force_zeros_for_empty_prompt": True} | classes))
    os.sync()
    return part.rename(folder)
