#!/usr/bin/env bash
# Trains the miniature base from scratch into assets/mini, in runs/base, then measures it. Run again after an
# interruption, it continues. The card, assets/mini/README.md, is written by hand.
# ZIPLORA_PRETRAIN_FLAGS=--bfloat16 halves the hours on a processor with AVX512-BF16 or AMX.
set -euo pipefail
cd "$(dirname "$0")/../.."
mini/tools/build.sh
build/ziplora-mini pretrain --run-folder runs/base --threads "$(nproc)" -o assets/mini ${ZIPLORA_PRETRAIN_FLAGS:-}
mini/tools/report.sh
cp out/base-report/report.json assets/mini/results.json
