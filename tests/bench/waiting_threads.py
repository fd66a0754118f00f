"""What it costs and gains that threads sleep while they wait (cli/frame/sleeping_threads.h): iterations that train the
miniature's UNet, on this machine as it is and beside as many other programs as it has cores.

    .venv/bin/python tests/bench/waiting_threads.py [--batch 4] [--rounds 5]

Prints one JSON object: the median over the rounds of a round's fastest iteration, in seconds, with threads that sleep,
as ziplora's do, and as libgomp has them and as OMP_WAIT_POLICY=active asks; and theirs divided by ours. All take turns.
"""

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from side_by_side import BUILD, base_of, options
from safetensors.torch import save_file

THREADS = {"sleep": {"GOMP_SPINCOUNT": "1000"}, "libgomp's own": {}, "spin": {"OMP_WAIT_POLICY": "active"}}


def fastest(folder: Path, settings: dict[str, str]) -> float:
    ours = {name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    threads = {"OMP_NUM_THREADS": str(os.cpu_count())}
    subprocess.run([BUILD / "ziplora_probe", "unet_iteration", folder], env=ours | threads | settings, check=True)
    return min(json.loads((folder / "values.json").read_text())["seconds"])


@contextlib.contextmanager
def other_programs(count: int):
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for program in busy:
            program.kill()
            program.wait()


def medians(folder: Path, rounds: int) -> dict:
    turns = [{name: fastest(folder, settings) for name, settings in THREADS.items()} for _ in range(rounds)]
    seconds = {name: round(statistics.median(turn[name] for turn in turns), 4) for name in THREADS}
    ratios = {name: round(statistics.median(turn[name] / turn["sleep"] for turn in turns), 2) for name in THREADS}
    return {"seconds": seconds, "divided by sleep": ratios}


def main():
    parser = options(__doc__, full_size=False)
    parser.add_argument("--batch", type=int, default=4)
    arguments = parser.parse_args()
    with base_of(arguments) as base, tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        save_file(base.training_inputs(arguments.batch), folder / "inputs.safetensors")
        request = {"folder": str(base.folder), "iterations": 5, "checkpointing": False}
        (folder / "arguments.json").write_text(json.dumps(request))
        result = {"cores": os.cpu_count(), "batch": arguments.batch, "as it is": medians(folder, arguments.rounds or 5)}
        with other_programs(os.cpu_count()):
            result["beside others"] = medians(folder, arguments.rounds or 5)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
