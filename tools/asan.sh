#!/usr/bin/env bash
# Builds the unit tests with AddressSanitizer and UndefinedBehaviorSanitizer in build-asan and runs them.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/setup.sh referee
cmake --preset asan >/dev/null
cmake --build --preset asan
ctest --test-dir build-asan --output-on-failure --no-tests=error
