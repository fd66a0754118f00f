"""What `zip --pool` changes: losses, and the distance of the merged ΔW from that of fresh batches, beside the distance of
fresh batches under other seeds, in parts of the plain sum's; and the seconds of an iteration.

    make demo && .venv/bin/python tests/bench/zip_pool.py [out/demo]

Prints a table: a row a pool (0: fresh batches), means over the seeds. Fidelity is measured on 64 draws that no iteration sees,
the same for all pools of a seed.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import mean

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
        fresh = {}
        print("| pool | fidelity of subject, style | overlap | distance from fresh batches, same seed | from another seed | s an iteration |")
        for pool in POOLS:
            results, same, other = [], [], []
            for seed in SEEDS:
                delta, result = merged("--pool", pool, "--seed", seed, "--evaluation-draws", 64)
                results.append(result)
                if pool == 0:
                    fresh[seed] = delta
                    whole = distance(plain, delta)
                same.append(distance(delta, fresh[seed]) / whole)
                other += [distance(delta, fresh[s]) / whole for s in fresh if s != seed]
            fidelity = [mean(r["fidelity"][name]["after"] for r in results) for name in ("subject", "style")]
            overlap = mean(r["overlap"]["after"] for r in results)
            seconds = min(r["seconds_per_iteration"] for r in results)
            print(f"| {pool} | {fidelity[0]:.4f}, {fidelity[1]:.4f} | {overlap:.3f} | {mean(same):.3f} | {mean(other):.3f} | {seconds:.3f} |", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "out/demo")
