"""LoRAs for models other than SDXL, by a few of their real key names and widths: the error says which model."""

import torch

from .kind import INCOMPATIBLE, BrokenFile, tensors


def kohya(module, out, into, rank=2):
    return {f"{module}.lora_down.weight": torch.ones(rank, into), f"{module}.lora_up.weight": torch.ones(out, rank),
            f"{module}.alpha": torch.tensor(float(rank))}


def peft(module, out, into, rank=2):
    return {f"{module}.lora_A.weight": torch.ones(rank, into), f"{module}.lora_B.weight": torch.ones(out, rank)}


def processor(module, out, into, rank=2):
    return {f"{module}_lora.down.weight": torch.ones(rank, into), f"{module}_lora.up.weight": torch.ones(out, rank)}


ATTENTION = "down_blocks.1.attentions.0.transformer_blocks.0.attn2"
FLAT = "lora_unet_" + ATTENTION.replace(".", "_")
SGM = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2"
Z = "layers.0.attention"

# name: (how keys are spelt, [(module, out, in), …], what the error says)
ARCHITECTURES = {
    "sd15-kohya": (kohya, [(f"{FLAT}_to_k", 640, 768), (f"{FLAT}_to_q", 640, 640)], "Stable Diffusion 1.5"),
    "sd15-sgm": (kohya, [(f"{SGM}_to_k", 640, 768)], "Stable Diffusion 1.5"),
    "sd15-diffusers": (peft, [(f"unet.{ATTENTION}.to_k", 640, 768)], "Stable Diffusion 1.5"),
    "sd15-oldest": (processor, [(f"unet.{ATTENTION}.processor.to_v", 640, 768)], "Stable Diffusion 1.5"),
    "sd15-peft": (peft, [(f"base_model.model.{ATTENTION}.to_k", 640, 768)], "Stable Diffusion 1.5"),
    "sd15-text-encoder": (kohya, [("lora_te_text_model_encoder_layers_0_self_attn_q_proj", 768, 768)],
                          "Stable Diffusion 1.5"),
    "sd2-kohya": (kohya, [(f"{FLAT}_to_v", 640, 1024)], "Stable Diffusion 2"),
    "sd2-diffusers": (peft, [(f"unet.{ATTENTION}.to_v", 640, 1024)], "Stable Diffusion 2"),
    "sd2-text-encoder": (kohya, [("lora_te_text_model_encoder_layers_0_mlp_fc1", 4096, 1024)], "Stable Diffusion 2"),
    "refiner-kohya": (kohya, [(f"{FLAT}_to_k", 768, 1280)], "the SDXL refiner"),
    "refiner-sgm": (kohya, [(f"{SGM}_to_k", 768, 1280)], "the SDXL refiner"),
    "refiner-diffusers": (peft, [(f"unet.{ATTENTION}.to_k", 768, 1280)], "the SDXL refiner"),
    "ssd-1b": (kohya, [("lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k", 1279, 2048)],
               "a relative of it (SSD-1B"),
    "unknown-width": (kohya, [(f"{FLAT}_to_k", 640, 999)], "whose cross-attention is 999 wide"),
    "flux-kohya": (kohya, [("lora_unet_double_blocks_0_img_attn_qkv", 9216, 3072)], "Flux"),
    "flux-single-kohya": (kohya, [("lora_unet_single_blocks_3_linear1", 21504, 3072)], "Flux"),
    "flux-diffusers": (peft, [("transformer.single_transformer_blocks.0.attn.to_q", 3072, 3072)], "Flux"),
    "flux-comfy": (peft, [("diffusion_model.double_blocks.0.img_attn.qkv", 9216, 3072)], "Flux"),
    "flux-onetrainer": (kohya, [("lora_transformer_single_transformer_blocks_0_attn_to_q", 3072, 3072)], "Flux"),
    "flux-text-encoder-too": (kohya, [("lora_unet_double_blocks_0_txt_mlp_0", 12288, 3072),
                                      ("lora_te1_text_model_encoder_layers_0_mlp_fc1", 3072, 768)], "Flux"),
    "sd3-kohya": (kohya, [("lora_unet_joint_blocks_0_x_block_attn_qkv", 4608, 1536)], "Stable Diffusion 3"),
    "sd3-comfy": (peft, [("diffusion_model.joint_blocks.0.context_block.attn.qkv", 4608, 1536)], "Stable Diffusion 3"),
    "sd3-diffusers": (peft, [("transformer.transformer_blocks.0.attn.to_q", 1536, 1536)], "Stable Diffusion 3"),
    "sd3-t5": (kohya, [("lora_te3_encoder_block_0_layer_0_SelfAttention_q", 4096, 4096)], "Stable Diffusion 3"),
    "z-image-diffusers": (peft, [(f"transformer.{Z}.to_q", 3840, 3840)], "Z-Image"),
    "z-image-comfy": (peft, [(f"diffusion_model.{Z}.qkv", 11520, 3840)], "Z-Image"),
    "z-image-refiner-layers": (peft, [("diffusion_model.noise_refiner.0.attention.to_k", 3840, 3840)], "Z-Image"),
    "z-image-kohya": (kohya, [("lora_unet_layers_0_attention_to_q", 3840, 3840)], "Z-Image"),
    "lumina-2": (kohya, [("lora_unet_layers_0_attention_qkv", 6912, 2304)], "Lumina 2"),
    "qwen-image-diffusers": (peft, [("transformer.transformer_blocks.0.img_mlp.net.0.proj", 12288, 3072)], "Qwen-Image"),
    "qwen-image-comfy": (peft, [("diffusion_model.transformer_blocks.0.txt_mlp.net.2", 3072, 12288)], "Qwen-Image"),
    "qwen-image-kohya": (kohya, [("lora_unet_transformer_blocks_0_img_mod_1", 18432, 3072)], "Qwen-Image"),
    "wan-comfy": (peft, [("diffusion_model.blocks.0.cross_attn.k", 5120, 5120)], "Wan"),
    "wan-kohya": (kohya, [("lora_unet_blocks_0_self_attn_q", 1536, 1536)], "Wan"),
    "hidream": (peft, [("diffusion_model.double_stream_blocks.0.block.attn1.to_q", 2560, 2560)], "HiDream"),
    "auraflow": (peft, [("transformer.joint_transformer_blocks.0.attn.to_q", 3072, 3072)], "AuraFlow"),
    "pixart": (peft, [("transformer.adaln_single.linear", 6912, 1152)], "PixArt"),
    "stable-cascade": (kohya, [("lora_prior_unet_down_blocks_0_1_channelwise_0", 8192, 2048)], "Stable Cascade"),
    "hunyuan-dit": (kohya, [("lora_unet_blocks_0_attn1_Wqkv", 4224, 1408)], "Hunyuan-DiT"),
    "animatediff": (processor, [("down_blocks.0.motion_modules.0.temporal_transformer.transformer_blocks.0."
                                 "attention_blocks.0.processor.to_q", 320, 320)], "an AnimateDiff motion module"),
    "language-model": (peft, [("base_model.model.model.layers.0.self_attn.q_proj", 4096, 4096)], "a language model"),
    "no-sign": (peft, [("unet.somewhere.else", 7, 7)], "that this SDXL architecture lacks"),
}


def lora(spell, modules):
    def make():
        values = {}
        for module, out, into in modules:
            values |= spell(module, out, into)
        return values
    return tensors(make)


BROKEN = [BrokenFile(f"architecture/{name}", lora(spell, modules), INCOMPATIBLE, says)
          for name, (spell, modules, says) in ARCHITECTURES.items()]
