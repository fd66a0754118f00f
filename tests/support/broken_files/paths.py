"""Paths that lead to no readable file."""

import os
from pathlib import Path

from .kind import MALFORMED, BrokenFile


def missing(folder: Path) -> Path:
    return folder / "nothing.safetensors"


def named_like_a_folder(folder: Path) -> Path:
    (folder / "folder.safetensors").mkdir()
    return folder / "folder.safetensors"


def link(target):
    def write(folder: Path) -> Path:
        path = folder / "link.safetensors"
        path.symlink_to(target)
        return path
    return write


def circle(folder: Path) -> Path:
    (folder / "a.safetensors").symlink_to("b.safetensors")
    (folder / "b.safetensors").symlink_to("a.safetensors")
    return folder / "a.safetensors"


def pipe(folder: Path) -> Path:
    """Opening it would wait for a writer."""
    os.mkfifo(folder / "pipe.safetensors")
    return folder / "pipe.safetensors"


def below_a_file(folder: Path) -> Path:
    (folder / "file.safetensors").write_bytes(b"")
    return folder / "file.safetensors" / "inside.safetensors"


PATHS = {
    "missing": (missing, "there is no such file"),
    "folder-missing": (lambda folder: folder / "none" / "a.safetensors", "there is no such file"),
    "empty-folder": (named_like_a_folder, "no adapter_config.json"),
    "link-to-nothing": (link("nowhere.safetensors"), "a symbolic link to nowhere.safetensors, which does not exist"),
    "link-of-git-annex": (link("../.git/annex/objects/Zx/0v/SHA256E-s9/SHA256E-s9"), "git annex get"),
    "links-in-a-circle": (circle, "in a circle"),
    "link-to-itself": (link("link.safetensors"), "in a circle"),
    "pipe": (pipe, "a pipe or a device"),
    "device": (lambda folder: Path("/dev/zero"), "a pipe or a device"),
    "below-a-file": (below_a_file, "a part of the path is a file"),
    "name-too-long": (lambda folder: folder / ("n" * 300 + ".safetensors"), "longer than this file system allows"),
}

BROKEN = [BrokenFile(f"path/{name}", write, MALFORMED, says) for name, (write, says) in PATHS.items()]
