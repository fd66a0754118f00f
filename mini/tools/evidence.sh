#!/usr/bin/env bash
# Compares merge methods on the miniature: trains the LoRAs of the regimes, then merges, draws and scores every pair by every
# contender of mini/assets/contenders.json. What is made is kept, so the same command goes on after Ctrl-C.
# Estimated on two cores, not yet run whole: one and a half hours of training and ten of drawing for each half.
#   mini/tools/evidence.sh [HALF…]           default: development, on which methods are chosen, then report, which decides
#   mini/tools/evidence.sh --short [HALF…]   the table of the README, estimated at 1½ hours: regimes B with its first ten subjects
#                                            and C, two noises, own prompts, and the contenders of mini/assets/finalists.json
#   mini/tools/evidence.sh --questions [HALF…]  after --short: strengths, sparsity, λ, coefficients and several subjects in one
#                                            file, for docs/questions.md
set -euo pipefail
cd "$(dirname "$0")/../.."
mini/tools/build.sh
out=out/evidence parts=$(nproc) groups=A,B,C,B2 contenders=contenders scope=() questions=
export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive  # a part is a thread
if [[ "${1:-}" == --short || "${1:-}" == --questions ]]; then
  out=out/evidence/short groups=B,C contenders=finalists scope=(--subjects 10 --seeds 2 --own-prompts)
  [[ $1 == --short ]] || questions=1
  shift
fi

# in_parts COMMAND…: one process a core, each with its share
in_parts() {
  local part pids=()
  for ((part = 1; part <= parts; ++part)); do "$@" --shard "$part/$parts" & pids+=($!); done
  trap 'kill -INT "${pids[@]}" 2>/dev/null; wait; exit 130' INT TERM
  for pid in "${pids[@]}"; do wait "$pid"; done
  trap - INT TERM
}

# answer_questions FOLDER: with the LoRAs that are there
answer_questions() {
  local first=mini/tools/first_subjects.py python=.venv/bin/python
  local compare=(build/ziplora evaluate --steps 8 --scheduler dpm++-2m --guidance-scale 3 --batch-size 8 --group first -o "$1/evaluation")
  "$python" "$first" "$1/manifest.json" --group B --count 10 --prompts 2
  "${compare[@]}" "$1/first-10-2.json" --methods mini/assets/strengths.json
  "$python" mini/tools/strengths.py "$1/evaluation/images.csv"
  "$python" "$first" "$1/manifest.json" --group B --count 2 --prompts 4
  "${compare[@]}" "$1/first-2-4.json" --methods mini/assets/sparsity.json
  "${compare[@]}" "$1/first-2-4.json" --methods mini/assets/overlap_weights.json
  "$python" mini/tools/zip_coefficients.py "$1/evaluation"
  "$python" mini/tools/many_adapters.py "$1/manifest.json" -o "$1/many"
}

(($#)) || set -- development report
for half in "$@"; do
  if [[ $questions ]]; then answer_questions "$out/$half"; continue; fi
  echo "evidence: $half: training LoRAs into $out/$half" >&2
  in_parts build/ziplora-mini regimes --half "$half" --groups "$groups" "${scope[@]}" -o "$out/$half"
  echo "evidence: $half: merging and drawing" >&2
  compare=(build/ziplora evaluate "$out/$half/manifest.json" --methods "mini/assets/$contenders.json" --steps 8
    --scheduler dpm++-2m --guidance-scale 3 --batch-size 8 -o "$out/$half/evaluation")
  in_parts "${compare[@]}"
  "${compare[@]}"
done
