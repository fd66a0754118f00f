"""One command of each verb that writes, on inputs so small that it takes half a second."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from program import command_line


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


def content(path: Path) -> dict[str, bytes]:
    """The bytes of a file or of all files in a folder; empty where there is none."""
    if path.is_dir():
        return {str(file.relative_to(path)): file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()}
    return {"": path.read_bytes()} if path.exists() else {}


def put_old_output(job: Job, folder: Path, expected: dict[str, bytes]) -> dict[str, bytes]:
    """Puts what an earlier run may have left under the output's name, where that is a file; returns its content."""
    if expected.keys() == {""}:
        (folder / job.output).write_bytes(b"of an earlier run")
    return content(folder / job.output)
