#!/usr/bin/env bash
# Breaks the program for half an hour (kills, failing system calls, two writers, hostile files and settings) and writes what
# held to docs/reliability.md. A slice of it runs in `make test`. Arguments go on to pytest: tools/torture.sh -k kills
set -euo pipefail
cd "$(dirname "$0")/.."
tools/setup.sh tests
tools/setup.sh referee
tools/studio.sh page
ZIPLORA_CMAKE_FLAGS="-DZIPLORA_BUILD_TESTS=ON -DZIPLORA_BUILD_MINI=ON -DZIPLORA_BUILD_STUDIO=ON" tools/build.sh "${ZIPLORA_PRESET:-release}" build
export ZIPLORA_TORTURE=full OMP_NUM_THREADS=1
page=docs/reliability.md
if (($#)); then page=$(mktemp); fi  # a part of the tests makes no whole page
.venv/bin/python -m pytest -v -m promise -n "${ZIPLORA_TEST_WORKERS:-$(env -u OMP_NUM_THREADS nproc)}" --reliability "$page" tests "$@"
cat "$page"
