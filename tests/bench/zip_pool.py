"""What `zip --pool` changes: losses, and the distance of the merged ΔW from that of fresh batches, beside the distance of
fresh batches under other seeds, in parts of the plain sum's; and the median seconds of an iteration.

    make demo && .venv/bin/python tests/bench/zip_pool.py [out/demo]

Prints a table: a row a pool (0: fresh batches), means over the seeds. All pools of a seed run in turn, so that what slows the
machine slows them alike. Fidelity is measured on 64 draws that no iteration sees,
the same for all pools of a seed.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import mean, median

from context_recording import deltas, distance
from side_by_side import BUILD, ROOT

POOLS, SEEDS = (0, 10, 25, 50), (0, 1, 2, 3)


def main(demo: Path):
    with tempfile.TemporaryDirectory() as scratch:
        def merged(*options) -> tuple[dict, dict]:
            output = Path(scratch) / "merged.safetensors"
            done = subprocess.run([BUILD / "ziplora", "merge", "--subject", demo / "subject.safetensors", "--style",
                                   demo / "style.safetensors", "--file-dtype", "float32", "-o", output, "--json",
                                   *map(str, options)], check=True, capture_output=True, text=True)
            return deltas(output), json.loads(done.stdout)

        plain, _ = merged("--method", "direct")
        runs = {(seed, pool): merged("--method", "zip", "--pool", pool, "--seed", seed, "--evaluation-draws", 64) for seed in SEEDS for pool in POOLS}
        fresh = {seed: runs[seed, 0][0] for seed in SEEDS}
        whole = mean(distance(plain, delta) for delta in fresh.values())
        print("| pool | fidelity of subject, style | overlap | from fresh batches, same seed | other seeds | s an iteration |")
        for pool in POOLS:
            same = mean(distance(runs[seed, pool][0], fresh[seed]) for seed in SEEDS) / whole
            other = mean(distance(runs[seed, pool][0], fresh[s]) for seed in SEEDS for s in SEEDS if s != seed) / whole
            results = [runs[seed, pool][1] for seed in SEEDS]
            fidelity = [mean(r["fidelity"][name]["after"] for r in results) for name in ("subject", "style")]
            overlap = mean(r["overlap"]["after"] for r in results)
            seconds = median(r["seconds_per_iteration"] for r in results)
            print(f"| {pool} | {fidelity[0]:.4f}, {fidelity[1]:.4f} | {overlap:.3f} | {same:.3f} | {other:.3f} | {seconds:.3f} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "out/demo")
