#!/usr/bin/env bash
# Compares merge methods on the miniature: trains the LoRAs of the regimes, then merges, draws and scores every pair by every
# contender of mini/assets/contenders.json. What is made is kept, so the same command goes on after Ctrl-C.
# Estimated on two cores, not yet run whole: one and a half hours of training and ten of drawing for each half.
#   mini/tools/evidence.sh [HALF…]           default: development, on which methods are chosen, then report, which decides
#   mini/tools/evidence.sh --short [HALF…]   the table of the README, estimated at an hour: regime B with its first ten subjects,
#                                            two noises, own prompts, and the contenders of mini/assets/finalists.json
set -euo pipefail
cd "$(dirname "$0")/../.."
mini/tools/build.sh
out=out/evidence parts=$(nproc) groups=A,B,C,B2 contenders=contenders scope=()
if [[ "${1:-}" == --short ]]; then
  out=out/evidence/short groups=B contenders=finalists scope=(--subjects 10 --seeds 2 --own-prompts)
  shift
fi
export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive  # a part is a thread

# in_parts COMMAND…: one process a core, each with its share
in_parts() {
  local part pids=()
  for ((part = 1; part <= parts; ++part)); do "$@" --shard "$part/$parts" & pids+=($!); done
  trap 'kill -INT "${pids[@]}" 2>/dev/null; wait; exit 130' INT TERM
  for pid in "${pids[@]}"; do wait "$pid"; done
  trap - INT TERM
}

(($#)) || set -- development report
for half in "$@"; do
  echo "evidence: $half: training LoRAs into $out/$half" >&2
  in_parts build/ziplora-mini regimes --half "$half" --groups "$groups" "${scope[@]}" -o "$out/$half"
  echo "evidence: $half: merging and drawing" >&2
  compare=(build/ziplora evaluate "$out/$half/manifest.json" --methods "mini/assets/$contenders.json" --steps 8
    --scheduler dpm++-2m --guidance-scale 3 --batch-size 8 -o "$out/$half/evaluation")
  in_parts "${compare[@]}"
  "${compare[@]}"
done
