#!/usr/bin/env bash
# Builds the program for the wheel and packs it: dist/ziplora-….whl, and the sdist beside it.
#   tools/wheel.sh             build in build/, then pack
#   tools/wheel.sh pack DIST   only pack what build/ holds (the target `wheel`), into this folder
set -euo pipefail
cd "$(dirname "$0")/.."
dist="${2:-dist}"
if [[ ${1:-build} == build ]]; then
  tools/setup.sh wheel
  tools/build.sh "${ZIPLORA_PRESET:-release}" build wheel
  .venv/bin/python -c "from scikit_build_core.build import build_sdist; build_sdist('$dist')" >/dev/null
fi
raw="$(mktemp -d)"
trap 'rm -rf "$raw"' EXIT
.venv/bin/python -m pip wheel . --quiet --disable-pip-version-check --no-build-isolation --no-deps \
  --config-settings cmake.define.ZIPLORA_WHEEL_FROM="${ZIPLORA_BUILD:-$PWD/build}" -w "$raw"
# Names the oldest glibc that it runs with. A shared library that the program needs, for want of an archive, would be packed.
PATH="$PWD/.venv/bin:$PATH" .venv/bin/python -m auditwheel repair --exclude 'libtorch*.so' --exclude libc10.so --wheel-dir "$dist" "$raw"/*.whl
ls "$dist"/ziplora-*
