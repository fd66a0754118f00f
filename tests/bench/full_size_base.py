"""A full-size SDXL of random weights as a sharded diffusers folder in bfloat16, 6.9 GB: the base of --sdxl.

    folder = write_once(Path("out/sdxl"), SDXL)
"""

import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import described_base
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from tiny_sdxl import EOS, SCHEDULER, TEXT_ENCODER, write_byte_tokenizer  # noqa: E402


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


def describe(configs: Configs) -> dict:
    """What described_base.py writes; nothing of the models themselves is made."""
    with torch.device("meta"):
        models = {"unet": UNet2DConditionModel(**configs.unet), "vae": AutoencoderKL(**configs.vae)}
        encoders = {"text_encoder": CLIPTextModel(CLIPTextConfig(**configs.text_encoder)),
                    "text_encoder_2": CLIPTextModelWithProjection(CLIPTextConfig(**configs.text_encoder_2))}
    described = {}
    for name, model in models.items():
        described[name] = {"stem": "diffusion_pytorch_model",
                           "config": {key: value for key, value in model.config.items() if not key.startswith("_")}
                           | {"_class_name": type(model).__name__}}
    for name, encoder in encoders.items():
        described[name] = {"stem": "model",
                           "config": encoder.config.to_dict() | {"architectures": [type(encoder).__name__]}}
    for name, model in (models | encoders).items():
        described[name]["shapes"] = {key: list(value.shape) for key, value in model.state_dict().items()}
    classes = {name: ["diffusers", type(model).__name__] for name, model in models.items()}
    classes |= {name: ["transformers", type(encoder).__name__] for name, encoder in encoders.items()}
    classes |= {name: ["transformers", "CLIPTokenizer"] for name in ("tokenizer", "tokenizer_2")}
    files = {"scheduler/scheduler_config.json": json.dumps(SCHEDULER | {"_class_name": "EulerDiscreteScheduler"}),
             "model_index.json": json.dumps(
                 {"_class_name": "StableDiffusionXLPipeline", "scheduler": ["diffusers", "EulerDiscreteScheduler"],
                  "force_zeros_for_empty_prompt": True} | classes)}
    with tempfile.TemporaryDirectory() as folder:
        for name, pad_token in (("tokenizer", EOS), ("tokenizer_2", "!")):
            for file in write_byte_tokenizer(Path(folder) / name, pad_token).iterdir():
                files[f"{name}/{file.name}"] = file.read_text()
    return {"models": described, "files": files}


def write_once(folder: Path, configs: Configs) -> Path:
    """On the disk before anything is measured."""
    if not folder.exists():
        described_base.write_base(folder, describe(configs))
        os.sync()
    return folder
