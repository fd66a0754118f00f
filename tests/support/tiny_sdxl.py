"""A tiny SDXL with random weights as a diffusers folder: the base of end-to-end tests that need no download.

Every number that SDXL keeps apart is unequal here (heads, depths, channels, the two text encoders' widths), biases and
norms are away from 0 and 1, and the tokenizers know every byte, so a swapped layer or a lost prompt shows.

    folder = make_tiny_sdxl(tmp_path / "base", unet={"sample_size": 8}, scheduler={"prediction_type": "v_prediction"})
"""

import json
from pathlib import Path

import torch
from diffusers import AutoencoderKL, EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

BOS, EOS = "<|startoftext|>", "<|endoftext|>"
VOCAB_SIZE = 2 * 256 + 2

TEXT_ENCODER = dict(hidden_size=12, intermediate_size=20, num_hidden_layers=3, num_attention_heads=3,
                    hidden_act="quick_gelu", projection_dim=12, vocab_size=VOCAB_SIZE, max_position_embeddings=77,
                    bos_token_id=VOCAB_SIZE - 2, eos_token_id=VOCAB_SIZE - 1, pad_token_id=VOCAB_SIZE - 1)
TEXT_ENCODER_2 = TEXT_ENCODER | dict(hidden_size=20, intermediate_size=28, num_hidden_layers=2, num_attention_heads=4,
                                     hidden_act="gelu", projection_dim=14, pad_token_id=0)
UNET = dict(
    sample_size=16, block_out_channels=(8, 16, 24), layers_per_block=2, transformer_layers_per_block=(1, 1, 2),
    attention_head_dim=(1, 2, 3), cross_attention_dim=12 + 20, norm_num_groups=4, use_linear_projection=True,
    down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    addition_embed_type="text_time", addition_time_embed_dim=8, projection_class_embeddings_input_dim=14 + 6 * 8)
VAE = dict(
    sample_size=32, block_out_channels=(8, 12), layers_per_block=1, latent_channels=4, norm_num_groups=4,
    down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
    scaling_factor=0.13025, force_upcast=True)
SCHEDULER = dict(
    num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear",
    prediction_type="epsilon", timestep_spacing="leading", steps_offset=1)


def byte_symbols() -> list[str]:
    """CLIP's printable stand-ins for the 256 bytes, in the order of its vocabulary: "!" is token 0."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return [chr(byte) for byte in printable] + [chr(256 + i) for i in range(256 - len(printable))]


def write_byte_tokenizer(folder: Path, pad_token: str) -> Path:
    """A CLIP tokenizer that joins nothing: one token for each byte, another for a byte that ends a word."""
    folder.mkdir(parents=True, exist_ok=True)
    symbols = byte_symbols()
    tokens = [*symbols, *(symbol + "</w>" for symbol in symbols), BOS, EOS]
    (folder / "vocab.json").write_text(json.dumps({t: i for i, t in enumerate(tokens)}, ensure_ascii=False))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "model_max_length": 77, "tokenizer_class": "CLIPTokenizer", "bos_token": BOS, "eos_token": EOS,
        "unk_token": EOS, "pad_token": pad_token}))
    return folder


def make_tiny_sdxl(folder, seed=0, *, unet=(), vae=(), text_encoder=(), text_encoder_2=(), scheduler=()) -> Path:
    """Writes the folder and returns its path; the same seed gives the same bytes.

    Each keyword is a dict laid over that component's config, as diffusers and transformers name the fields. Sizes that
    must fit together (cross_attention_dim, projection_class_embeddings_input_dim) are the caller's to keep.
    """
    folder = Path(folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pipeline = StableDiffusionXLPipeline(
            vae=AutoencoderKL(**VAE | dict(vae)),
            text_encoder=CLIPTextModel(CLIPTextConfig(**TEXT_ENCODER | dict(text_encoder))),
            text_encoder_2=CLIPTextModelWithProjection(CLIPTextConfig(**TEXT_ENCODER_2 | dict(text_encoder_2))),
            tokenizer=CLIPTokenizer.from_pretrained(write_byte_tokenizer(folder / "tokenizer", EOS)),
            tokenizer_2=CLIPTokenizer.from_pretrained(write_byte_tokenizer(folder / "tokenizer_2", "!")),
            unet=UNet2DConditionModel(**UNET | dict(unet)),
            scheduler=EulerDiscreteScheduler(**SCHEDULER | dict(scheduler)))
        for model in (pipeline.unet, pipeline.vae, pipeline.text_encoder, pipeline.text_encoder_2):
            for parameter in model.parameters():
                parameter.data.add_(0.1 * torch.randn_like(parameter))
    pipeline.save_pretrained(folder)
    # transformers 5 writes tokenizer.json; published SDXL folders have vocab.json and merges.txt.
    for name, pad_token in (("tokenizer", EOS), ("tokenizer_2", "!")):
        for file in (folder / name).iterdir():
            file.unlink()
        write_byte_tokenizer(folder / name, pad_token)
    return folder
