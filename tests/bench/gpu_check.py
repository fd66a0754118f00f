"""Everything that is checked and timed on a GPU, into one JSON file: parity with the CPU on the miniature (gpu_parity.py),
then seconds and memory at SDXL's full shapes, random weights, bfloat16, 1024 px. tools/gpu_check.sh calls it.

    python3 tests/bench/gpu_check.py --kit out/gpu-kit [--device cuda] [--small] [--report out/gpu-check.json]

Each step has a limit of its own, all together 7 minutes, and what fails is named in `failures`; then the exit code is 1.
--small takes the kit's small description and short runs, to rehearse.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from described_base import lora_layers, write_base, write_random_lora
from gpu_parity import BUILD, CHECKS, parity
from gpu_steps import Report, timed_run

IMAGES = Path(__file__).resolve().parents[2] / "assets" / "demo" / "subject"
PROMPTS = ["--subject-prompt", "a sks dog", "--style-prompt", "a rose, in szn style"]


def about_machine() -> dict:
    try:
        gpu = subprocess.check_output(["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"],
                                      text=True).strip()
    except (OSError, subprocess.CalledProcessError):
        gpu = "no nvidia-smi"
    return {"gpu": gpu, "torch": torch.__version__, "cuda": torch.version.cuda, "python": platform.python_version(),
            "cores": os.cpu_count(), "preload": os.environ.get("LD_PRELOAD", "")}


class FullSize:
    """The steps on a base of random weights, with rank-64 LoRAs on every attention and feed-forward layer."""

    def __init__(self, scratch: Path, description: dict, device: str, small: bool):
        self.scratch, self.description, self.small = scratch, description, small
        self.base, self.subject, self.style = (scratch / name for name in ("sdxl", "a.safetensors", "b.safetensors"))
        self.side = 32 if small else 1024
        self.common = ["--base", self.base, "--dtype", "bfloat16", "--device", device]

    def weights(self, _) -> dict:
        write_base(self.base, self.description)
        for seed, file in enumerate((self.subject, self.style)):
            write_random_lora(file, 4 if self.small else 64, seed, lora_layers(self.description))
        return {"bytes": sum(file.stat().st_size for file in self.base.rglob("*.safetensors"))}

    def image(self, limit) -> dict:
        return timed_run([BUILD / "ziplora", "generate", "a dog", *self.common, "--steps", 6 if self.small else 25, "--height",
                          self.side, "--width", self.side, "-o", self.scratch / "dog.png"], "denoise", limit)

    def training(self, limit) -> dict:
        return timed_run([BUILD / "ziplora", "train", IMAGES, "--prompt", "a sks dog", *self.common, "--iterations", 12,
                          "--resolution", self.side, "--rank", 4 if self.small else 64, "--checkpoint-minutes", 0, "-o",
                          self.scratch / "trained.safetensors"], "train", limit)

    def merge(self, method: str, stage: str, *extra):
        return lambda limit: timed_run(
            [BUILD / "ziplora", "merge", "--method", method, "--subject", self.subject, "--style", self.style, *PROMPTS,
             *self.common, *extra, "-o", self.scratch / f"{method}.safetensors"], stage, limit)

    def steps(self):
        """Name, limit in seconds, work."""
        zip_ = ["--images", 1, "--image-steps", 4, "--evaluation-draws", 1, "--iterations", 12, "--image-size", self.side,
                "--checkpoint-minutes", 0]
        return [("weights", 60, self.weights), ("image", 60, self.image), ("training", 60, self.training),
                ("zip", 60, self.merge("zip", "zip", *zip_)),
                ("ssr", 60, self.merge("ssr", "denoise", "--context-size", self.side))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kit", type=Path, required=True)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--report", type=Path, default=Path("out/gpu-check.json"))
    arguments = parser.parse_args()
    arguments.report.parent.mkdir(parents=True, exist_ok=True)
    report = Report(arguments.report, about_machine())
    for name, check in CHECKS.items():
        report.step(f"parity: {name}", 40, lambda limit, check=check: parity(check, arguments.device, limit))
    description = json.loads((arguments.kit / ("small.json" if arguments.small else "sdxl.json")).read_text())
    with tempfile.TemporaryDirectory() as scratch:
        for name, limit, work in FullSize(Path(scratch), description, arguments.device, arguments.small).steps():
            report.step(f"full size: {name}", limit, work)
    sys.exit(bool(report.values["failures"]))


if __name__ == "__main__":
    main()
