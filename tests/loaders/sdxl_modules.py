"""The layers of SDXL base 1.0 under the names that programs give them, without its weights.

    modules = sdxl_modules()
    modules["unet.mid_block.attentions.0.proj_in"].sgm       # "middle_block.1.proj_in"
    modules["unet.mid_block.attentions.0.proj_in"].shape     # (1280, 1280)

Sizes: stabilityai/stable-diffusion-xl-base-1.0, unet/config.json and text_encoder{,_2}/config.json.
"""

from dataclasses import dataclass

import torch
from diffusers import UNet2DConditionModel
from sgm_checkpoint import unet_name
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

UNET = dict(
    sample_size=128, in_channels=4, out_channels=4, block_out_channels=(320, 640, 1280), layers_per_block=2,
    down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    transformer_layers_per_block=(1, 2, 10), attention_head_dim=(5, 10, 20), cross_attention_dim=2048,
    use_linear_projection=True, addition_embed_type="text_time", addition_time_embed_dim=256,
    projection_class_embeddings_input_dim=2816)
CLIP_L = dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12,
              hidden_act="quick_gelu", projection_dim=768, vocab_size=49408)
CLIP_G = dict(hidden_size=1280, intermediate_size=5120, num_hidden_layers=32, num_attention_heads=20,
              hidden_act="gelu", projection_dim=1280, vocab_size=49408)
FLAT_PREFIX = {"unet": "lora_unet_", "text_encoder": "lora_te1_", "text_encoder_2": "lora_te2_"}


@dataclass
class Module:
    component: str
    path: str  # as diffusers calls it
    sgm: str  # as generative-models calls it; of text encoders the same
    shape: tuple  # of the weight

    @property
    def flat_sgm(self):
        return FLAT_PREFIX[self.component] + self.sgm.replace(".", "_")

    @property
    def flat_diffusers(self):
        return FLAT_PREFIX[self.component] + self.path.replace(".", "_")


def meta_models() -> dict[str, torch.nn.Module]:
    with torch.device("meta"):
        return {"unet": UNet2DConditionModel(**UNET), "text_encoder": CLIPTextModel(CLIPTextConfig(**CLIP_L)),
                "text_encoder_2": CLIPTextModelWithProjection(CLIPTextConfig(**CLIP_G))}


# Kept apart: kohya's scripts and A1111 drop it, and its own case (kohya-text-projection) asks each program.
TEXT_PROJECTION = "text_encoder_2.text_projection"


def sdxl_modules(models=None) -> dict[str, Module]:
    """Every linear and convolution layer but text_projection, by canonical name."""
    result = {}
    for component, model in (models or meta_models()).items():
        for path, module in model.named_modules():
            if not isinstance(module, (torch.nn.Linear, torch.nn.Conv2d)) or path == "text_projection":
                continue
            if component == "unet":
                sgm = unet_name(path + ".weight", UNET["layers_per_block"]).removesuffix(".weight")
            else:
                path = path if path.startswith("text_model.") else "text_model." + path  # transformers 5.6 dropped it
                sgm = path
            result[f"{component}.{path}"] = Module(component, path, sgm, tuple(module.weight.shape))
    return result
