#!/usr/bin/env bash
# Fuzzes the readers of files from the web with libFuzzer under AddressSanitizer and UndefinedBehaviorSanitizer
# (tests/fuzz), one target after the other, then folds what was found into the target's pack in tests/fuzz/corpus,
# smallest inputs first. What an interrupted run found stays in build-fuzz/new and is gone on with.
#   tools/fuzz.sh                     every target for half an hour
#   tools/fuzz.sh keys_kohya 600      one target for ten minutes
# A crash is left in build-fuzz/found and fails the script. Needs clang 14 (clang-14, libclang-rt-14-dev).
set -euo pipefail
cd "$(dirname "$0")/.."
every=(safetensors keys_kohya keys_comfy keys_peft keys_diffusers keys_sgm keys_omi metadata
  image_png image_jpeg image_webp image_gif image_bmp image_tiff image_heif)
if (($#)); then targets=("$1"); else targets=("${every[@]}"); fi
seconds="${2:-1800}"
build="${ZIPLORA_FUZZ_BUILD:-build-fuzz}"

tools/setup.sh referee
export ZIPLORA_CMAKE_FLAGS="-DZIPLORA_BUILD_TESTS=ON"
command -v clang++-14 >/dev/null || { echo "fuzz: install clang-14 and libclang-rt-14-dev first" >&2; exit 1; }
tools/build.sh fuzz "$build" fuzz

# LibTorch keeps memory until the end and is not instrumented.
export ASAN_OPTIONS=detect_leaks=0:detect_odr_violation=0 OMP_NUM_THREADS=1
for target in "${targets[@]}"; do
  export ZIPLORA_FUZZ_TARGET="$target"
  pack="$PWD/tests/fuzz/corpus/$target.tar.gz"
  known="$build/known/$target" new="$build/new/$target" minimal="$build/minimal/$target"
  rm -rf "$known" "$minimal"
  mkdir -p "$known" "$new" "$minimal" "$build/found"
  tar -xzf "$pack" -C "$known"
  echo "== $target, $seconds s"
  "$build/fuzz" "$new" "$known" -dict=tests/fuzz/keys.dict -max_total_time="$seconds" -max_len=4096 -timeout=10 \
    -rss_limit_mb=4096 -artifact_prefix="$build/found/$target-" -print_final_stats=1
  "$build/fuzz" -merge=1 -max_len=4096 "$minimal" "$known" "$new"
  # Equal inputs make equal bytes: names are hashes of the contents, times and owners are left out.
  (cd "$minimal" && tar --create --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=644 -- *) |
    gzip -9n > "$pack"
done
