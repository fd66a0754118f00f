"""Descriptions of the bases that tests/bench/gpu_check.py makes of random weights, for a machine without diffusers:
FOLDER/sdxl.json and, to rehearse, FOLDER/small.json.

    .venv/bin/python tests/bench/gpu_kit.py out/gpu-kit
"""

import json
import sys
from pathlib import Path

from full_size_base import SDXL, Configs, describe
from tiny_sdxl import TEXT_ENCODER, TEXT_ENCODER_2, UNET, VAE

SMALL = Configs(unet=UNET, vae=VAE, text_encoder=TEXT_ENCODER, text_encoder_2=TEXT_ENCODER_2)

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, configs in (("sdxl", SDXL), ("small", SMALL)):
        (folder / f"{name}.json").write_text(json.dumps(describe(configs)))
