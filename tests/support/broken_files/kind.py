"""What an entry of the corpus is, and the ways of writing one."""

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import save_file

MALFORMED, INCOMPATIBLE = 3, 4


@dataclass(frozen=True)
class BrokenFile:
    name: str
    write: Callable[[Path], Path]  # folder -> path to give to the program
    exit_code: int
    says: str  # part of the error's problem or hint

    def __post_init__(self):
        assert self.says, f"{self.name}: no words would be found in every error"


@dataclass(frozen=True)
class OddFile:
    name: str
    write: Callable[[Path], Path]
    layers: int  # that the program finds in it


def raw(content: bytes, name="wrong.safetensors"):
    """A file of these bytes."""
    def write(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content)
        return path
    return write


def container(header: str | bytes | dict, data: bytes = b"") -> bytes:
    """The bytes of a safetensors file with this header, sound or not."""
    if isinstance(header, dict):
        header = json.dumps(header)
    if isinstance(header, str):
        header = header.encode()
    return struct.pack("<Q", len(header)) + header + data


def tensors(make: Callable[[], dict], metadata: dict | None = None, name="wrong.safetensors"):
    """A safetensors file of these tensors."""
    def write(folder: Path) -> Path:
        path = folder / name
        save_file({key: tensor.contiguous() for key, tensor in make().items()}, path, metadata)
        return path
    return write
