"""A whole merge by `ssr` with the joint prompt, from starting the program to the written file: on the miniature beside
`zip`, at SDXL's full shapes beside 100 iterations of the public implementation of zip (one measured by
zip_iteration.py --sdxl, times 100; it loads, draws and writes besides).

    OMP_NUM_THREADS=1 .venv/bin/python tests/bench/ssr_merge.py [--rounds 3]
    OMP_NUM_THREADS=2 .venv/bin/python tests/bench/ssr_merge.py --sdxl [--rank 64] [--size 512] [--keep FOLDER]

Prints one JSON object. At full size both LoRAs touch every attention and feed-forward layer, and the base is of random
weights in bfloat16.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from described_base import write_random_lora
from side_by_side import BUILD, base_of, linear_layers, options

PROMPTS = ["--subject-prompt", "a sks dog", "--style-prompt", "a rose, in szn style"]


def merge(method: str, base: Path, files: dict[str, Path], output: Path, *extra) -> dict:
    done = subprocess.run([BUILD / "ziplora", "merge", "--method", method, "--base", base, "--subject", files["subject"],
                           "--style", files["style"], *PROMPTS, "-o", output, "--json", *map(str, extra)],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    return {"seconds": result["seconds"], "peak_memory_gb": result["peak_memory_bytes"] / 1e9}


def best(turns: list[dict]) -> dict:
    return {"seconds": min(turn["seconds"] for turn in turns),
            "peak_memory_gb": max(turn["peak_memory_gb"] for turn in turns)}


def main():
    parser = options(__doc__)
    parser.add_argument("--rank", type=int, help="of each LoRA; by default 8, with --sdxl 64")
    parser.add_argument("--size", type=int, default=512, help="pixels of the sides that are recorded, with --sdxl")
    arguments = parser.parse_args()
    with base_of(arguments) as base, tempfile.TemporaryDirectory(dir=arguments.keep and arguments.keep.parent) as scratch:
        output = Path(scratch) / "merged.safetensors"
        result = {"shapes": base.shapes, "threads": os.environ.get("OMP_NUM_THREADS", os.cpu_count())}
        files = {name: Path(scratch) / f"{name}.safetensors" for name in ("subject", "style")}
        for seed, file in enumerate(files.values()):
            write_random_lora(file, arguments.rank or base.rank, seed, linear_layers(base.unet_config()))
        if arguments.sdxl:
            extra = ["--dtype", base.dtype, "--context-size", arguments.size]
            result["ssr"] = best([merge("ssr", base.folder, files, output, *extra) for _ in range(arguments.rounds or 1)])
        else:
            turns = [(merge("ssr", base.folder, files, output), merge("zip", base.folder, files, output))
                     for _ in range(arguments.rounds or 3)]
            result["ssr"], result["zip"] = best([ours for ours, _ in turns]), best([zip_ for _, zip_ in turns])
            result["ratio"] = result["ssr"]["seconds"] / result["zip"]["seconds"]
        print(json.dumps(result))


if __name__ == "__main__":
    main()
