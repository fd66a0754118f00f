"""Finds what a formatter does to comments, examples and strings when it re-wraps them, so that it is not done again:

    examples (`///     code`) with two statements on a line, a quotation cut in two, or brackets that do not close;
    paragraphs with one lonely word on a line in the middle;
    declarations broken in two to fit a trailing `///<`, and trailing comments that go on in the next line;
    string literals broken into single words.

    python3 tools/check_comments.py        # names each place; exit code 1 if there is one
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 110
COMMENT = re.compile(r"^\s*(?://+)(.*)$")
EXAMPLE = re.compile(r"^\s*///?\s{4,}(\S.*)$")
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
STRING_PIECE = re.compile(r'^\s*(?:u8)?"((?:[^"\\]|\\.)*)"')


def code_of(line: str) -> str:
    """Without quotations and trailing comments."""
    return re.sub(r"\s*(//|#|→).*$", "", QUOTED.sub('""', line))


def indent(line: str) -> int:
    """Of what a comment says."""
    return len(line) - len(line.lstrip().lstrip("/").lstrip())


def example_blocks(lines: list[str]):
    """(first line number, contents) of each run of example lines: set off by an empty line, or after a colon. Other
    indented lines are hanging text, as after @throws."""
    block, first, before = [], 0, ""
    for number, line in enumerate([*lines, ""], 1):
        found = EXAMPLE.match(line)
        if found and (block or before.strip() in ("", "//", "///") or before.endswith(":")):
            first = first if block else number
            block.append(found[1])
        elif block:
            yield first, block
            block = []
        before = line


def check_examples(lines: list[str]):
    for first, block in example_blocks(lines):
        yield from check_overflow(lines, first, block)
        is_code = any(code_of(line).endswith((";", "{")) for line in block)
        if not is_code:
            continue
        for number, line in enumerate(block, first):
            code = code_of(line)
            if re.search(r";\s+[^\s}]", re.sub(r"for \([^)]*\)", "", code)):
                yield number, "two statements on one line of an example"
            if '"' in QUOTED.sub("", line.split("//")[0]) and 'R"(' not in line:
                yield number, "a quotation cut in two in an example"
        text = "\n".join(code_of(line) for line in block)
        for opening, closing in ("()", "[]", "{}"):
            if text.count(opening) != text.count(closing):
                yield first, f"an example whose '{opening}' and '{closing}' do not pair"


def check_overflow(lines: list[str], first: int, block: list[str]):
    """A line that goes on in the next one because a word more would not have fitted."""
    for number, line in enumerate(block[1:], first + 1):
        before = lines[number - 2]
        if before.rstrip().endswith("//"):
            yield number - 1, "a trailing comment cut off from its words in an example"
        elif (len(before) + 1 + len(line.split()[0]) > WIDTH and indent(before) == indent(lines[number - 1]) < 24
              and len(line.split()[0]) < 20 and not re.search(r"//|#", before.strip()[3:])
              and not before.endswith((";", "{"))):
            yield number, "an example re-wrapped like a paragraph"


def check_paragraphs(lines: list[str]):
    for number in range(1, len(lines) - 1):
        before, this, after = (COMMENT.match(line) for line in lines[number - 1:number + 2])
        if not (before and this and after) or EXAMPLE.match(lines[number]):
            continue
        words = this[1].strip()
        lonely = words and " " not in words and re.match(r"^/?[\w’'(\"`|{]+,?$", words.lstrip("/").strip())
        if lonely and len(lines[number - 1]) > WIDTH - 20 and re.match(r"\s*[a-z(`]", after[1].lstrip("/")):
            yield number + 1, f"a lonely word in the middle of a paragraph: {words.strip('/ ')}"


def check_declarations(lines: list[str]):
    for number, line in enumerate(lines[1:], 2):
        code = line.split("///<")[0]
        before = lines[number - 2]
        if "///<" in line:
            ends = before.split("//")[0].rstrip()
            if ends and not ends.endswith((";", "{", "}", ",", ":", "(", ")")) and not before.lstrip().startswith(("#", "//")):
                yield number, "a declaration broken in two to fit its trailing comment; put the comment above it"
        if re.match(r"\s*///", line) and not code.split("///")[0].strip() and "///<" in before and before.split("///<")[0].strip():
            column = before.index("///<")
            if line.index("///") >= column:
                yield number, "a trailing comment that goes on in the next line; put it above what it is about"


def check_strings(lines: list[str]):
    for number in range(1, len(lines)):
        here, before = STRING_PIECE.match(lines[number]), lines[number - 1].rstrip()
        if not here or not before.endswith('"') or before.lstrip().startswith("//"):
            continue
        if len(here[1].split()) <= 2 and len(before) + len(here[1]) + 3 <= WIDTH:
            yield number + 1, "a string literal broken into single words"


def main() -> int:
    listed = subprocess.run(["git", "ls-files", "*.h", "*.cpp"], cwd=ROOT, capture_output=True, text=True, check=True)
    files = [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).exists()]
    found = []
    for file in files:
        lines = file.read_text().splitlines()
        for check in (check_examples, check_paragraphs, check_declarations, check_strings):
            found += [f"{file.relative_to(ROOT)}:{line}: {problem}" for line, problem in check(lines)]
    print("\n".join(found) or f"comments: {len(files)} files checked", file=sys.stderr if found else sys.stdout)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
