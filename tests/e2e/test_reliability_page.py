"""docs/reliability.md lists the promises that tests are marked with, all of them and no others."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_lists_every_promise():
    promised = set()
    for file in (ROOT / "tests").rglob("test_*.py"):
        text = re.sub(r'"\s*\n\s*"', "", file.read_text())  # a sentence over several lines
        promised |= set(re.findall(r'^@pytest\.mark\.promise\("((?:[^"\\]|\\.)*)"\)', text, re.M))
    page = (ROOT / "docs/reliability.md").read_text()
    listed = {row.split(" | ")[0].removeprefix("| ") for row in page.splitlines() if row.startswith("| ")} - {"Promise"}
    assert len(promised) > 10 and promised == listed, "run: make torture"
