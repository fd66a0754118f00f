#!/usr/bin/env bash
# Builds with sanitizers and runs the unit tests, the replay of the fuzz corpus among them; a report fails its test.
#   tools/sanitize.sh asan            AddressSanitizer and UndefinedBehaviorSanitizer, in build-asan
#   tools/sanitize.sh tsan            ThreadSanitizer, in build-tsan; then one run of each verb
#   tools/sanitize.sh asan io lora    those folders alone
# LibTorch is not instrumented: its own memory and threads are not checked. Leaks are left out, since it keeps much
# until the process ends.
set -euo pipefail
cd "$(dirname "$0")/.."
preset="$1"; shift
tools/setup.sh referee
export ZIPLORA_CMAKE_FLAGS="-DZIPLORA_BUILD_TESTS=ON -DZIPLORA_BUILD_MINI=ON"
# Of tests that ctest asks for their names while building, too.
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=0}"
# What a SIGBUS comes to is our own to test.
export TSAN_OPTIONS="${TSAN_OPTIONS:-suppressions=$PWD/tests/support/tsan.supp halt_on_error=1 exitcode=66 handle_sigbus=0}"
if (($#)); then targets=("${@/%/_test}"); else targets=(unit_tests); fi
if [[ $preset == tsan && $# == 0 ]]; then targets+=(ziplora); fi
tools/build.sh "$preset" "build-$preset" "${targets[@]}"
names=$(IFS='|'; echo "$*")
# Without random addresses, which ThreadSanitizer's runtime of gcc 12 cannot place its shadow beside.
# The stand-in for a GPU gives LibTorch a thread for it, whose locks ThreadSanitizer sees by halves.
left_out=(); if [[ $preset == tsan ]]; then left_out=(-E '^fake_cuda$'); fi
setarch -R ctest --test-dir "build-$preset" --output-on-failure --no-tests=error "${left_out[@]}" ${names:+-R "^($names)$"}
if [[ $preset == tsan && $# == 0 ]]; then
  ZIPLORA_BUILD="$PWD/build-tsan" setarch -R .venv/bin/python -m pytest -q tests/torture/test_whole_runs.py
fi
