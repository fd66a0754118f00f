"""A call of the UNet as a step of denoising makes it, here and in the programs that others draw with: diffusers eager,
diffusers under torch.compile, OpenVINO. An image takes two rows, with and without its prompt.

    OMP_NUM_THREADS=1 .venv/bin/python tests/bench/unet_call.py [--images 1 8] [--dtypes float32 bfloat16] [--rounds 5]
    OMP_NUM_THREADS=2 .venv/bin/python tests/bench/unet_call.py --sdxl --images 1 --dtypes bfloat16 [--calls 1]

Prints one JSON object for each number of images and dtype. Before anything is timed, each output is compared with
diffusers' in float32: "largest_difference" is relative to its largest value. Then all take turns; a turn's figure is
its fastest call. "seconds" is the best turn, "ratio" the median over the rounds of ours divided by theirs of the same
round: below 1, ziplora is faster. A program that is not installed is left out aloud; where its packages lie elsewhere,
run this with that environment's Python.
"""

import contextlib
import json
import os
import statistics
import sys

import torch
from side_by_side import base_of, options, run_probe
from unet_engines import ENGINES, LiveEngine, missing_package

WARM_UP = 3
# What rounding explains, relative to the largest value of the output.
TOLERANCE = {"float32": 1e-4, "bfloat16": 0.1}


def call_inputs(base, images: int) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    rows, channels = 2 * images, base.unet_config()["in_channels"]
    return base.conditioning(rows) | {"latents": torch.randn(rows, channels, base.side, base.side),
                                      "timesteps": torch.full((rows,), 601)}


def present_engines(wanted: list[str]) -> list[str]:
    names = []
    for name in wanted:
        package = missing_package(name)
        if package:
            print(f"left out: {name} needs: {sys.executable} -m pip install {package}", file=sys.stderr)
        else:
            names.append(name)
    return names


def largest_difference(output: torch.Tensor, reference: torch.Tensor) -> float:
    return ((output - reference).abs().max() / reference.abs().max()).item()


def median_ratio(ours: list[dict], theirs: list[dict]) -> float:
    return round(statistics.median(min(a["seconds"]) / min(b["seconds"]) for a, b in zip(ours, theirs, strict=True)), 3)


def summary(turns: list[dict]) -> dict:
    return {"seconds": min(second for turn in turns for second in turn["seconds"]),
            "cpu_seconds": min(second for turn in turns for second in turn["cpu_seconds"]),
            "peak_memory_bytes": max(turn["peak_memory_bytes"] for turn in turns)}


def measure(base, images: int, dtype: str, names: list[str], calls: int, rounds: int, reference) -> dict:
    inputs = call_inputs(base, images)

    def ours():
        outputs, values = run_probe("unet_call", inputs, folder=str(base.folder), dtype=dtype, warm_up=WARM_UP,
                                    calls=calls)
        return outputs["noise_pred"], values

    with contextlib.ExitStack() as stack:
        engines = {}
        for name in names:
            engines[name] = LiveEngine(name, base.folder, dtype, inputs, WARM_UP)
            stack.callback(engines[name].close)
        differences = {"ziplora": largest_difference(ours()[0], reference)}
        differences |= {name: largest_difference(engine.noise_pred, reference) for name, engine in engines.items()}
        wrong = {name: value for name, value in differences.items() if not value < TOLERANCE[dtype]}
        if wrong:
            sys.exit(f"the outputs differ from diffusers' in float32, so this is not the same work: {wrong}")
        turns = {name: [] for name in ("ziplora", *engines)}
        for _ in range(rounds):
            turns["ziplora"].append(ours()[1])
            for name, engine in engines.items():
                turns[name].append(engine.turn(calls))
    sides = {name: summary(values) | {"largest_difference": differences[name]} for name, values in turns.items()}
    return sides | {"ratio": {name: median_ratio(turns["ziplora"], turns[name]) for name in engines}}


def float32_output(base, images: int) -> torch.Tensor:
    engine = LiveEngine("diffusers", base.folder, "float32", call_inputs(base, images), warm_up=1)
    engine.close()
    return engine.noise_pred


def main():
    parser = options(__doc__)
    parser.add_argument("--images", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--dtypes", nargs="+", choices=sorted(TOLERANCE), default=["float32", "bfloat16"])
    parser.add_argument("--calls", type=int,
                        help="timed calls of a turn; by default 16 divided by the images, 1 with --sdxl")
    parser.add_argument("--beside", nargs="+", choices=list(ENGINES), default=list(ENGINES))
    arguments = parser.parse_args()
    names, threads = present_engines(arguments.beside), int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads()))
    with base_of(arguments) as base:
        for images in arguments.images:
            reference = float32_output(base, images)
            calls = arguments.calls or (1 if arguments.sdxl else max(2, 16 // images))
            for dtype in arguments.dtypes:
                result = measure(base, images, dtype, names, calls, arguments.rounds or 5, reference)
                print(json.dumps({"benchmark": "unet_call", "shapes": base.shapes, "images": images, "dtype": dtype,
                                  "threads": threads} | result, indent=1), flush=True)


if __name__ == "__main__":
    main()
