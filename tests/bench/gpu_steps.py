"""Runs programs with a time limit each, and keeps a JSON file up to date with what came of them: what the checks on a GPU
share. Needs only the standard library.

    report = Report(Path("out/gpu-check.json"), {"machine": …})
    report.step("ssr", 60, lambda limit: …)   # its dict, or how it failed; never an exception
"""

import json
import os
import subprocess
import threading
import time
from pathlib import Path

# Of all convolutions and products on the device: TensorFloat-32 keeps 10 bits of a float32.
WITHOUT_TF32 = {"NVIDIA_TF32_OVERRIDE": "0"}


class Report:
    """Written anew after each step, so that a machine that goes away leaves what is done."""

    def __init__(self, path: Path, about: dict):
        self.path, self.values = path, {"about": about, "steps": {}, "failures": {}}
        self.write()

    def write(self):
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps(self.values, indent=1))
        part.rename(self.path)

    def step(self, name: str, limit: float, work):
        """work(limit in seconds) → dict, in which a key `failed` names a result that is not as it should be."""
        begin = time.perf_counter()
        try:
            values = work(limit)
        except subprocess.TimeoutExpired:
            values = {"failed": f"not done within {limit} s"}
        except Exception as error:  # one step's failure loses no other
            values = {"failed": f"{type(error).__name__}: {error}"[-2000:]}
        values["wall_seconds"] = round(time.perf_counter() - begin, 2)
        self.values["steps"][name] = values
        if "failed" in values:
            self.values["failures"][name] = values["failed"]
        self.write()
        print(name, json.dumps(values), flush=True)


def check_output(command: list, limit: float, env: dict | None = None) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=limit,
                          env=os.environ | (env or {}))
    if done.returncode:
        raise RuntimeError(f"exit code {done.returncode}: {done.stderr[-1500:]}")
    return done.stdout


class DeviceMemory:
    """The most memory of the device that was in use between the begin and the end of a `with`, by all processes, as
    nvidia-smi tells it five times a second. It counts what LibTorch's allocator keeps for later. `peak_bytes` is None
    without nvidia-smi."""

    QUERY = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits", "-i", "0"]

    def __enter__(self):
        self.peak_bytes, self._done = None, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()

    def _watch(self):
        while not self._done.wait(0.2):
            try:
                used = int(subprocess.check_output(self.QUERY, text=True, stderr=subprocess.DEVNULL)) << 20
            except (OSError, subprocess.CalledProcessError, ValueError):
                return
            self.peak_bytes = max(self.peak_bytes or 0, used)


def timed_run(command: list, stage: str, limit: float) -> dict:
    """A program of ours with --json: seconds of a step of a stage (the mean of all but the first two), of the whole, and
    the peaks of memory."""
    with DeviceMemory() as device:
        process = subprocess.Popen([*map(str, command), "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True)
        timer = threading.Timer(limit, process.kill)
        timer.start()
        ends, last = [], ""
        for last in process.stderr:
            event = json.loads(last) if last.startswith("{") else {}
            if event.get("event") == "step" and event["stage"] == stage:
                ends.append(time.perf_counter())
        output = process.stdout.read()
        code = process.wait()
        in_time = timer.is_alive()
        timer.cancel()
    if code:
        raise RuntimeError(f"exit code {code}: {last[-1500:]}" if in_time else f"not done within {limit} s")
    result = json.loads(output)
    values = {"seconds": round(result["seconds"], 2), "peak_host_memory_gb": round(result["peak_memory_bytes"] / 1e9, 2),
              "peak_device_memory_gb": device.peak_bytes and round(device.peak_bytes / 1e9, 2)}
    values["stages"] = {stage["stage"]: {"seconds": round(stage["seconds"], 2),
                                         "peak_host_memory_gb": round(stage["peak_memory_bytes"] / 1e9, 2)}
                        for stage in result.get("stages", [])}
    if len(ends) > 3:
        values["seconds_a_step"] = round((ends[-1] - ends[1]) / (len(ends) - 2), 4)
    return values
