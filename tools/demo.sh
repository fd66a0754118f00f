#!/usr/bin/env bash
# The main job on the miniature: learn a subject from five images (a blue cat, which the base draws
# only as a negative) and a style from eight, merge both into one LoRA file, and draw a sheet that compares the ways to merge.
# Everything lands in out/demo.
#   tools/demo.sh FOLDER     … in another folder
set -euo pipefail
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-passive}"  # spinning threads make a busy machine ten times slower
cd "$(dirname "$0")/.."
started=$SECONDS
say() { printf '\ndemo %s (after %d s)\n' "$1" "$((SECONDS - started))" >&2; }

say "1/7: install what is missing and build"
tools/setup.sh engine
tools/build.sh "${ZIPLORA_PRESET:-release}" build ziplora >&2  # the preset of the tests that run this

out="${1:-out/demo}"
rm -rf "$out"
mkdir -p "$out/reports"
ziplora() { echo "\$ ziplora ${*@Q}" >&2; build/ziplora "$@"; }
subject="a sks cat face" style="in szn style" truth=assets/demo/truth
columns=(--column "direct merge=$out/direct.safetensors" --column "ZipLoRA=$out/zip.safetensors"
  --column "ssr, joint prompt=$out/ssr.safetensors")

say "2/7: train a LoRA of the subject on five images"
ziplora train assets/demo/subject --prompt "$subject" -o "$out/subject.safetensors" --run-folder "$out/runs/subject" \
  --report "$out/reports/train_subject.json"
say "3/7: train a LoRA of the style on eight images"
ziplora train assets/demo/style --prompt "a fox, $style" --targets linear --lr 1e-3 --iterations 400 --views 4 \
  -o "$out/style.safetensors" --run-folder "$out/runs/style" --report "$out/reports/train_style.json"
say "4/7: merge both directly, for comparison"
ziplora merge --method direct --subject "$out/subject.safetensors" --style "$out/style.safetensors" \
  -o "$out/direct.safetensors" --report "$out/reports/merge_direct.json"
say "5/7: merge both by ZipLoRA, and in closed form with the joint prompt"
ziplora merge --method zip --subject "$out/subject.safetensors" --style "$out/style.safetensors" \
  -o "$out/zip.safetensors" --report "$out/reports/merge_zip.json"
ziplora merge --subject "$out/subject.safetensors" --style "$out/style.safetensors" \
  -o "$out/ssr.safetensors" --report "$out/reports/merge_ssr.json"
say "6/7: draw a sheet that compares them, and one of four more seeds"
ziplora generate "$subject" "$subject, $style" "$subject next to a mushroom, $style" "$subject next to a balloon, $style" \
  "a dog face, $style" --grid --seed 1 --guidance-scale 3 --column "base=none" \
  --column "subject LoRA=$out/subject.safetensors" --column "style LoRA=$out/style.safetensors" "${columns[@]}" \
  --image-column "true drawing=assets/demo/subject/1.png,$truth/cat.png,$truth/mushroom.png,$truth/balloon.png,$truth/dog.png" \
  -o "$out/grid.png" --report "$out/reports/generate.json"
ziplora generate "$subject, $style" -n 4 --seed 2 --grid --guidance-scale 3 "${columns[@]}" -o "$out/seeds.png"
assets="$PWD/assets/demo"
cat > "$out/pairs.json" <<JSON
{"subjects": [{"name": "blue cat", "lora": "subject.safetensors", "prompt": "$subject", "images": "$assets/subject"}],
 "styles": [{"name": "outline", "lora": "style.safetensors", "prompt": "$style", "images": "$assets/style",
             "own_prompts": ["a fox, $style", "a rose, $style"]}],
 "prompts": ["{subject}, {style}", "{subject} next to a mushroom, {style}"], "seeds": [1, 2, 3, 4],
 "pairs": [{"subject": "blue cat", "style": "outline", "truths": ["$assets/truth/cat.png", "$assets/truth/mushroom.png"]}]}
JSON
say "7/7: inspect the merged file"
ziplora inspect "$out/ssr.safetensors"
python3 tools/demo_report.py "$out" "$((SECONDS - started))"
ziplora generate "$subject, $style" --guidance-scale 3 --adapter "$out/ssr.safetensors" --show -o "$out/cat.png"
