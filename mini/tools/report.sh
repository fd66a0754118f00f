#!/usr/bin/env bash
# Measures the miniature base, and what its LoRAs and their merges draw of the held-out half: hours.
set -euo pipefail
cd "$(dirname "$0")/../.."
mini/tools/build.sh
build/ziplora-mini report --scenes 200 --loras report --lora-subjects -1 -o out/base-report
