#!/usr/bin/env bash
# Compares merge methods on the miniature: trains the LoRAs of the regimes, then merges, draws and scores every pair by every
# contender of mini/assets/contenders.json. What is made is kept, so the same command goes on after Ctrl-C.
# Estimated on two cores, not yet run whole: one and a half hours of training and ten of drawing for each half.
#   mini/tools/evidence.sh [HALF…]           default: development, on which methods are chosen, then report, which decides
#   mini/tools/evidence.sh --short [HALF…]   the table of the README, estimated at 1½ hours: regimes B with its first ten subjects
#                                            and C, two noises, own prompts, and the contenders of mini/assets/finalists.json
#   mini/tools/evidence.sh --questions [HALF…]  after --short: strengths, sparsity, ranks, λ, coefficients, aligned columns, styles
#                                            from one image, a second training seed, LoRAs of both, two styles and several subjects
#                                            in one file, for docs/questions.md
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

# draws and scores what is not there yet
compare=(build/ziplora evaluate --steps 8 --scheduler dpm++-2m --guidance-scale 3 --batch-size 8)

# in_parts COMMAND…: one process a core, each with its share
in_parts() {
  local part pids=()
  for ((part = 1; part <= parts; ++part)); do "$@" --shard "$part/$parts" & pids+=($!); done
  trap 'kill -TERM "${pids[@]}" 2>/dev/null; wait; exit 130' INT TERM  # what a script starts by & ignores INT
  for pid in "${pids[@]}"; do wait "$pid"; done
  trap - INT TERM
}

# answer_questions HALF: with the LoRAs that are there, and those of both for the first pairs, and styles from one image
answer_questions() {
  local folder="$out/$1" python=.venv/bin/python tools=mini/tools assets=mini/assets question
  local ask=("${compare[@]}" -o "$folder/evaluation" --group)
  "$python" "$tools/first_subjects.py" "$folder/manifest.json" --group B --count 10 --prompts 2
  "${ask[@]}" first "$folder/first-10-2.json" --methods "$assets/strengths.json"
  "$python" "$tools/strengths.py" "$folder/evaluation/images.csv"
  "$python" "$tools/first_subjects.py" "$folder/manifest.json" --group B --count 2 --prompts 4
  for question in sparsity ranks overlap_weights; do
    "${ask[@]}" first "$folder/first-2-4.json" --methods "$assets/$question.json"
  done
  "$python" "$tools/zip_coefficients.py" "$folder/evaluation"
  in_parts build/ziplora-mini regimes --half "$1" --groups A "${scope[@]}" --subjects 4 -o "$folder"
  "$python" "$tools/first_subjects.py" "$folder/manifest.json" --group A --count 4 --prompts 4
  "${ask[@]}" first "$folder/first-4-4.json" --methods "$assets/finalists.json"
  in_parts build/ziplora-mini regimes --half "$1" --groups B2 "${scope[@]}" -o "$folder"
  "${compare[@]}" "$folder/manifest.json" --group "B, seed 2" --methods "$assets/finalists.json" -o "$folder/evaluation"
  in_parts build/ziplora-mini regimes --half "$1" --groups B "${scope[@]}" --subjects 2 --together -o "$folder"
  "${ask[@]}" "B, together" "$folder/together.json" --methods "$assets/together.json"
  "$python" "$tools/aligned_columns.py" "$folder/first-2-4.json" -o "$folder/aligned"
  "$python" "$tools/two_styles.py" "$folder/first-2-4.json" -o "$folder/two_styles"
  "$python" "$tools/many_adapters.py" "$folder/manifest.json" -o "$folder/many"
}

(($#)) || set -- development report
for half in "$@"; do
  if [[ $questions ]]; then answer_questions "$half"; continue; fi
  echo "evidence: $half: training LoRAs into $out/$half" >&2
  in_parts build/ziplora-mini regimes --half "$half" --groups "$groups" "${scope[@]}" -o "$out/$half"
  echo "evidence: $half: merging and drawing" >&2
  table=("${compare[@]}" "$out/$half/manifest.json" --methods "mini/assets/$contenders.json" -o "$out/$half/evaluation")
  in_parts "${table[@]}"
  "${table[@]}"
done
