"""Every error that is thrown says what to do: `Error(kind, where, problem, hint)` has its hint. Left out are our own bugs
and Ctrl-C, after which there is nothing to mend.

    python3 tools/check_hints.py        # names each place without a hint; exit code 1 if there is one
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NO_HINT_NEEDED = ("kInternal", "kInterrupted")


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


def main() -> int:
    files = [file for folder in ("ziplora", "cli") for file in sorted((ROOT / folder).rglob("*.[ch]*"))
             if not file.stem.endswith("_test")]
    found = [f"{file.relative_to(ROOT)}:{line}: an error without a hint: {problem}" for file in files
             for line, problem in without_hint(file)]
    print("\n".join(found) if found else f"hints: {len(files)} files checked", file=sys.stderr if found else sys.stdout)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
