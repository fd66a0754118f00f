#!/usr/bin/env bash
# Installs what building and testing need: Debian packages (when missing) and a Python environment in .venv
# that carries LibTorch and, with `referee`, the Python stack the tests compare with. Runs again in no time.
#   tools/setup.sh packages  clang-format alone                             (make check, make format)
#   tools/setup.sh engine    compiler, libraries, LibTorch                  (make demo)
#   tools/setup.sh wheel     the same, and what packs it                    (make wheel)
#   tools/setup.sh studio    the same, and what the studio needs, Node among it    (make studio)
#   tools/setup.sh mini      the same, and what draws the emoji world       (make base)
#   tools/setup.sh tests     the same, and GoogleTest, clang-format, Open MPI
#   tools/setup.sh referee   the same, and the referees of tests: the Python stack, a browser   (make test)
set -euo pipefail
cd "$(dirname "$0")/.."
level="${1:-engine}"

engine=(build-essential cmake ninja-build pkg-config python3-venv
  libcli11-dev nlohmann-json3-dev libfmt-dev libssl-dev libpcre2-dev libicu-dev
  libpng-dev libjpeg-dev libwebp-dev libtiff-dev libgif-dev libheif-dev libfreetype-dev)
mini=(librsvg2-dev libcairo2-dev)
mpi=(openmpi-bin libopenmpi-dev)  # jobs of several processes
mapfile -t studio < <(grep -hv '^#' requirements/studio.apt $(command -v npm >/dev/null || echo requirements/studio-page.apt))
case "$level" in
  packages) packages=(clang-format python3) ;;
  engine | wheel) packages=("${engine[@]}") ;;
  studio) packages=("${engine[@]}" "${studio[@]}") ;;
  mini) packages=("${engine[@]}" "${mini[@]}") ;;
  tests) packages=("${engine[@]}" "${mini[@]}" "${mpi[@]}" "${studio[@]}" libgtest-dev clang-format) ;;
  referee) packages=("${engine[@]}" "${mini[@]}" "${mpi[@]}" "${studio[@]}" libgtest-dev clang-format chromium) ;;
  *) echo "setup: unknown level '$level'; expected packages, engine, wheel, studio, mini, tests or referee" >&2; exit 2 ;;
esac
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q "ok installed" || missing+=("$package")
done
if ((${#missing[@]})); then
  echo "setup: ${#missing[@]} Debian packages are missing: ${missing[*]}" >&2
  root=(env DEBIAN_FRONTEND=noninteractive)
  if ((EUID)); then root=(sudo "${root[@]}"); fi
  "${root[@]}" apt-get update -qq
  install=("${root[@]}" apt-get install -y -qq --no-install-recommends)
  # A line for each file that is not in apt's cache: its address, its name, its bytes, its checksum.
  size=$("${install[@]}" --print-uris "${missing[@]}" | awk '{ bytes += $3 } END { printf "%.0f MB", bytes / 1e6 }')
  echo "setup: installing them: $size to download, about a minute" >&2
  "${install[@]}" "${missing[@]}" >/dev/null
fi

if [[ $level == packages ]]; then exit 0; fi

list=requirements/engine.txt
if [[ $level == referee || $level == wheel ]]; then list=requirements/$level.txt; fi
lists=(requirements/engine.txt "$list")
if [[ $level == referee ]]; then lists+=(requirements/wheel.txt); fi
stamp=".venv/.ziplora-$(basename "$list" .txt)-$(cat "${lists[@]}" | sha256sum | cut -c1-16)"
if [[ ! -e $stamp ]]; then
  echo "setup: installing $list into .venv (LibTorch is large; minutes on a first run)" >&2
  [[ -x .venv/bin/python ]] || python3 -m venv .venv
  # Not by .venv/bin/pip, which names its interpreter by the path that the folder had when it was made.
  install=(.venv/bin/python -m pip install --disable-pip-version-check -r "$list")
  if [[ -t 2 ]]; then
    "${install[@]}" >&2  # a person sees each download with its ETA
  else  # a log gets the size of each before it begins
    PYTHONUNBUFFERED=1 "${install[@]}" --progress-bar off |
      sed -un '/^ *\(Downloading\|Using cached\|Installing\) /p' >&2
  fi
  touch "$stamp"
fi
