#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test: structure checks, unit tests, then the comparisons with the
# Python referees. `tools/test.sh -k unet` passes its arguments on to pytest. ZIPLORA_PRESET=ci makes warnings errors.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/setup.sh referee
tools/check.sh
export ZIPLORA_CMAKE_FLAGS="-DZIPLORA_BUILD_TESTS=ON -DZIPLORA_BUILD_MINI=ON"
tools/build.sh "${ZIPLORA_PRESET:-release}" build
ctest --test-dir build --output-on-failure --no-tests=error
.venv/bin/python -m pytest -q tests/parity tests/e2e tests/loaders mini/tests "$@"
