#!/usr/bin/env bash
# Trains the embedded base from nothing into assets/mini, in runs/base; interrupted, it goes on where it was.
# Then measures it and writes its card and results.json.
# ZIPLORA_PRETRAIN_FLAGS=--bfloat16 halves the hours on a processor with AVX512-BF16 or AMX.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools/setup.sh engine
mini/tools/world_packages.sh
tools/build.sh release build ziplora
build/ziplora pretrain --run-folder runs/base --threads "$(nproc)" -o assets/mini ${ZIPLORA_PRETRAIN_FLAGS:-}
build/ziplora base-report --scenes 200 --loras report --lora-subjects -1 -o out/base-report --card assets/mini/README.md --run-folder runs/base
cp out/base-report/report.json assets/mini/results.json
