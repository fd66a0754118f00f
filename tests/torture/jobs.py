"""One command of each verb that writes, on inputs so small that it takes half a second."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from diffusers import StableDiffusionXLPipeline
from lora_files import LayerChoice, random_layers, save_kohya
from PIL import Image
from program import command_line
from tiny_sdxl import make_tiny_sdxl


@dataclass
class Job:
    arguments: tuple
    output: str
    resume: tuple = ()  # what the command adds to go on from what a dead run has saved

    def command(self, folder: Path, *more) -> list:
        return command_line([*self.arguments, "-o", folder / self.output, *more])

    def run(self, folder: Path, *more, **options) -> subprocess.CompletedProcess:
        return subprocess.run(self.command(folder, *more), cwd=folder, capture_output=True, text=True, **options)


PAIR = ("--subject", "dog.safetensors", "--style", "ink.safetensors", "--base", "base")
JOBS = {
    "direct": Job(("merge", "--method", "direct", *PAIR), "merged.safetensors"),
    "zip": Job(("merge", "--method", "zip", *PAIR, "--image-steps", "1", "--images", "1", "--evaluation-draws", "1",
                "--iterations", "6"),
               "merged.safetensors", resume=("--resume",)),
    "train": Job(("train", "photos", "--prompt", "a sks dog", "--base", "base", "--iterations", "4", "--rank", "2",
                  "--checkpoint-every", "1"), "trained.safetensors", resume=("--resume", "runs/trained")),
    "generate": Job(("generate", "a ghost", "--base", "base", "--steps", "2"), "ghost.png"),
    "convert": Job(("convert", "dog.safetensors", "--format", "diffusers", "--base", "base"), "converted.safetensors"),
    "bake": Job(("convert", "--bake", "dog.safetensors", "--into", "base"), "baked"),
}


def make_inputs(folder: Path):
    base = make_tiny_sdxl(folder / "base")
    pipeline = StableDiffusionXLPipeline.from_pretrained(base)
    for seed, name in enumerate(("dog", "ink")):
        save_kohya(folder / f"{name}.safetensors", random_layers(pipeline, LayerChoice(seed=seed)), pipeline,
                   metadata={"modelspec.trigger_phrase": f"a sks {name}"})
    (folder / "photos").mkdir()
    Image.effect_noise((40, 40), 50).convert("RGB").save(folder / "photos/a.png")
    return folder


def content(path: Path) -> dict[str, bytes]:
    """The bytes of a file or of all files in a folder; empty where there is none."""
    if path.is_dir():
        return {str(file.relative_to(path)): file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()}
    return {"": path.read_bytes()} if path.exists() else {}
