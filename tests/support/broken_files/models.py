"""Sound safetensors files that are not LoRAs: the error says what they are."""

import torch

from .kind import MALFORMED, BrokenFile, tensors


def zeros(**shapes):
    return tensors(lambda: {key: torch.zeros(*shape) for key, shape in shapes.items()})


ENCODER = "text_model.encoder.layers.0.self_attn.q_proj.weight"
MODELS = {
    "no-tensors": ({}, "the file holds no tensors"),
    "unknown": ({"weights": (2,)}, "none of its 1 keys is a LoRA factor"),
    "sdxl-checkpoint": ({"model.diffusion_model.input_blocks.0.0.weight": (4, 4, 3, 3),
                         "conditioner.embedders.0.transformer." + ENCODER: (2,)}, "a whole SDXL checkpoint"),
    "sd1-checkpoint": ({"model.diffusion_model.input_blocks.0.0.weight": (4, 4, 3, 3),
                        "cond_stage_model.transformer." + ENCODER: (2,)}, "Stable Diffusion 1 or 2 checkpoint"),
    "sgm-unet": ({"model.diffusion_model.label_emb.0.0.weight": (4, 4)}, "a checkpoint, or the UNet of one"),
    "diffusers-unet": ({"down_blocks.0.resnets.0.conv1.weight": (4, 4, 3, 3)}, "a diffusers UNet"),
    "diffusers-vae": ({"encoder.conv_in.weight": (4, 3, 3, 3), "decoder.conv_in.weight": (4, 4, 3, 3)}, "a VAE"),
    "sgm-vae": ({"first_stage_model.encoder.conv_in.weight": (4, 3, 3, 3)}, "the VAE of a checkpoint"),
    "text-encoder": ({ENCODER: (4, 4)}, "a text encoder"),
    "openclip-encoder": ({"transformer.resblocks.0.attn.in_proj_weight": (4, 4)}, "a text encoder"),
    "controlnet": ({"control_model.input_hint_block.0.weight": (4, 3, 3, 3)}, "a ControlNet"),
    "diffusers-controlnet": ({"controlnet_cond_embedding.conv_in.weight": (4, 3, 3, 3)}, "a ControlNet"),
    "control-lora": ({"lora_controlnet": (0,), "input_blocks.1.0.in_layers.2.down": (2, 320, 3, 3)}, "a Control-LoRA"),
    "ip-adapter": ({"image_proj.proj.weight": (4, 4), "ip_adapter.1.to_k_ip.weight": (4, 4)}, "an IP-Adapter"),
    "t2i-adapter": ({"adapter.body.0.in_conv.weight": (4, 4, 1, 1)}, "a T2I-Adapter"),
    "textual-inversion": ({"emb_params": (2, 768)}, "a textual inversion"),
    "sdxl-textual-inversion": ({"clip_l": (2, 768), "clip_g": (2, 1280)}, "a textual inversion"),
    "motion-module": ({"down_blocks.0.motion_modules.0.temporal_transformer.proj_in.weight": (4, 4)},
                      "an AnimateDiff motion module"),
    "flux-checkpoint": ({"double_blocks.0.img_attn.qkv.weight": (4, 4)}, "a checkpoint of Flux"),
    "sd3-checkpoint": ({"joint_blocks.0.x_block.attn.qkv.weight": (4, 4)}, "a checkpoint of Stable Diffusion 3"),
    "language-model": ({"model.layers.0.self_attn.q_proj.weight": (4, 4)}, "a language model"),
    "upscaler": ({"model.0.weight": (64, 3, 3, 3)}, "none of its 1 keys is a LoRA factor"),
    "merger-coefficients": ({"subject.unet.mid_block.attentions.0.proj_in": (4,)}, "none of its 1 keys"),
}

BROKEN = [BrokenFile(f"model/{name}", zeros(**shapes), MALFORMED, says) for name, (shapes, says) in MODELS.items()]
