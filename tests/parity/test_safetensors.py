"""Safetensors files between Hugging Face's library and ours, both directions."""

import hashlib

import pytest
import torch
from probe_runner import run_probe
from safetensors import safe_open
from safetensors.torch import load_file, save_file

DTYPES = [torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16, torch.bfloat16,
          torch.float32, torch.float64, torch.float8_e4m3fn, torch.float8_e5m2, torch.uint16, torch.uint32,
          torch.uint64, torch.complex64]


def tensors_of_every_dtype():
    generator = torch.Generator().manual_seed(0)
    tensors = {f"{dtype}".removeprefix("torch."): (torch.rand(3, 5, generator=generator) * 100).to(dtype)
               for dtype in DTYPES}
    return tensors | {"scalar": torch.tensor(3.5), "empty": torch.zeros(0, 7), "ü \"quoted\"\n": torch.ones(3)}


def same_bytes(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and (
        a.contiguous().flatten().view(torch.uint8).tolist() == b.contiguous().flatten().view(torch.uint8).tolist())


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}, {"naïve": "猫 \" \\ \n \x1f"}])
def test_copy_is_the_same_file(tmp_path, metadata):
    """Python writes, we read and write, Python reads. With one metadata key (its own order is random) even the bytes agree."""
    tensors = tensors_of_every_dtype()
    save_file(tensors, tmp_path / "theirs.safetensors", metadata)
    _, values = run_probe("safetensors_copy", {}, **{"from": str(tmp_path / "theirs.safetensors"),
                                                      "to": str(tmp_path / "ours.safetensors")})
    ours = load_file(tmp_path / "ours.safetensors")
    assert ours.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert same_bytes(ours[name], tensor), name
    with safe_open(tmp_path / "ours.safetensors", "pt") as file:
        assert file.metadata() == metadata
    assert values["metadata"] == (metadata or {})
    theirs = (tmp_path / "theirs.safetensors").read_bytes()
    assert (tmp_path / "ours.safetensors").read_bytes() == theirs
    data = theirs[8 + int.from_bytes(theirs[:8], "little"):]
    assert values["sha256_of_tensors"] == hashlib.sha256(data).hexdigest()
