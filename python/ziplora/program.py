"""The program that comes with the package, and the LibTorch that it needs."""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path

from ziplora import built
from ziplora.errors import Error


def minor_version(version: str) -> str:
    return ".".join(version.split(".")[:2])


def torch_folder() -> Path:
    """Of the installed wheel, which is not imported.

    @throws Error if there is none, or one of another minor version: their libraries do not fit ours
    """
    needed = minor_version(built.TORCH)
    spec = importlib.util.find_spec("torch")
    if spec is None or not spec.origin:
        found = "torch is not installed"
    else:
        folder = Path(spec.origin).parent
        text = (folder / "version.py").read_text() if (folder / "version.py").exists() else ""
        match = re.search(r"__version__ = '([^']+)'", text)
        version = match.group(1) if match else "of an unknown version"
        if minor_version(version) == needed:
            return folder
        found = f"torch {version} is installed"
    raise Error("failed", "start ziplora", f"{found}, and this ziplora needs torch {needed}",
                f"pip install 'torch=={needed}.*'")


def cannot_start(program: Path, reason: str) -> Error:
    return Error("failed", "start ziplora", f"{program}: {reason}",
                 "pip install --force-reinstall --no-deps ziplora, or name a program in ZIPLORA_PROGRAM")


def program_and_environment() -> tuple[Path, dict[str, str]]:
    """ZIPLORA_PROGRAM names another program, which finds its LibTorch itself: one from a build folder, or the command
    `ziplora` of another environment. That one is not to read the name again, which is its own."""
    environment = dict(os.environ)
    if own := environment.pop("ZIPLORA_PROGRAM", ""):
        return Path(own), environment
    program = Path(__file__).parent / "bin/ziplora"
    if not program.exists():
        raise cannot_start(program, "there is no such file")
    # Before the folders of others: LD_LIBRARY_PATH may lead to another LibTorch, and the program's own path only to
    # a torch that is installed beside this package.
    paths = [str(torch_folder() / "lib"), environment.get("LD_LIBRARY_PATH", "")]
    environment["LD_LIBRARY_PATH"] = ":".join(path for path in paths if path)
    return program, environment
