#!/usr/bin/env bash
# Fuzzes the readers of files from the web with libFuzzer under AddressSanitizer and UndefinedBehaviorSanitizer
# (tests/fuzz), one target after the other, then folds what was found into tests/fuzz/corpus, smallest inputs first.
#   tools/fuzz.sh                     every target for half an hour
#   tools/fuzz.sh keys_kohya 600      one target for ten minutes
# A crash is left in build-fuzz/found and fails the script. Needs clang 14 (clang-14, libclang-rt-14-dev).
set -euo pipefail
cd "$(dirname "$0")/.."
every=(safetensors keys_kohya keys_comfy keys_peft keys_diffusers keys_sgm metadata)
if (($#)); then targets=("$1"); else targets=("${every[@]}"); fi
seconds="${2:-1800}"
build="${ZIPLORA_FUZZ_BUILD:-build-fuzz}"

tools/setup.sh engine
command -v clang++-14 >/dev/null || { echo "fuzz: install clang-14 and libclang-rt-14-dev first" >&2; exit 1; }
cmake --preset fuzz -B "$build" >/dev/null
cmake --build "$build" --target fuzz

# LibTorch keeps memory until the end and is not instrumented.
export ASAN_OPTIONS=detect_leaks=0:detect_odr_violation=0 OMP_NUM_THREADS=1
for target in "${targets[@]}"; do
  export ZIPLORA_FUZZ_TARGET="$target"
  corpus="tests/fuzz/corpus/$target" new="$build/new/$target"
  mkdir -p "$new" "$build/found"
  echo "== $target, $seconds s"
  "$build/fuzz" "$new" "$corpus" -dict=tests/fuzz/keys.dict -max_total_time="$seconds" -max_len=4096 -timeout=10 \
    -rss_limit_mb=4096 -artifact_prefix="$build/found/$target-" -print_final_stats=1
  rm -rf "$build/minimal/$target" && mkdir -p "$build/minimal/$target"
  "$build/fuzz" -merge=1 -max_len=4096 "$build/minimal/$target" "$corpus" "$new"
  rm -rf "$corpus" && cp -r "$build/minimal/$target" "$corpus"
done
