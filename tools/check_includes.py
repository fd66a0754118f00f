#!/usr/bin/env python3
"""Proves the arrows between folders: a file of ziplora/<folder> includes only its own folder and the folders that
its CMakeLists.txt names under DEPENDS, and there are no circles; cli/ likewise, by its own CMakeLists.txt. Also
refuses the headers that cost half a minute."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1] / "ziplora"
CLI = ROOT.parent / "cli"
SLOW_HEADERS = re.compile(r'#include <(torch/torch\.h|torch/all\.h|ATen/ATen\.h)>')


def declared_dependencies() -> dict[str, set[str]]:
    """folder -> DEPENDS of its library."""
    result = {}
    for lists in [*sorted(ROOT.glob("*/CMakeLists.txt")), CLI / "CMakeLists.txt"]:
        folder = lists.parent.name
        declared = "ziplora_executable\\(ziplora" if folder == "cli" else f"ziplora_library\\({folder}"
        library = re.search(rf"{declared}\b(.*?)\)", lists.read_text(), re.S)
        depends = re.search(r"\bDEPENDS\b([a-z_\s]*)", library.group(1)) if library else None
        result[folder] = set(depends.group(1).split()) if depends else set()
    return result


def circle(dependencies: dict[str, set[str]]) -> list[str]:
    """A path of folders that returns to its start, or nothing."""
    def walk(folder: str, path: list[str]) -> list[str]:
        if folder in path:
            return [*path[path.index(folder):], folder]
        for below in sorted(dependencies.get(folder, ())):
            if found := walk(below, [*path, folder]):
                return found
        return []

    return next((found for folder in sorted(dependencies) if (found := walk(folder, []))), [])


def main() -> int:
    dependencies = declared_dependencies()
    problems = []
    if found := circle(dependencies):
        problems.append("folders depend on each other in a circle: " + " -> ".join(found))
    for source in sorted(path for root in (ROOT, CLI) for ending in ("*.h", "*.cpp") for path in root.rglob(ending)):
        folder = "cli" if CLI in source.parents else source.relative_to(ROOT).parts[0]
        # A test may use any folder below its own through what its target links; the library may not.
        text = source.read_text()
        if SLOW_HEADERS.search(text):
            problems.append(f"{source}: includes all of torch; take the single headers it needs")
        if source.name.endswith("_test.cpp"):
            continue
        for line, included in re.findall(r'^(#include "ziplora/(\w+)/[^"]*")', text, re.M):
            if included != folder and included not in dependencies[folder]:
                problems.append(f"{source}: {line}: {folder} does not depend on {included}")
    print("\n".join(problems) or f"includes: {len(dependencies)} folders, all arrows as declared")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
