"""Writes two modules of the Python package from what the program says of itself, so that the two cannot part: verbs.py,
with a function for each verb, and built.py, with versions.

    python3 python/make_verbs.py build/ziplora build/python/ziplora
"""

from __future__ import annotations

import json
import keyword
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

WIDTH = 110
FILES = ("FILE", "FOLDER", "PATH", "BASE")
TYPES = {"boolean": "bool", "integer": "int", "number": "float", "string": "str"}
HEAD = '''"""The verbs of the program. Made by python/make_verbs.py from `ziplora --print-flags`."""

from __future__ import annotations

from collections.abc import Sequence

from ziplora.events import Progress
from ziplora.result import Result
from ziplora.run import FilePath, Flag, run

__all__ = {verbs!r}
'''
BUILT = '''"""What the package was built as. Made by python/make_verbs.py."""

VERSION = {version!r}
TORCH = {torch!r}
'''


def argument_name(flag: dict) -> str:
    """`from_` for --from, which is a word of Python."""
    return flag["name"] + ("_" if keyword.iskeyword(flag["name"]) else "")


def type_of(flag: dict) -> str:
    one = "FilePath" if flag["value_name"].startswith(FILES) else TYPES[flag["type"]]
    return f"{one} | Sequence[{one}]" if flag["repeats"] else one


def parameter(flag: dict) -> str:
    return f"{argument_name(flag)}: {type_of(flag)}" + ("" if flag["required"] else " | None = None")


def signature(verb: dict) -> str:
    positional = [parameter(flag) for flag in verb["flags"] if flag["flag"] is None]
    named = [parameter(flag) for flag in verb["flags"] if flag["flag"]]
    return "\n".join(f"    {one}," for one in [*positional, "*", *named, "progress: Progress = None"])


def help_line(flag: dict) -> str:
    text = re.sub(r" \(required\)$", "", flag["help"])
    if flag["default"] not in (None, False, "", []):
        text += f" (default {json.dumps(flag['default'], ensure_ascii=False).strip(chr(34))})"
    first, *rest = text.split("\n")
    lines = textwrap.wrap(f"{argument_name(flag)}: {first}", WIDTH - 8, subsequent_indent="    ", break_on_hyphens=False)
    for row in rest:  # of a table of methods
        lines += textwrap.wrap(row.strip(), WIDTH - 12, initial_indent="    ", subsequent_indent="        ",
                               break_on_hyphens=False)
    return textwrap.indent("\n".join(lines), " " * 8)


def python_value(flag: dict, texts: list[str]) -> str:
    values = [text if flag["type"] == "string" else json.loads(text) for text in texts]
    return repr(values if len(values) > 1 else values[0])


def as_call(example: str, verb: dict) -> str | None:
    """`ziplora merge --subject dog.safetensors -o a` as `ziplora.merge(subject="dog.safetensors", output="a")`,
    or None where that cannot be told."""
    by_word = {word: flag for flag in verb["flags"] for word in (flag["flag"], flag["short_flag"], flag["off_flag"]) if word}
    positional = next((flag for flag in verb["flags"] if flag["flag"] is None), None)
    given: dict[str, tuple[dict, list[str]]] = {}
    words = shlex.split(example)[2:]
    while words:
        word = words.pop(0)
        flag = by_word.get(word, None if word.startswith("-") else positional)
        if flag is None:  # a test of the package counts the examples
            return None
        if flag["type"] == "boolean":
            text = "true" if word == flag["flag"] else "false"
        else:
            text = words.pop(0) if word in by_word else word
        given.setdefault(argument_name(flag), (flag, []))[1].append(text)
    if positional and argument_name(positional) in given:
        first = [python_value(*given.pop(argument_name(positional)))]
    else:
        first = []
    arguments = first + [f"{name}={python_value(flag, texts)}" for name, (flag, texts) in given.items()]
    return f"ziplora.{verb['name']}({', '.join(arguments)})"


def docstring(verb: dict) -> str:
    calls = [call for example in verb["examples"] if (call := as_call(example, verb))]
    examples = "\n".join(f"    >>> result = {call}" for call in calls)
    arguments = "\n".join(help_line(flag) for flag in verb["flags"])
    text = f"""{verb['summary']}.

{examples}

    Arguments left at None are the program's to choose.

    Args:
{arguments}
        progress: Call this with each event; True draws progress, False does not, None where somebody sees it

    Raises:
        ziplora.Error: What the program refuses, with a hint
    """
    return text.replace("\\", "\\\\").replace('"""', '\\"""')


def function(verb: dict) -> str:
    flags = ",\n".join(
        f"    Flag({', '.join(repr(word) for word in (argument_name(flag), flag['flag'] or '', flag['off_flag'] or ''))})"
        for flag in verb["flags"])
    table = f"_{verb['name'].upper()}"
    values = ",\n".join(f"        {argument_name(flag)!r}: {argument_name(flag)}" for flag in verb["flags"])
    return (f"{table} = (\n{flags},\n)\n\n\ndef {verb['name']}(\n{signature(verb)}\n) -> Result:\n"
            f'    """{docstring(verb)}"""\n    return run({verb["name"]!r}, {table}, {{\n{values}}}, progress)\n')


def verbs_module(flags: dict) -> str:
    head = HEAD.format(verbs=[verb["name"] for verb in flags["verbs"]])
    return "\n\n".join([head, *map(function, flags["verbs"])])


if __name__ == "__main__":
    program, folder = sys.argv[1:]
    said = json.loads(subprocess.run([program, "--print-flags"], check=True, capture_output=True, text=True).stdout)
    Path(folder, "verbs.py").write_text(verbs_module(said))
    Path(folder, "flags.json").write_text(json.dumps({verb["name"]: verb["flags"] for verb in said["verbs"]}))
    Path(folder, "built.py").write_text(BUILT.format(version=said["version"], torch=said["torch"]))
