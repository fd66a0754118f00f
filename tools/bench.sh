#!/usr/bin/env bash
# Benchmarks beside the Python stack, in one run on this machine. Not part of the tests. `--sdxl` adds full SDXL shapes.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/setup.sh referee
cmake --preset release >/dev/null
cmake --build --preset release --target ziplora ziplora_probe
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-$(nproc)}"
for bench in denoising_step dreambooth_iteration zip_iteration; do
  echo "== $bench"
  .venv/bin/python -W ignore tests/bench/$bench.py
done
if [[ "${1:-}" == --sdxl ]]; then
  echo "== zip_iteration at SDXL's shapes"
  .venv/bin/python -W ignore tests/bench/zip_iteration.py --sdxl
  echo "== direct_merge: two rank-64 files at SDXL's shapes"
  .venv/bin/python -W ignore tests/bench/direct_merge.py
  echo "== a step of a full-size SDXL from disk"
  .venv/bin/python -W ignore tests/bench/full_size_folder.py
fi
