"""Every error that is thrown says what to do: `Error(kind, where, problem, hint)` has its hint. Left out are our own bugs
and Ctrl-C, after which there is nothing to mend. And every flag that a text of the sources names is one of its
verb's: the file's (cmd_merge.cpp), or one that the text names ("ziplora merge"); elsewhere, any. The layers below the
verbs name no flags: they do not know who calls them.

    python3 tools/check_hints.py        # names each place where that is not so; exit code 1 if there is one
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NO_HINT_NEEDED = ("kInternal", "kInterrupted")
VERBS = [file.stem.removeprefix("cmd_") for file in (ROOT / "cli").glob("cmd_*.cpp")]
TABLES = {"train": ["ziplora/app/train_settings.cpp"], "merge": ["ziplora/merge/*.cpp"]}  # whose rows are flags
LOW_LAYERS = ("base", "io", "nn", "plot", "optim", "data", "models", "diffusion", "lora", "strategy", "pipeline",
              "analyze", "evaluate")
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*[a-z0-9](?![\w-])")
TEXT = re.compile(r'"(?:[^"\\\n]|\\.)*"')


def arguments(text: str, opening: int) -> list[str]:
    """Of the call whose bracket opens there, split at its own commas."""
    depth, quote, parts, at = 0, "", [""], opening
    while True:
        character = text[at]
        if quote:
            if character == "\\":
                parts[-1] += character
                at += 1
            elif character == quote:
                quote = ""
        elif character in "\"'":
            quote = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
            if depth == 0:
                return parts
        elif character == "," and depth == 1:
            parts.append("")
            at += 1
            continue
        parts[-1] += text[at]
        at += 1


def without_hint(file: Path):
    text = file.read_text()
    for call in re.finditer(r"throw Error\(", text):
        given = arguments(text, call.end() - 1)
        if len(given) < 4 and not any(kind in given[0] for kind in NO_HINT_NEEDED):
            yield text.count("\n", 0, call.start()) + 1, given[-1].strip()


def flags_of(verb: str) -> set[str]:
    own = (ROOT / f"cli/cmd_{verb}.cpp").read_text()
    shared = [(ROOT / f"cli/{name}.cpp").read_text() for name in re.findall(r'#include "cli/(\w+_flags)\.h"', own)]
    declared = re.findall(r'(?:(?:add_(?:option|flag)|set_version_flag)\w*(?:<\w+>)?\(|add_dtype_flag\(app,)\s*"([^"]*)"',
                          "\n".join([(ROOT / "cli/frame/command_line.cpp").read_text(), own, *shared]))
    rows = [name for pattern in TABLES.get(verb, []) for file in ROOT.glob(pattern)
            for name in re.findall(r'\{(?:\.name = )?"([a-z][a-z_-]*)",\s*(?:\.help =\s*)?"', file.read_text())]
    return {"--help", *FLAG.findall(" ".join(declared).replace(",", " ").replace("!", " ")),
            *("--" + name.replace("_", "-") for name in rows)}


def unknown_flags(file: Path, known: dict[str, set[str]]):
    text = file.read_text()
    own = [verb for verb in VERBS if file.parent != ROOT / "studio"  # which runs all of them
           if file.parent.name == verb or re.fullmatch(rf"(cmd_)?{verb}(_.*)?", file.stem)] or VERBS
    for line, words in ((text.count("\n", 0, found.start()) + 1, found[0]) for found in TEXT.finditer(text)):
        verbs = own + [verb for verb in VERBS if f"ziplora {verb.replace('_', '-')}" in words]
        yield from ((line, flag) for flag in FLAG.findall(words) if not any(flag in known[verb] for verb in verbs))


def flags_of_low_layers(file: Path):
    if file.relative_to(ROOT).parts[:1] != ("ziplora",) or file.parent.name not in LOW_LAYERS:
        return
    text = re.sub(r"//.*", "", file.read_text())
    for found in TEXT.finditer(text):
        yield from ((text.count("\n", 0, found.start()) + 1, flag) for flag in FLAG.findall(found[0]))


def main() -> int:
    files = [file for folder in ("ziplora", "cli", "studio") for file in sorted((ROOT / folder).rglob("*.[ch]*"))
             if file.suffix in (".h", ".cpp") and not file.stem.endswith("_test")]
    found = [f"{file.relative_to(ROOT)}:{line}: an error without a hint: {problem}" for file in files
             for line, problem in without_hint(file)]
    known = {verb: flags_of(verb) for verb in VERBS}
    found += [f"{file.relative_to(ROOT)}:{line}: no verb that this is of has {flag}" for file in files
              for line, flag in unknown_flags(file, known)]
    found += [f"{file.relative_to(ROOT)}:{line}: a low layer names the flag {flag}" for file in files
              for line, flag in flags_of_low_layers(file)]
    print("\n".join(found) if found else f"hints: {len(files)} files checked", file=sys.stderr if found else sys.stdout)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
