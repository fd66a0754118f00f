#!/usr/bin/env bash
# Builds ziplora-mini and installs the drawings of its world.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools/setup.sh mini
mini/tools/world_packages.sh
ZIPLORA_CMAKE_FLAGS=-DZIPLORA_BUILD_MINI=ON tools/build.sh release build ziplora-mini
