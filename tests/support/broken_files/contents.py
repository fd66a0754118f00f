"""What people have under the name of a LoRA and what is no safetensors file at all."""

import gzip
import io
import json
import pickle
import tarfile
import zipfile
import zlib

from .kind import MALFORMED, BrokenFile, raw


def zipped(name: str) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr(name, b"x" * 100)
    return memory.getvalue()


def tarred() -> bytes:
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("lora.safetensors"))
    return memory.getvalue()


def noise(size: int) -> bytes:
    """Deterministic bytes without structure."""
    return b"".join(zlib.crc32(n.to_bytes(4, "little")).to_bytes(4, "little") for n in range(size // 4))


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 228472472\n"
ANNEX = b"/annex/objects/SHA256E-s228472472--4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>"
PICKLES = {f"pickle-protocol-{n}": (pickle.dumps({"state_dict": {}}, n), "a Python pickle") for n in (2, 3, 4, 5)}

CONTENTS = {
    **PICKLES,
    "torch-zip": (zipped("archive/data.pkl"), "PyTorch .pt/.ckpt file"),
    "torch-legacy": (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19." + noise(64), "a Python pickle"),
    "gzip": (gzip.compress(b"x" * 100, mtime=0), "unpack it first"),
    "7z": (b"7z\xbc\xaf\x27\x1c" + noise(64), "unpack it first"),
    "rar": (b"Rar!\x1a\x07\x01\x00" + noise(64), "unpack it first"),
    "xz": (b"\xfd7zXZ\x00" + noise(64), "unpack it first"),
    "zstd": (b"\x28\xb5\x2f\xfd" + noise(64), "unpack it first"),
    "tar": (tarred(), "unpack it first"),
    "gguf": (b"GGUF\x03\0\0\0" + noise(64), "a GGUF file"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + noise(64), "an HDF5 file"),
    "numpy": (b"\x93NUMPY\x01\x00" + noise(64), "a NumPy array"),
    "png": (b"\x89PNG\r\n\x1a\n" + noise(64), "a PNG image"),
    "jpeg": (b"\xff\xd8\xff\xe0\0\x10JFIF" + noise(64), "a JPEG image"),
    "webp": (b"RIFF\x40\0\0\0WEBPVP8 " + noise(64), "a WebP image"),
    "gif": (b"GIF89a" + noise(64), "a GIF image"),
    "pdf": (b"%PDF-1.7\n" + noise(64), "a PDF document"),
    "program": (b"\x7fELF\x02\x01\x01\0" + noise(64), "a program"),
    "web-page": (PAGE, "a web page"),
    "web-page-in-small": (PAGE.lower(), "a web page"),
    "web-page-after-space": (b"\r\n\r\n  " + PAGE, "a web page"),
    "web-page-with-a-mark": (b"\xef\xbb\xbf" + PAGE, "a web page"),
    "xml-error": (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "a web page"),
    "not-found": (b"Entry not found", "a server's error message"),
    "no-login": (b"Invalid username or password.", "a server's error message"),
    "gated": (b"Access to model stabilityai/x is restricted. You must be authenticated.", "a server's error message"),
    "json-error": (json.dumps({"error": "Unauthorized"}).encode(), "a server's error message"),
    "adapter-config": (json.dumps({"peft_type": "LORA", "r": 4, "lora_alpha": 8}).encode(), "a JSON file"),
    "index-of-shards": (json.dumps({"metadata": {}, "weight_map": {"a": "1.safetensors"}}).encode(), "a JSON file"),
    "git-lfs-pointer": (LFS, "git lfs pull"),
    "git-annex-pointer": (ANNEX, "git annex get"),
    "unfilled-download": (bytes(1 << 16), "starts with zeros"),
    "all-ones": (b"\xff" * 4096, "18446744073709551615 bytes"),
    "noise": (noise(4096), "not a safetensors file"),
    "prose": ("A LoRA of my cat, see the other folder.".encode("utf-16"), "not a safetensors file"),
}

BROKEN = [BrokenFile(f"content/{name}", raw(content), MALFORMED, says) for name, (content, says) in CONTENTS.items()]
