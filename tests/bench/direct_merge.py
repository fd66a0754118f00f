"""Two rank-64 LoRAs for full SDXL (every attention and feed-forward layer, random) merged by `direct`, beside the time
that reading and writing the same bytes takes.

    .venv/bin/python tests/bench/direct_merge.py [--rank 64] [--rounds 3] [--folder /tmp/somewhere]

Prints one JSON object: the fastest seconds of each, with the inputs on the disk alone ("disk") and with them in memory
already ("memory"), their ratios, and the peak memory of the merge over the bytes of its result. Both sides write their
bytes through to the disk (fsync).
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

from described_base import write_random_lora
from full_size_base import SDXL
from side_by_side import BUILD, linear_layers, ratios

BLOCK = 1 << 22


def leave_on_disk(paths: list[Path]):
    """What the system keeps of them in memory is given up."""
    for path in paths:
        with open(path, "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read_and_write(inputs: list[Path], output: Path, size: int) -> float:
    """Seconds to read the inputs whole and to write `size` bytes."""
    start = time.perf_counter()
    block = b""
    for path in inputs:
        with open(path, "rb", buffering=0) as file:
            while read := file.read(BLOCK):
                block = read if len(read) == BLOCK else block
    with open(output, "wb", buffering=0) as file:
        for begin in range(0, size, BLOCK):
            file.write(block[:size - begin])
        os.fsync(file.fileno())
    seconds = time.perf_counter() - start
    output.unlink()
    return seconds


def merge(inputs: list[Path], output: Path) -> tuple[float, int]:
    """Seconds from start to end, and peak memory in bytes as the program tells it: a child's ru_maxrss would begin at
    the peak of this process."""
    start = time.perf_counter()
    done = subprocess.run([BUILD / "ziplora", "merge", "--method", "direct", "--subject", inputs[0], "--style",
                           f"{inputs[1]}:0.8", "--json", "-o", output], check=True, capture_output=True, text=True)
    return time.perf_counter() - start, json.loads(done.stdout)["peak_memory_bytes"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rank", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        inputs = [Path(folder) / f"{name}.safetensors" for name in ("subject", "style")]
        for seed, path in enumerate(inputs):
            write_random_lora(path, arguments.rank, seed, linear_layers(SDXL.unet))
        output = Path(folder) / "merged.safetensors"
        result = {}
        for where in ("disk", "memory"):
            merges, bytes_alone = [], []
            for _ in range(arguments.rounds):
                for measured, work in ((merges, lambda: merge(inputs, output)),
                                       (bytes_alone, lambda: read_and_write(inputs, Path(folder) / "bytes", size))):
                    if where == "disk":
                        leave_on_disk(inputs)
                    measured.append(work())
                    size = output.stat().st_size
            sides = {"ziplora": {"seconds": min(merges)[0]}, "bytes_alone": {"seconds": min(bytes_alone)}}
            result[where] = sides | {"ratio": ratios(*sides.values())}
        memory = max(memory for _, memory in merges)
        print(json.dumps({"input_bytes": sum(path.stat().st_size for path in inputs), "output_bytes": size, **result,
                          "peak_memory_bytes": memory, "peak_over_output": round(memory / size, 3)}, indent=1))


if __name__ == "__main__":
    main()
