"""How time and peak memory grow with rank, adapters, resolution and layers: `direct` and `ssr` as whole merges, start
to file, and one iteration of zip, on the miniature with random LoRA files.

    OMP_NUM_THREADS=1 .venv/bin/python tests/bench/growth.py [--axes rank adapters pixels layers] [--rounds 3]
    OMP_NUM_THREADS=1 .venv/bin/python tests/bench/growth.py --draw     # the chart again, from docs/growth.json

Writes docs/growth.json and docs/growth.svg. One size varies at a time, the others are those of `Sizes`. Time is the
processor's, the least of the rounds, so that a machine that does other work besides draws the same lines: take one
thread. A peak is the largest of the rounds. `direct` sees no image, so it has no line over the resolution.
"""

import argparse
import itertools
import json
import resource
import subprocess
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from line_chart import Chart, svg
from side_by_side import BUILD, ROOT, Base, run_probe, save_file

RESULT, PICTURE = ROOT / "docs/growth.json", ROOT / "docs/growth.svg"
MINIATURE = Base("mini", ROOT / "assets" / "mini", "float32", rank=8, side=16, tokens=32)
SIZES = {"rank": (4, 16, 64, 256), "adapters": (2, 4, 8, 16), "pixels": (64, 128, 256), "layers": (11, 22, 44, 88)}
LABELS = {"direct": "direct, whole merge", "ssr": "ssr, whole merge", "zip": "zip, one iteration"}


@dataclass(frozen=True)
class Sizes:
    rank: int = 8
    adapters: int = 2
    pixels: int = 64
    layers: int = 88  # attention projections, spread over the UNet


def chosen_layers(count: int) -> dict[str, tuple[int, int]]:
    layers = list(MINIATURE.attention_layers().items())
    assert count <= len(layers), f"{count} layers, the miniature has {len(layers)}"
    return dict(layers[i * len(layers) // count] for i in range(count))


def random_factors(sizes: Sizes) -> dict[str, torch.Tensor]:
    """As the probe zip_iteration takes them: "<adapter>.<down|up>.<path>"."""
    torch.manual_seed(0)
    factors = {}
    for (path, (width, height)), k in itertools.product(chosen_layers(sizes.layers).items(), range(sizes.adapters)):
        factors[f"{k}.down.{path}"] = torch.randn(sizes.rank, width) / width ** 0.5
        factors[f"{k}.up.{path}"] = 0.05 * torch.randn(height, sizes.rank)
    return factors


def write_files(sizes: Sizes, folder: Path) -> list[Path]:
    files = [folder / f"{k}.safetensors" for k in range(sizes.adapters)]
    factors = random_factors(sizes)
    for k, file in enumerate(files):
        own = {key.split(".", 1)[1]: value for key, value in factors.items() if key.startswith(f"{k}.")}
        parts = {tuple(key.split(".", 1)): value for key, value in own.items()}
        save_file({f"lora_unet_{path.replace('.', '_')}.lora_{part}.weight": value
                   for (part, path), value in parts.items()}, file)
    return files


def whole_merge(method: str, sizes: Sizes) -> tuple[float, int]:
    with tempfile.TemporaryDirectory() as folder:
        subject, style, *others = write_files(sizes, Path(folder))
        command = [BUILD / "ziplora", "merge", "--method", method, "--subject", subject, "--style", style, "--json",
                   "-o", Path(folder) / "merged.safetensors"]
        for other in others:
            command += ["--adapter", other]
        if method == "ssr":
            command += ["--subject-prompt", "a sks dog", "--style-prompt", "a rose, in szn style",
                        "--joint-prompt", "a sks dog, in szn style", "--context-size", str(sizes.pixels)]
            for k in range(len(others)):
                command += ["--adapter-prompt", f"a dog, number {k}"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, capture_output=True, text=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, json.loads(done.stdout)["peak_memory_bytes"]


def zip_iteration(sizes: Sizes, iterations=4) -> tuple[float, int]:
    rows, side = sizes.adapters, MINIATURE.side * sizes.pixels // MINIATURE.pixels
    channels = MINIATURE.unet_config()["in_channels"]
    inputs = MINIATURE.conditioning(rows) | random_factors(sizes) | {
        "noisy_latents": torch.randn(iterations, rows, channels, side, side),
        "timesteps": torch.randint(0, 1000, (iterations, rows))}
    values = run_probe("zip_iteration", inputs, folder=str(MINIATURE.folder), dtype="float32", iterations=iterations,
                       checkpointing=False, overlap_weight=0.01, learning_rate=0.01)[1]
    return min(values["cpu_seconds"]), values["peak_memory_bytes"]


WORK = {"direct": lambda sizes: whole_merge("direct", sizes), "ssr": lambda sizes: whole_merge("ssr", sizes),
        "zip": zip_iteration}


def measure(axes: list[str], rounds: int) -> list[dict]:
    results = []
    for axis, name in itertools.product(axes, WORK):
        if (axis, name) == ("pixels", "direct"):
            continue
        for size in SIZES[axis]:
            sizes = replace(Sizes(), **{axis: size})
            seconds, peaks = zip(*(WORK[name](sizes) for _ in range(rounds)))
            results.append({"axis": axis, "work": name} | asdict(sizes) |
                           {"cpu_seconds": min(seconds), "peak_memory_bytes": max(peaks)})
            print(json.dumps(results[-1]), flush=True)
            RESULT.write_text(json.dumps(results, indent=1) + "\n")  # what a run that is cut off leaves
    return results


def draw(results: list[dict]) -> str:
    axes = list(dict.fromkeys(result["axis"] for result in results))

    def chart(axis: str, key: str, unit: float, title: str) -> Chart:
        lines = {label: [(result[axis], result[key] / unit) for result in results
                         if (result["axis"], result["work"]) == (axis, name)] for name, label in LABELS.items()}
        return Chart(title, axis, lines)

    return svg([[chart(axis, "cpu_seconds", 1, "CPU seconds") for axis in axes],
                [chart(axis, "peak_memory_bytes", 1e6, "peak, MB") for axis in axes]])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--axes", nargs="+", choices=list(SIZES), default=list(SIZES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--draw", action="store_true", help="draw what docs/growth.json holds, without measuring")
    arguments = parser.parse_args()
    if not arguments.draw:
        measure(arguments.axes, arguments.rounds)
    PICTURE.write_text(draw(json.loads(RESULT.read_text())))


if __name__ == "__main__":
    main()
