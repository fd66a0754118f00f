"""A full-size SDXL of random weights as a sharded diffusers folder in bfloat16: does it load, and run a step?

    OMP_NUM_THREADS=2 .venv/bin/python tests/bench/full_size_folder.py [--size 512] [--keep FOLDER]

Prints one JSON object: bytes of weights, seconds and peak memory of `ziplora generate` with one denoising step and
without guidance, decoded in tiles. Needs 7 GB of disk and 12 GB of memory.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import full_size_base

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from program import run_ziplora  # noqa: E402


def main(configs=full_size_base.SDXL):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--keep", type=Path, help="write the folder here and leave it; used again if it is there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = full_size_base.write_once(options.keep or Path(scratch) / "sdxl", configs)
        weights = sum(file.stat().st_size for file in folder.rglob("*.safetensors"))
        done = run_ziplora("generate", "a dog", "--base", folder, "--dtype", "bfloat16", "--steps", 1,
                           "--guidance-scale", 1, "--height", options.size, "--width", options.size, "--vae-tiling",
                           "--json", "-o", Path(scratch) / "dog.png")
        if done.returncode:
            sys.exit(done.stderr)
        result = json.loads(done.stdout)
        print(json.dumps({"weights_bytes": weights, "size": options.size, "seconds": result["seconds"],
                          "peak_memory_bytes": result["peak_memory_bytes"],
                          "peak_over_weights": round(result["peak_memory_bytes"] / weights, 3)}, indent=1))


if __name__ == "__main__":
    main()
