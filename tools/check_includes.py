#!/usr/bin/env python3
"""Proves the arrows between folders: a file includes only its own folder and the folders that its CMakeLists.txt names
under DEPENDS, and there are no circles. So nothing of the product (ziplora/, cli/) reaches into the laboratory, mini/.
Also refuses the headers that cost half a minute.

    python3 tools/check_includes.py          # of this checkout
    python3 tools/check_includes.py FOLDER   # of another one
"""

import re
import sys
from pathlib import Path

ROOT = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parents[1])
SLOW_HEADERS = re.compile(r'#include <(torch/torch\.h|torch/all\.h|ATen/ATen\.h)>')
# Name in DEPENDS -> folder. A folder below ziplora/ goes by its own name.
FOLDERS = {path.name: path for path in sorted(ROOT.glob("ziplora/*")) if path.is_dir()} | {
    "cli_frame": ROOT / "cli/frame", "cli_terminal": ROOT / "cli/terminal", "cli": ROOT / "cli", "studio": ROOT / "studio",
    "studio_launch": ROOT / "studio/launch"} | {
    f"mini_{path.name}": path for path in sorted(ROOT.glob("mini/*")) if (path / "CMakeLists.txt").exists()}
LABORATORY = {name for name in FOLDERS if name.startswith("mini_")}
PROGRAMS = {"mini_cli": "ziplora-mini"}


def folder_of(path: Path) -> str:
    """The innermost folder of the table that holds it."""
    return max((name for name, place in FOLDERS.items() if place in path.parents),
               key=lambda name: len(FOLDERS[name].parts), default="")


def declared_dependencies() -> dict[str, set[str]]:
    """folder -> DEPENDS of its library or program."""
    result = {}
    for name, folder in FOLDERS.items():
        what = f"ziplora_executable\\({PROGRAMS[name]}" if name in PROGRAMS else f"ziplora_library\\({name}"
        declared = re.search(rf"{what}\b(.*?)\)", (folder / "CMakeLists.txt").read_text(), re.S)
        depends = re.search(r"\bDEPENDS\b([a-z_\s]*)", declared.group(1)) if declared else None
        result[name] = set(depends.group(1).split()) if depends else set()
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


def problems_of(source: Path, dependencies: dict[str, set[str]]) -> list[str]:
    text, own = source.read_text(), folder_of(source)
    problems = []
    if SLOW_HEADERS.search(text):
        problems.append(f"{source}: includes all of torch; take the single headers it needs")
    for line, path in re.findall(r'^(#include "([^"]+)")', text, re.M):
        included = folder_of(ROOT / path)
        if not (ROOT / path).exists():
            problems.append(f"{source}: {line}: not a path from the root, so no arrow of it would be seen")
            continue
        if included in LABORATORY and own not in LABORATORY:
            problems.append(f"{source}: {line}: the product includes nothing of the laboratory")
        # A test may use any folder below its own through what its target links; the library may not.
        elif included not in {own, *dependencies[own]} and not source.name.endswith("_test.cpp"):
            problems.append(f"{source}: {line}: {own} does not depend on {included or 'that'}")
    return problems


def main() -> int:
    dependencies = declared_dependencies()
    problems = [f"{name} of the product depends on the laboratory: {', '.join(sorted(found))}"
                for name, depends in dependencies.items() if name not in LABORATORY and (found := depends & LABORATORY)]
    if found := circle(dependencies):
        problems.append("folders depend on each other in a circle: " + " -> ".join(found))
    for source in sorted(path for top in ("ziplora", "cli", "studio", "mini") for path in (ROOT / top).rglob("*.[ch]*")
                         if path.suffix in (".h", ".cpp") and "tests" not in path.relative_to(ROOT).parts):
        problems += problems_of(source, dependencies)
    print("\n".join(problems) or f"includes: {len(dependencies)} folders, all arrows as declared")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
