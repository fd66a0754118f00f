#!/usr/bin/env bash
# Builds the studio: its page, by npm from the lock file, and the program with it. `build/ziplora studio` opens it.
#   tools/studio.sh        what is missing, the page, the program
#   tools/studio.sh page   the page alone
set -euo pipefail
cd "$(dirname "$0")/.."
if [[ ${1:-} != page ]]; then tools/setup.sh studio; fi

page=studio/page
if [[ ! -e $page/node_modules/.package-lock.json || $page/package-lock.json -nt $page/node_modules/.package-lock.json ]]; then
  echo "studio: installing what the page is built with" >&2
  npm ci --prefix "$page" --no-audit --no-fund --loglevel=error
  touch "$page/node_modules/.package-lock.json"
fi
if [[ ! -e $page/dist/index.html || -n $(find "$page" -newer "$page/dist/index.html" -type f -not -path '*/node_modules/*' -print -quit) ]]; then
  npm run --prefix "$page" --silent build
fi
if [[ ${1:-} == page ]]; then exit 0; fi

export ZIPLORA_CMAKE_FLAGS="${ZIPLORA_CMAKE_FLAGS:-} -DZIPLORA_BUILD_STUDIO=ON"
tools/build.sh "${ZIPLORA_PRESET:-release}" build ziplora ziplora-studio
echo "build/ziplora studio   opens the page"
