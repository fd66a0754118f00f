#!/usr/bin/env bash
# Configures a preset and builds it; what every script and the Makefile call, so that all say the same of progress.
#   tools/build.sh release build              everything
#   ZIPLORA_CMAKE_FLAGS="-DZIPLORA_BUILD_TESTS=ON" adds options; the build folder remembers them
#   tools/build.sh asan build-asan io_test    some targets
set -euo pipefail
cd "$(dirname "$0")/.."
# The ninja of Debian 12, 1.11, knows no time left: it is told from the mean of what is done.
export NINJA_STATUS='[%f %t %e] '
with_time_left() {
  local line end='\n'
  if [[ -t 1 ]]; then end='\e[K\r'; fi
  while IFS= read -r line; do
    if [[ $line =~ ^\[([0-9]+)\ ([0-9]+)\ ([0-9]+)[.0-9]*\]\ (.*) ]] && ((BASH_REMATCH[1])); then
      local done=${BASH_REMATCH[1]} all=${BASH_REMATCH[2]} seconds=${BASH_REMATCH[3]}
      printf "build  %d/%d  about %d s left  %.60s$end" "$done" "$all" $((seconds * (all - done) / done)) \
        "${BASH_REMATCH[4]##*/}"
    else
      printf '%s\n' "$line"
    fi
  done
  if [[ -t 1 ]]; then printf '\e[K'; fi
}
read -ra flags <<< "${ZIPLORA_CMAKE_FLAGS:-}"
cmake --preset "$1" -B "$2" "${flags[@]}" >/dev/null
cmake --build "$2" ${3:+--target "${@:3}"} | with_time_left
