#!/usr/bin/env bash
# Configures a preset and builds it; what every script and the Makefile call, so that all say the same of progress.
#   tools/build.sh release build              everything
#   tools/build.sh asan build-asan io_test    some targets
set -euo pipefail
cd "$(dirname "$0")/.."
# Finished of all, and the seconds so far: the ninja of Debian 12, 1.11, knows no time left.
export NINJA_STATUS="${NINJA_STATUS-[%f/%t, %es] }"
cmake --preset "$1" -B "$2" >/dev/null
cmake --build "$2" ${3:+--target "${@:3}"}
