#!/usr/bin/env bash
# The main job on the miniature: learn a subject that it has never seen from five images and a style that it has never
# seen from one, merge both into one LoRA file, and draw a sheet that compares them. Everything lands in out/demo.
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
subject="a sks animal" style="in szn style" truth=assets/demo/truth

say "2/7: train a LoRA of the subject on five images"
ziplora train assets/demo/subject --prompt "$subject" -o "$out/subject.safetensors" --run-folder "$out/runs/subject" \
  --report "$out/reports/train_subject.json"
say "3/7: train a LoRA of the style on one image"
# Only the layers that read the prompt, and the image in parts. Otherwise the LoRA learns the fox's shape, or learns its
# colours only for what has no colour of its own.
ziplora train assets/demo/style --prompt "a fox, $style" --targets cross-attention --lr 1e-3 \
  --zoom 2 --random-flip --views 64 -o "$out/style.safetensors" --run-folder "$out/runs/style" --report "$out/reports/train_style.json"
say "4/7: merge both directly, for comparison"
ziplora merge --method direct --subject "$out/subject.safetensors" --style "$out/style.safetensors" \
  -o "$out/direct.safetensors" --report "$out/reports/merge_direct.json"
say "5/7: merge both by ZipLoRA"
ziplora merge --subject "$out/subject.safetensors" --style "$out/style.safetensors" \
  -o "$out/zip.safetensors" --report "$out/reports/merge_zip.json"
say "6/7: draw a sheet that compares them"
# At style strength 1 the chick stays yellow wherever the prompt names anything else.
ziplora generate "$subject" "$subject, $style" "$subject on the grass, $style" "$subject in the sea, $style" \
  "$subject next to a rose, $style" "a cat face, $style" --grid --seed 1 --guidance-scale 3 --style-strength 2 \
  --column "base=none" --column "subject LoRA=$out/subject.safetensors" --column "style LoRA=$out/style.safetensors" \
  --column "direct merge=$out/direct.safetensors" --column "ZipLoRA=$out/zip.safetensors" \
  --image-column "true drawing=assets/demo/subject/1.png,$truth/plain.png,$truth/grass.png,$truth/sea.png,$truth/rose.png,$truth/cat.png" \
  -o "$out/grid.png" --report "$out/reports/generate.json"
say "7/7: inspect the merged file"
ziplora inspect "$out/zip.safetensors"
python3 tools/demo_report.py "$out" "$((SECONDS - started))"
