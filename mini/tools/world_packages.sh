#!/usr/bin/env bash
# Installs the emoji drawings (npm packages, pinned with checksums in mini/tools/package-lock.json) into
# .cache/world/node_modules. Only making the base needs them (make base); using it does not. Runs again in no time.
set -euo pipefail
cd "$(dirname "$0")/../.."
modules=.cache/world/node_modules
stamp=".cache/world/.packages-$(sha256sum mini/tools/package-lock.json | cut -c1-16)"
[[ -e $stamp && -d $modules ]] && exit 0
if ! command -v npm >/dev/null; then
  echo "world: installing npm" >&2
  root=(env DEBIAN_FRONTEND=noninteractive)
  if ((EUID)); then root=(sudo "${root[@]}"); fi
  "${root[@]}" apt-get update -qq
  "${root[@]}" apt-get install -y -qq --no-install-recommends nodejs npm >/dev/null
fi
mkdir -p .cache/world
cp mini/tools/package.json mini/tools/package-lock.json mini/tools/.npmrc .cache/world/
rm -f .cache/world/.packages-*
npm ci --prefix .cache/world --ignore-scripts --no-audit --no-fund --loglevel=error >&2
touch "$stamp"
