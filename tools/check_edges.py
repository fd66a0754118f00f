"""Finds code that goes past the one place for something that hostile files must not reach unguarded:

    stdout and stderr        cli/frame/printing.cpp, which cleans what a terminal would obey;
                             mini/world/world_sheet.cpp, which only developers run, by hand;
                             studio/child_process.cpp, between fork and exec, where nothing else may be called
    files that are made      ziplora/base/temporary_part.cpp, which leaves nothing half done;
                             ziplora/base/temporary_folder.cpp, whose folders are new, under names of their own;
                             ziplora/base/lock_file.cpp, whose file counts by its lock, not by what it holds;
                             ziplora/io/json_lines.cpp, which appends whole lines or nothing
    JSON that is read        ziplora/io/json_file.cpp, which bounds its size and depth;
                             ziplora/io/safetensors_header.cpp, whose events refuse what no header holds;
                             ziplora/io/utf8_text.cpp, which reads what it has just written
    text that is a number    ziplora/base/parse_number.h, which reads all of it or nothing;
                             ziplora/io/json_bytes.cpp, which reads pairs of hexadecimal digits;
                             mini/world/world_sheet.cpp, as above

    python3 tools/check_edges.py        # names each place; exit code 1 if there is one
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RULES = [  # the pattern, where it may be, what to use instead
    (r"std::(cout|cerr|clog)\b|\bfmt::print\b|\b(std::)?(f?puts|f?printf|perror|fwrite)\(|\bwrite(_all)?\(\s*STD(OUT|ERR)_FILENO",
     {"cli/frame/printing.cpp", "mini/world/world_sheet.cpp", "studio/child_process.cpp"}, "print_out or print_err of cli/frame/printing.h"),
    (r"std::ofstream|\bO_CREAT\b|\b(std::)?fopen\(|\bmko?stemps?\(|\bmkdtemp\(",
     {"ziplora/base/temporary_part.cpp", "ziplora/base/temporary_folder.cpp", "ziplora/base/lock_file.cpp",
      "ziplora/io/json_lines.cpp"},
     "AtomicFile, AtomicFolder or append_json_line"),
    (r"\b(Json|json|ordered_json)::(parse|sax_parse|accept)\(", {"ziplora/io/json_file.cpp",
                                                       "ziplora/io/safetensors_header.cpp", "ziplora/io/utf8_text.cpp"},
     "read_json_file or parse_json of ziplora/io/json_file.h"),
    (r"\b(sto(i|l|ll|ul|ull|f|d|ld)|strto(l|ll|ul|ull|f|d|ld)|ato(i|l|ll|f)|sscanf|from_chars|lexical_cast)\(",
     {"ziplora/base/parse_number.h", "ziplora/io/json_bytes.cpp", "mini/world/world_sheet.cpp"}, "parse_number of ziplora/base/parse_number.h"),
]


def sources():
    """Not tests, nor what only they are built from."""
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "cli", "mini", "studio", "ziplora"],
                            cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for name in listed:
        if name.endswith((".h", ".cpp")) and not name.endswith(("_test.cpp", "_fixture.h")) and "/tests/" not in name:
            yield name


def without_comment(line: str) -> str:
    return "" if line.lstrip().startswith("//") else re.sub(r"\s//.*$", "", line)


def main() -> int:
    found = 0
    for name in sources():
        path = ROOT / name
        if not path.exists():
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for pattern, allowed, instead in RULES:
                if name not in allowed and (hit := re.search(pattern, without_comment(line))):
                    print(f"{name}:{number}: {hit[0]}: use {instead}")
                    found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
