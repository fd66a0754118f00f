"""ComfyUI's folders of LoRAs and checkpoints: the files in them, and names for new LoRAs that say what they were made of."""

import hashlib
import json
import os
from pathlib import Path

import folder_paths

from .package import package

NO_BASE = "(none)"
_DIGESTS: dict[tuple, str] = {}


def lora_names() -> list[str]:
    return folder_paths.get_filename_list("loras")


def lora_path(name: str) -> str:
    return folder_paths.get_full_path_or_raise("loras", name)


def base_names() -> list[str]:
    return [NO_BASE, *folder_paths.get_filename_list("checkpoints")]


def base_paths(name: str) -> list[str]:
    """One or none."""
    return [] if name == NO_BASE else [folder_paths.get_full_path_or_raise("checkpoints", name)]


def digest(file: str) -> str:
    """SHA-256 of its bytes; read once for each size and time of change."""
    state = os.stat(file)
    key = (file, state.st_size, state.st_mtime_ns, state.st_ino)
    if key not in _DIGESTS:
        found = hashlib.sha256()
        with open(file, "rb") as stream:
            while block := stream.read(1 << 20):
                found.update(block)
        _DIGESTS[key] = found.hexdigest()
    return _DIGESTS[key]


def fingerprint(verb: str, values: dict, files: list[str]) -> str:
    """Of the bytes of all files, the options and ziplora's version: equal ones give the same result.

    @param files  those that `values` name; where they lie does not count
    """
    text = json.dumps([verb, package().__version__, values], sort_keys=True)
    for file in sorted(files, key=len, reverse=True):
        text = text.replace(json.dumps(file)[1:-1], digest(file))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def new_lora(prefix: str, mark: str, ending: str = ".safetensors") -> tuple[str, Path]:
    """Name and path of the result in the first of ComfyUI's LoRA folders; nothing else ever has this name.

    @throws ValueError if the prefix leads out of that folder
    """
    folder = Path(folder_paths.get_folder_paths("loras")[0])
    name = f"{prefix}-{mark}{ending}"
    path = Path(os.path.abspath(folder / name))
    if not path.is_relative_to(os.path.abspath(folder)) or os.path.isabs(prefix):
        raise ValueError(f"filename_prefix: '{prefix}' leads out of the LoRA folder; give a name, or folder/name")
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.path.normpath(name), path
