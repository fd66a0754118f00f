"""A step of denoising with guidance, here and in diffusers, from the same folder with the same settings.

    OMP_NUM_THREADS=1 .venv/bin/python tests/bench/denoising_step.py [--steps 25] [--rounds 3]
    OMP_NUM_THREADS=2 .venv/bin/python tests/bench/denoising_step.py --sdxl [--steps 5]

Prints one JSON object: seconds of a step of each, the mean of an image's steps but the first (with which the prompts
are encoded), and the peak memory of each process; how it is measured: side_by_side.py, but at the end of the last step
but one, which is before anything is decoded. For the miniature also seconds and peak of one whole image: prompts,
steps and decoding, without loading. At full size Python stops at the latents: diffusers would decode in bfloat16 what
ziplora decodes in float32.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from side_by_side import BUILD, base_of, compare, options, peak_memory_bytes, print_result, run_in_python, start

PROMPT = "a fox at night, in twemoji style"
GUIDANCE = 5.0


def mean_step(ends: list[float]) -> float:
    return (ends[-1] - ends[0]) / (len(ends) - 1)


def with_ziplora(folder, dtype, pixels, steps, whole_picture):
    with tempfile.TemporaryDirectory() as scratch:
        process = subprocess.Popen(
            [BUILD / "ziplora", "generate", PROMPT, "--base", folder, "--dtype", dtype, "--steps", str(steps),
             "--guidance-scale", str(GUIDANCE), "--height", str(pixels), "--width", str(pixels), "--json", "-o",
             Path(scratch) / "fox.png"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        ends = []
        for line in process.stderr:
            event = json.loads(line)
            if event["event"] == "step" and event["stage"] == "denoise":
                ends.append(time.perf_counter())
                if event["step"] == steps - 1:
                    peak = peak_memory_bytes(process.pid)
        output = process.stdout.read()
        if process.wait():
            sys.exit(f"ziplora failed: {line}")
    values = {"seconds": [mean_step(ends)], "peak_memory_bytes": peak}
    if whole_picture:
        done = json.loads(output)
        values |= {"image_seconds": [done["seconds"]], "image_peak_memory_bytes": done["peak_memory_bytes"]}
    return values


def in_python(_, folder, dtype, pixels, steps, whole_picture):
    import torch
    from diffusers import StableDiffusionXLPipeline

    pipeline = StableDiffusionXLPipeline.from_pretrained(folder, torch_dtype=getattr(torch, dtype))
    pipeline.set_progress_bar_config(disable=True)
    ends, peaks = [], []

    def step_ended(_, step, timestep, tensors):
        ends.append(time.perf_counter())
        if step == steps - 2:
            peaks.append(peak_memory_bytes())
        return tensors

    begin = time.perf_counter()
    pipeline(PROMPT, height=pixels, width=pixels, num_inference_steps=steps, guidance_scale=GUIDANCE,
             callback_on_step_end=step_ended, output_type="pil" if whole_picture else "latent")
    seconds = time.perf_counter() - begin
    values = {"seconds": [mean_step(ends)], "peak_memory_bytes": peaks[0]}
    if whole_picture:
        values |= {"image_seconds": [seconds], "image_peak_memory_bytes": peak_memory_bytes()}
    return values


def main(full_size=None):
    parser = options(__doc__)
    parser.add_argument("--steps", type=int, help="by default 25, with --sdxl 5")
    arguments = parser.parse_args()
    with base_of(arguments, full_size) as base:
        steps = arguments.steps or (5 if arguments.sdxl else 25)
        if steps < 3:
            parser.error("--steps 3 is the least: the first is not timed, and memory is read before the last")
        request = dict(folder=str(base.folder), dtype=base.dtype, pixels=base.pixels, steps=steps,
                       whole_picture=not arguments.sdxl)
        result = compare(base, lambda: with_ziplora(**request), lambda: run_in_python(__file__, **request),
                         arguments.rounds)
        print_result(base, result, steps=steps, pixels=base.pixels)


if __name__ == "__main__":
    start(main, in_python)
