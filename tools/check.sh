#!/usr/bin/env bash
# What a compiler does not see: folders include only what they may, and the code is formatted.
set -euo pipefail
cd "$(dirname "$0")/.."
python3 tools/check_includes.py
git ls-files '*.h' '*.cpp' | xargs clang-format --dry-run -Werror
