#!/usr/bin/env bash
# Checks and times ziplora on a machine with a CUDA GPU, in minutes and without a network: builds it there against the
# machine's own torch, compares GPU and CPU on the miniature, times full SDXL shapes at 1024 px. One JSON:
# out/gpu-check.json, or $OUT/gpu-check.json where OUT is set.
#   tools/gpu_check.sh --prepare    here, on Debian 12: writes the kit, out/gpu-kit.tar.xz, which travels with the sources
#   tools/gpu_check.sh              there: needs python3 with a CUDA torch and safetensors, g++ 12 or newer, CMake 3.25, ninja
#   tools/gpu_check.sh --rehearse   here: all but the build, on small shapes and a device that is the CPU in disguise
set -euo pipefail
cd "$(dirname "$0")/.."
kit=out/gpu-kit
triplet=x86_64-linux-gnu
report="${OUT:-out}/gpu-check.json"

# What the build looks for and a GPU machine rarely has: headers, CMake's and pkg-config's files, and shared libraries with
# what these need. ICU's data, 30 MB, is left out: no table that ziplora asks for is in it.
prepare() {
  local packages=(libcli11-dev nlohmann-json3-dev libfmt-dev libssl-dev libpcre2-dev libicu-dev libpng-dev zlib1g-dev
    libfreetype-dev libbrotli-dev pkgconf-bin libpkgconf3)
  local libraries=(crypto pcre2-8 icuuc png16 z freetype fmt) library
  rm -rf "$kit" "$kit.tar.xz"
  mkdir -p "$kit/root"
  dpkg -L "${packages[@]}" | grep -E '^/usr/(include|bin|lib|share/cmake|share/pkgconfig)/' |
    grep -vE '\.a$|/perl|/icu/|libicutest|libicuio|libicui18n|libssl' | sort -u |
    while read -r file; do if [[ ! -d $file ]]; then echo "${file#/}"; fi; done |
    tar -C / -cf - -T - | tar -C "$kit/root" -xf -
  for library in "${libraries[@]}"; do
    { echo "/usr/lib/$triplet/lib$library.so"; ldd "/usr/lib/$triplet/lib$library.so" | awk '/=> \// { print $3 }'; }
  done | sort -u | grep -vE '/lib(c|m|dl|pthread|stdc\+\+|gcc_s|icudata)\.so' | while read -r library; do
    install -m 644 "$(readlink -f "$library")" "$kit/root/usr/lib/$triplet/$(basename "$(readlink -f "$library")")"
    ln -sf "$(basename "$(readlink -f "$library")")" "$kit/root/usr/lib/$triplet/$(basename "$library")"
  done
  /sbin/ldconfig -n "$kit/root/usr/lib/$triplet"
  .venv/bin/python -W ignore tests/bench/gpu_kit.py "$kit" 2>/dev/null
  tar -C "$(dirname "$kit")" -cJf "$kit.tar.xz" "$(basename "$kit")"
  du -h "$kit.tar.xz"
}

# A library of ICU's data that holds none; libicuuc is linked with it.
make_icu_data() {
  local lib="$1" version
  version="$(basename "$(readlink -f "$lib/libicuuc.so")" | sed 's/libicuuc\.so\.\([0-9]*\).*/\1/')"
  echo "extern const char icudt${version}_dat[1024]; const char icudt${version}_dat[1024] = {0};" |
    g++ -x c++ -shared -fPIC -Wl,-soname,"libicudata.so.$version" - -o "$lib/libicudata.so.$version"
  ln -sf "libicudata.so.$version" "$lib/libicudata.so"
}

# The machine's own, or Debian's from the kit.
find_pkg_config() {
  local root="$1"
  if command -v pkg-config || command -v pkgconf; then return; fi
  printf '#!/bin/sh\nLD_LIBRARY_PATH="%s" exec "%s" "$@"\n' "$root/usr/lib/$triplet" "$root/usr/bin/pkgconf" >"$kit/pkg-config"
  chmod +x "$kit/pkg-config"
  echo "$PWD/$kit/pkg-config"
}

build() {
  local root="$PWD/$kit/root" torch="$1" log
  log="$(dirname "$report")/gpu-build.log"
  if [[ ! -d $kit ]]; then tar -C "$(dirname "$kit")" -xJf "$kit.tar.xz"; fi
  make_icu_data "$root/usr/lib/$triplet"
  # CMake's own searches do not add the folder of the machine's kind, nor pkg-config what it thinks is the system's.
  export CPATH="$root/usr/include:$root/usr/include/$triplet" LIBRARY_PATH="$root/usr/lib/$triplet"
  export PKG_CONFIG_SYSROOT_DIR="$root" PKG_CONFIG_LIBDIR="$root/usr/lib/$triplet/pkgconfig:$root/usr/share/pkgconfig"
  # With old dtags the program's path serves the kit's libraries, too. LibTorch's CUDA libraries find their own.
  if cmake --preset release -B "$ZIPLORA_BUILD" -DZIPLORA_TORCH_DIR="$torch" -DZIPLORA_IMAGE_CODECS=OFF \
    -DZIPLORA_BUILD_PROBE=ON -DCMAKE_PREFIX_PATH="$root/usr" -DCMAKE_LIBRARY_ARCHITECTURE="$triplet" \
    -DPKG_CONFIG_EXECUTABLE="$(find_pkg_config "$root")" -DOPENSSL_ROOT_DIR="$root/usr" -DICU_ROOT="$root/usr" \
    -DPNG_ROOT="$root/usr" -DZLIB_ROOT="$root/usr" \
    -DCMAKE_EXE_LINKER_FLAGS="-Wl,--allow-shlib-undefined -Wl,--disable-new-dtags" >"$log" 2>&1 &&
    timeout "${ZIPLORA_BUILD_LIMIT:-300}" cmake --build "$ZIPLORA_BUILD" --target ziplora ziplora_probe >>"$log" 2>&1; then
    return
  fi
  tail -n 60 "$log"
  python3 -c 'import json, sys; print(json.dumps({"failures": {"build": open(sys.argv[1]).read()[-4000:]}}))' "$log" >"$report"
  exit 1
}

mkdir -p out "$(dirname "$report")"
case "${1:-}" in
  --prepare) prepare ;;
  --rehearse)
    export ZIPLORA_BUILD="${ZIPLORA_BUILD:-$PWD/build}"
    [[ -e $kit/small.json ]] || .venv/bin/python -W ignore tests/bench/gpu_kit.py "$kit"
    LD_PRELOAD="$ZIPLORA_BUILD/libfake_cuda.so" .venv/bin/python tests/bench/gpu_check.py --kit "$kit" --small --report "$report"
    ;;
  "")
    export ZIPLORA_BUILD="$PWD/build-gpu"
    build "${ZIPLORA_TORCH_DIR:-$(python3 -c 'import os, torch; print(os.path.dirname(torch.__file__))')}"
    python3 tests/bench/gpu_check.py --kit "$kit" --report "$report"
    ;;
  *) echo "gpu_check: unknown option '$1'; expected --prepare, --rehearse or nothing" >&2; exit 2 ;;
esac
