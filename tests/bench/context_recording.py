"""How much a closed form has to see: the distance of its merged ΔW from the one that eight times the most images and 25
steps give, in parts of the plain sum's distance, for fewer images and steps.

    make demo && .venv/bin/python tests/bench/context_recording.py ssr [out/demo]

Prints a table; three seeds in each cell.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from safetensors.torch import load_file
from side_by_side import BUILD, ROOT

STEPS, SEEDS = (1, 2, 4, 8), (0, 1, 2)
IMAGES = {"ssr": (1, 2, 4), "route": (1, 4, 16), "zip-solve": (1, 4, 16)}


def deltas(file: Path) -> dict:
    tensors = load_file(file)
    found = {}
    for name, down in tensors.items():
        if name.endswith(".lora_down.weight"):
            module = name.removesuffix(".lora_down.weight")
            alpha = tensors.get(f"{module}.alpha")
            scale = 1 if alpha is None else alpha.item() / down.shape[0]
            found[module] = scale * tensors[f"{module}.lora_up.weight"].flatten(1).double() @ down.flatten(1).double()
    return found


def distance(a: dict, b: dict) -> float:
    return sum((a[name] - b[name]).square().sum().item() for name in b) ** 0.5


def main(form: str, demo: Path):
    with tempfile.TemporaryDirectory() as scratch:
        def merged(method: str, *options) -> dict:
            output = Path(scratch) / "merged.safetensors"
            subprocess.run([BUILD / "ziplora", "merge", "--method", method, "--subject", demo / "subject.safetensors", "--style",
                            demo / "style.safetensors", "--file-dtype", "float32", "-o", output, *map(str, options)],
                           check=True, capture_output=True)
            return deltas(output)

        sure = merged(form, "--context-images", 8 * IMAGES[form][-1], "--context-steps", 25, "--seed", 99)
        whole = distance(merged("direct"), sure)
        for images in IMAGES[form]:
            cells = []
            for steps in STEPS:
                options = ("--context-images", images, "--context-steps", steps)
                cells.append(", ".join(f"{distance(merged(form, *options, '--seed', seed), sure) / whole:.2f}" for seed in SEEDS))
            print(f"| {images} image{'s' if images > 1 else ''} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "out/demo")
