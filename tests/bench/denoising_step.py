"""A picture of the embedded base here and in diffusers, from the same folder with the same settings, by turns.

    OMP_NUM_THREADS=2 .venv/bin/python tests/bench/denoising_step.py [--steps 25] [--rounds 3]

Prints one JSON object: seconds of denoising and decoding one picture with guidance (without loading), fastest of each.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("ZIPLORA_BUILD", ROOT / "build"))
PROMPT = "a fox at night, in twemoji style"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    import torch
    from diffusers import StableDiffusionXLPipeline

    pipeline = StableDiffusionXLPipeline.from_pretrained(ROOT / "assets" / "mini", torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    best = {"ziplora": float("inf"), "diffusers": float("inf")}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.rounds):
            done = subprocess.run([BUILD / "ziplora", "generate", PROMPT, "--steps", str(options.steps), "--json",
                                   "--base", ROOT / "assets" / "mini", "-o", Path(folder) / "fox.png"],
                                  check=True, capture_output=True, text=True)
            best["ziplora"] = min(best["ziplora"], json.loads(done.stdout)["seconds"])
            begin = time.perf_counter()
            pipeline(PROMPT, num_inference_steps=options.steps, guidance_scale=5.0)
            best["diffusers"] = min(best["diffusers"], time.perf_counter() - begin)
    print(json.dumps({"steps": options.steps, "seconds": best, "ratio": best["ziplora"] / best["diffusers"]}, indent=1))


if __name__ == "__main__":
    main()
