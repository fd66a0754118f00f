"""The smallest SDXL that ComfyUI takes for one: random weights in one file of 2.4 GB, with sgm's and OpenCLIP's names.

    python tests/comfyui/narrow_sdxl.py ~/ComfyUI/models        # writes checkpoints/ and two LoRA files into loras/

ComfyUI knows SDXL by the width of its first convolution (320), the number of transformer blocks and the sizes of the two
embeddings; it reads the widths of the further levels from the file. So these are 320 in place of 640 and 1280, which
ziplora reads in the companion folder. Text encoders and autoencoder have one size there, SDXL's.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

import torch  # noqa: E402
from diffusers import (  # noqa: E402
    AutoencoderKL,
    EulerDiscreteScheduler,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from lora_files import LayerChoice, random_layers, save_kohya  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from sgm_checkpoint import sgm_checkpoint  # noqa: E402
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection  # noqa: E402

UNET = dict(
    block_out_channels=(320, 320, 320), layers_per_block=2, sample_size=128, use_linear_projection=True,
    down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    transformer_layers_per_block=(1, 2, 10), attention_head_dim=5, cross_attention_dim=2048,
    addition_embed_type="text_time", addition_time_embed_dim=256, projection_class_embeddings_input_dim=2816)
VAE = dict(
    block_out_channels=(128, 256, 512, 512), layers_per_block=2, latent_channels=4, sample_size=1024,
    down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4)
CLIP_L = dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12,
              projection_dim=768, hidden_act="quick_gelu")
CLIP_G = dict(hidden_size=1280, intermediate_size=5120, num_hidden_layers=32, num_attention_heads=20,
              projection_dim=1280, hidden_act="gelu")


def narrow_sdxl() -> StableDiffusionXLPipeline:
    torch.manual_seed(0)
    return StableDiffusionXLPipeline(
        vae=AutoencoderKL(**VAE), unet=UNet2DConditionModel(**UNET), scheduler=EulerDiscreteScheduler(),
        text_encoder=CLIPTextModel(CLIPTextConfig(**CLIP_L)), tokenizer=None, tokenizer_2=None,
        text_encoder_2=CLIPTextModelWithProjection(CLIPTextConfig(**CLIP_G)))


def write_models(folder: Path):
    pipeline = narrow_sdxl()
    for seed, name in enumerate(("dog", "ink")):
        layers = random_layers(pipeline, LayerChoice(("unet", "text_encoder", "text_encoder_2"), alpha="rank", seed=seed))
        save_kohya(folder / f"loras/{name}.safetensors", layers, pipeline,
                   metadata={"modelspec.trigger_phrase": f"a sks {name}"})
    weights = {name: value.half() if value.is_floating_point() else value
               for name, value in sgm_checkpoint(pipeline).items()}
    name = "checkpoints/sd_xl_base_1.0"
    save_file(weights, folder / f"{name}.safetensors", {"format": "pt"})
    for part in ("unet", "vae"):
        getattr(pipeline, part).save_config(folder / name / part)
    for part in ("text_encoder", "text_encoder_2"):
        model = getattr(pipeline, part)
        model.config.architectures = [type(model).__name__]
        model.config.save_pretrained(folder / name / part)


if __name__ == "__main__":
    write_models(Path(sys.argv[1]))
