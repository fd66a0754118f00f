#!/usr/bin/env bash
# Builds the unit tests, the replay of the fuzz corpus among them, with AddressSanitizer and
# UndefinedBehaviorSanitizer in build-asan and runs them; a report of either fails its test. LibTorch is not
# instrumented: its own memory is not checked, and leaks are left out since it keeps much until the process ends.
# `tools/asan.sh io lora` does it for those folders alone.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/setup.sh referee
export ZIPLORA_CMAKE_FLAGS="-DZIPLORA_BUILD_TESTS=ON -DZIPLORA_BUILD_MINI=ON"
# Of tests that ctest asks for their names while building, too.
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=0}"
if (($#)); then targets=("${@/%/_test}"); else targets=(unit_tests); fi
tools/build.sh asan build-asan "${targets[@]}"
names=$(IFS='|'; echo "$*")
ctest --test-dir build-asan --output-on-failure --no-tests=error ${names:+-R "^($names)$"}
