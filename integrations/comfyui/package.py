"""The Python package ziplora, which has the program's tables and runs it, or the sentence that says how to get it."""

import os
import shutil
import sys
from types import ModuleType

NOT_INSTALLED = "(ziplora is not installed)"


class NotInstalled(RuntimeError):
    """ComfyUI shows the text on the node."""


def package() -> ModuleType:
    """@throws NotInstalled"""
    try:
        import ziplora
    except ImportError as missing:
        raise NotInstalled(how_to_install("is not installed")) from missing
    if not hasattr(ziplora, "flag_table"):
        raise NotInstalled(how_to_install("is older than these nodes"))
    choose_program()
    return ziplora


def how_to_install(problem: str) -> str:
    return (f"ziplora {problem} in the Python that runs ComfyUI. Run: {sys.executable} -m pip install --upgrade ziplora. If that "
            "would change ComfyUI's torch, add --no-deps, and install ziplora in an environment of its own, too, whose command "
            "`ziplora` is on the PATH")


def choose_program() -> None:
    """The package's own program needs one minor version of torch. Where ComfyUI has another, `ziplora` on the PATH does,
    which brings its own; where there is none either, the package says what is wrong with torch."""
    from ziplora import Error
    from ziplora.program import program_and_environment
    if os.environ.get("ZIPLORA_PROGRAM"):
        return
    try:
        program_and_environment()
    except Error:
        if other := shutil.which("ziplora"):
            os.environ["ZIPLORA_PROGRAM"] = other


def choices(verb: str, flag: str) -> list[str]:
    """From the program's table, such as the methods of merge; without the package one entry that says so."""
    try:
        return next(row["choices"] for row in package().flag_table(verb) if row["name"] == flag)
    except NotInstalled:
        return [NOT_INSTALLED]
