#!/usr/bin/env bash
# Benchmarks beside the Python stack, in one run on this machine. Not part of the tests. `--sdxl` adds full SDXL shapes:
# 7 GB in out/ while it runs, 24 GiB of memory.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/setup.sh referee
export ZIPLORA_CMAKE_FLAGS="-DZIPLORA_BUILD_TESTS=ON"
tools/build.sh release build ziplora ziplora_probe
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-$(nproc)}"
bench() {
  echo "== $*"
  .venv/bin/python -W ignore "tests/bench/$1.py" "${@:2}"
}
for name in denoising_step unet_call dreambooth_iteration zip_iteration ssr_merge; do bench $name; done
if [[ "${1:-}" == --sdxl ]]; then
  mkdir -p out
  scratch="$(mktemp -d out/bench.XXXXXX)"
  trap 'rm -rf "$scratch"' EXIT
  for name in denoising_step dreambooth_iteration zip_iteration ssr_merge; do bench $name --sdxl --keep "$scratch/sdxl"; done
  bench zip_iteration --sdxl --keep "$scratch/sdxl" --gradient-checkpointing --float32-deltas
  bench direct_merge --folder "$scratch"
  bench full_size_folder --keep "$scratch/sdxl"
fi
