#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test: structure checks, unit tests, then the comparisons with the
# Python referees. `tools/test.sh -k unet` passes its arguments on to pytest. ZIPLORA_PRESET=ci makes warnings errors.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/setup.sh tests
tools/check.sh
tools/setup.sh referee &  # a download, while the compiler works
referee=$!
tools/studio.sh page
ZIPLORA_CMAKE_FLAGS="-DZIPLORA_BUILD_TESTS=ON -DZIPLORA_BUILD_MINI=ON -DZIPLORA_BUILD_STUDIO=ON" tools/build.sh "${ZIPLORA_PRESET:-release}" build
wait "$referee"

# One thread a test: threads of PyTorch that wait for each other are slower than two tests at once. One test more than
# there are cores, since a quarter of the time tests wait for servers, signals and disks.
workers="${ZIPLORA_TEST_WORKERS:-$(($(nproc) + 1))}"  # asked first: nproc says what OMP_NUM_THREADS does
export OMP_NUM_THREADS=1
ctest --test-dir build --output-on-failure --no-tests=error --parallel "$workers"
# Whole files go to one worker, which makes their fixtures once. What a test wrote goes when it has passed: all of it
# together is 11 GB.
.venv/bin/python -m pytest -q --durations=20 -n "$workers" --dist loadfile --no-loadscope-reorder \
  -o tmp_path_retention_policy=failed -o tmp_path_retention_count=1 \
  tests/parity tests/e2e tests/loaders tests/comfyui tests/torture tests/studio mini/tests "$@"
