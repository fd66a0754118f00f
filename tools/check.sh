#!/usr/bin/env bash
# What a compiler does not see: folders include only what they may, errors say what to do, comments and examples are whole,
# the code is formatted.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/setup.sh packages
python3 tools/check_includes.py
python3 tools/check_hints.py
python3 tools/check_edges.py
python3 tools/check_comments.py
git ls-files '*.h' '*.cpp' | xargs clang-format --dry-run -Werror
