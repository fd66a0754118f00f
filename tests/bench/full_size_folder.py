"""A full-size SDXL of random weights as a sharded diffusers folder in bfloat16: does it load, and run a step?

    OMP_NUM_THREADS=2 .venv/bin/python tests/bench/full_size_folder.py [--size 512] [--keep FOLDER]

Prints one JSON object: bytes of weights, seconds and peak memory of `ziplora generate` with one denoising step and
without guidance, decoded in tiles. Needs 7 GB of disk and 12 GB of memory.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("ZIPLORA_BUILD", ROOT / "build"))
sys.path[:0] = [str(ROOT / "tests" / "support"), str(Path(__file__).resolve().parent)]
from mini_unet import SDXL  # noqa: E402
from tiny_sdxl import EOS, SCHEDULER, TEXT_ENCODER, write_byte_tokenizer  # noqa: E402

SHARD_BYTES = 2 << 30
VAE = dict(block_out_channels=(128, 256, 512, 512), layers_per_block=2, latent_channels=4, sample_size=1024,
           down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
           scaling_factor=0.13025, force_upcast=True)
CLIP_L = TEXT_ENCODER | dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12,
                             projection_dim=768, vocab_size=49408)
CLIP_G = CLIP_L | dict(hidden_size=1280, intermediate_size=5120, num_hidden_layers=32, num_attention_heads=20,
                       projection_dim=1280, hidden_act="gelu", pad_token_id=0)


def random_weights(model):
    """Every parameter in bfloat16, one at a time: slices of one random block, small enough for activations to stay
    finite through 70 transformer layers."""
    block = (0.01 * torch.randn(1 << 22)).to(torch.bfloat16)
    for name, parameter in model.state_dict().items():
        repeats = -(-parameter.numel() // block.numel())
        yield name, block.repeat(repeats)[:parameter.numel()].reshape(parameter.shape)


def write_model(folder, model, stem, config):
    """In shards with an index, as the libraries do for large models. Returns the bytes of the weights."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config))
    shards, sizes = [{}], [0]
    for name, tensor in random_weights(model):
        if sizes[-1] + tensor.nbytes > SHARD_BYTES:
            shards.append({})
            sizes.append(0)
        shards[-1][name] = tensor
        sizes[-1] += tensor.nbytes
    if len(shards) == 1:
        save_file(shards[0], folder / f"{stem}.safetensors", {"format": "pt"})
        return sum(sizes)
    index = {"metadata": {"total_size": sum(sizes)}, "weight_map": {}}
    for number, shard in enumerate(shards, 1):
        file = f"{stem}-{number:05}-of-{len(shards):05}.safetensors"
        save_file(shard, folder / file, {"format": "pt"})
        index["weight_map"] |= dict.fromkeys(shard, file)
    (folder / f"{stem}.safetensors.index.json").write_text(json.dumps(index))
    return sum(sizes)


def write_folder(folder):
    with torch.device("meta"):
        unet, vae = UNet2DConditionModel(**SDXL), AutoencoderKL(**VAE)
        encoders = (CLIPTextModel(CLIPTextConfig(**CLIP_L)), CLIPTextModelWithProjection(CLIPTextConfig(**CLIP_G)))
    size = write_model(folder / "unet", unet, "diffusion_pytorch_model", dict(unet.config) | {"_class_name": "UNet2DConditionModel"})
    size += write_model(folder / "vae", vae, "diffusion_pytorch_model", dict(vae.config) | {"_class_name": "AutoencoderKL"})
    for name, encoder, pad_token in zip(("", "_2"), encoders, (EOS, "!")):
        size += write_model(folder / f"text_encoder{name}", encoder, "model",
                            encoder.config.to_dict() | {"architectures": [type(encoder).__name__]})
        write_byte_tokenizer(folder / f"tokenizer{name}", pad_token)
    (folder / "scheduler").mkdir()
    (folder / "scheduler" / "scheduler_config.json").write_text(
        json.dumps(SCHEDULER | {"_class_name": "EulerDiscreteScheduler"}))
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "StableDiffusionXLPipeline"}))
    return size


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--keep", type=Path, help="write the folder here and leave it; used again if it is there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch) / "sdxl"
        if not folder.exists():
            write_folder(folder)
        weights = sum(file.stat().st_size for file in folder.rglob("*.safetensors"))
        done = subprocess.run(
            [BUILD / "ziplora", "generate", "a dog", "--base", folder, "--dtype", "bfloat16", "--steps", "1",
             "--guidance-scale", "1", "--height", str(options.size), "--width", str(options.size), "--vae-tiling",
             "--json", "-o", Path(scratch) / "dog.png"], capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr)
        result = json.loads(done.stdout)
        print(json.dumps({"weights_bytes": weights, "size": options.size, "seconds": result["seconds"],
                          "peak_memory_bytes": result["peak_memory_bytes"],
                          "peak_over_weights": result["peak_memory_bytes"] / weights}, indent=1))


if __name__ == "__main__":
    main()
