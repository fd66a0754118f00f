"""Two LoRAs for the miniature, made in a second, and a studio that the tests of a file share."""

from pathlib import Path

import pytest
from program import ziplora
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from studio_client import Studio

DEMO = Path(__file__).resolve().parents[2] / "assets/demo"


@pytest.fixture(scope="session")
def loras(tmp_path_factory) -> Path:
    """dog.safetensors and ink.safetensors: one iteration of training, and the same with other numbers and words."""
    folder = tmp_path_factory.mktemp("loras")
    dog, ink = folder / "dog.safetensors", folder / "ink.safetensors"
    ziplora("train", DEMO / "subject", "--prompt", "a sks dog", "--iterations", 1, "--batch-size", 1, "--views", 1, "--rank", 2, "-o", dog)
    with safe_open(dog, "pt") as file:
        metadata = file.metadata()
    save_file({name: tensor * 0.5 + 0.001 if "alpha" not in name else tensor for name, tensor in load_file(dog).items()}, ink,
              {**metadata, "modelspec.trigger_phrase": "in szn style"})
    return folder


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    with Studio(tmp_path_factory.mktemp("studio") / "data") as studio:
        yield studio


@pytest.fixture(scope="module")
def library(studio, loras) -> dict[str, int]:
    """The ids of both in the shared studio."""
    return {name: studio.upload(loras / f"{name}.safetensors")["id"] for name in ("dog", "ink")}
