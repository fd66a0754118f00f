"""What the benchmarks beside Python share: the base and the LoRA factors of both sides, processes, turns, the result.

Both sides load one diffusers folder and one file of inputs, and each runs in a process of its own: ours in
build/ziplora_probe or build/ziplora, Python's in `<benchmark>.py --in-python FOLDER`. They take turns; of the seconds
the fastest iteration of all turns counts, of the memory the largest turn.

Peak memory is VmHWM in /proc/<pid>/status after the last iteration, of the side's own process: the most that was
resident since it was started, with its libraries, loading, and the mapped pages of the weights it has touched. Not
ru_maxrss of the child, which begins at the peak of the process that started it.

    def in_python(inputs, folder, dtype, iterations): …   # returns Clock.values() | {"losses": […]}

    def main():
        arguments = options(__doc__).parse_args()
        with base_of(arguments) as base:
            result = compare(base, lambda: run_in_probe(…), lambda: run_in_python(__file__, …), arguments.rounds)
            print_result(base, result)

    if __name__ == "__main__":
        start(main, in_python)
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "parity"), str(ROOT / "tests" / "support")]
import torch  # noqa: E402
from probe_runner import BUILD, run_probe  # noqa: E402, F401
from safetensors.torch import load_file, save_file  # noqa: E402

ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
# The largest relative difference of a loss that rounding explains.
LOSS_TOLERANCE = {"float32": 1e-3, "bfloat16": 0.1}
DIFFERENCE = "largest_difference_of_a_loss"


@dataclass(frozen=True)
class Base:
    """The model that both sides load, and the sizes of the work on it."""
    shapes: str
    folder: Path
    dtype: str
    rank: int
    side: int  # of the latents
    tokens: int

    @property
    def pixels(self) -> int:
        vae = json.loads((self.folder / "vae" / "config.json").read_text())
        return self.side << (len(vae["block_out_channels"]) - 1)

    def unet_config(self) -> dict:
        return json.loads((self.folder / "unet" / "config.json").read_text())

    def conditioning(self, rows: int) -> dict[str, torch.Tensor]:
        config = self.unet_config()
        pooled = config["projection_class_embeddings_input_dim"] - 6 * config["addition_time_embed_dim"]
        size = float(self.pixels)
        return {"prompt_embeds": torch.randn(rows, self.tokens, config["cross_attention_dim"]),
                "text_embeds": torch.randn(rows, pooled),
                "time_ids": torch.tensor([[size, size, 0, 0, size, size]]).repeat(rows, 1)}

    def training_inputs(self, batch: int) -> dict[str, torch.Tensor]:
        channels = self.unet_config()["in_channels"]
        return self.conditioning(batch) | {
            "latents": torch.randn(batch, channels, self.side, self.side),
            "noise": torch.randn(batch, channels, self.side, self.side), "timesteps": torch.randint(0, 1000, (batch,))}

    def attention_layers(self) -> dict[str, tuple[int, int]]:
        """(in, out) of the projections that a LoRA of the paper has, by path."""
        return {path: size for path, size in linear_layers(self.unet_config()).items() if path.endswith(ATTENTION)}


def linear_layers(unet_config: dict) -> dict[str, tuple[int, int]]:
    """(in, out) of the linear layers of the UNet's attentions and feed-forwards, by path."""
    from diffusers import UNet2DConditionModel
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(unet_config)
    return {path: (module.in_features, module.out_features) for path, module in unet.named_modules()
            if isinstance(module, torch.nn.Linear) and (".attn" in path or ".ff." in path)}


def load_unet(folder: str, dtype: torch.dtype, checkpointing: bool):
    """diffusers' UNet of the folder."""
    from diffusers import UNet2DConditionModel
    unet = UNet2DConditionModel.from_pretrained(folder, subfolder="unet", torch_dtype=dtype)
    if checkpointing:
        unet.enable_gradient_checkpointing()
    return unet


def options(doc: str, full_size=True) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.set_defaults(sdxl=False, keep=None)
    if full_size:
        parser.add_argument("--sdxl", action="store_true", help="SDXL's full shapes: random weights, bfloat16, 512 px")
        parser.add_argument("--keep", type=Path, metavar="FOLDER",
                            help="where the full-size base is written and left; used again if it is there")
    parser.add_argument("--rounds", type=int, help="turns of each side; by default 3, with --sdxl 1")
    return parser


@contextlib.contextmanager
def base_of(arguments, full_size=None):
    """The base that the options name; without --keep the full-size one is gone afterwards.

    @param full_size  configs in place of SDXL's (full_size_base.Configs), to try its code on something small
    """
    torch.manual_seed(0)
    if not arguments.sdxl:
        yield Base("mini", ROOT / "assets" / "mini", "float32", rank=8, side=16, tokens=32)
        return
    import full_size_base
    with contextlib.ExitStack() as stack:
        folder = arguments.keep or Path(stack.enter_context(tempfile.TemporaryDirectory())) / "sdxl"
        full_size_base.write_once(folder, full_size or full_size_base.SDXL)
        yield Base("sdxl", folder, "bfloat16", rank=64, side=64, tokens=77)


class Clock:
    """Wall and CPU seconds of each lap, and this process's memory. The probes have the same (iteration_clock.h)."""

    def __init__(self):
        self.seconds, self.cpu_seconds = [], []
        self.begin()

    def begin(self):
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def lap(self):
        self.seconds.append(time.perf_counter() - self._wall)
        self.cpu_seconds.append(time.process_time() - self._cpu)
        self.begin()

    def values(self) -> dict:
        return {"seconds": self.seconds, "cpu_seconds": self.cpu_seconds, "peak_memory_bytes": peak_memory_bytes()}


def peak_memory_bytes(process="self") -> int:
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def run_in_python(script: str, inputs: dict[str, torch.Tensor] | None = None, **arguments) -> dict:
    """What `in_python(inputs, **arguments)` of the script returns, run in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "arguments.json").write_text(json.dumps(arguments))
        save_file(inputs or {}, Path(folder) / "inputs.safetensors")
        done = subprocess.run([sys.executable, "-W", "ignore", script, "--in-python", folder], capture_output=True,
                              text=True)
        if done.returncode:
            sys.exit(f"the Python side failed ({done.returncode}):\n{done.stderr}")
        return json.loads((Path(folder) / "values.json").read_text())


def run_in_probe(name: str, inputs: dict[str, torch.Tensor], **arguments) -> dict:
    return run_probe(name, inputs, **arguments)[1]


def start(main, in_python):
    """`main`, or in the child that run_in_python starts the Python side alone."""
    if sys.argv[1:2] != ["--in-python"]:
        main()
        return
    folder = Path(sys.argv[2])
    arguments = json.loads((folder / "arguments.json").read_text())
    values = in_python(load_file(folder / "inputs.safetensors"), **arguments)
    (folder / "values.json").write_text(json.dumps(values))


def compare(base: Base, ours, python, rounds: int | None) -> dict:
    """Turns of both sides → the best of each and their ratios. A side returns lists of seconds (of iterations),
    peaks of memory and, if the work has any, the losses of its iterations, by which it shows to be the same work."""
    best, losses = {"ziplora": {}, "python": {}}, {}
    for _ in range(rounds or (1 if base.shapes == "sdxl" else 3)):
        for name, side in (("ziplora", ours), ("python", python)):
            values = side()
            losses[name] = values.pop("losses", [])
            for key, value in values.items():
                if key.endswith("seconds"):
                    best[name][key] = min([best[name].get(key, float("inf")), *value])
                else:
                    best[name][key] = max(best[name].get(key, 0), value)
    best["ziplora"] = {key: best["ziplora"][key] for key in best["python"]}  # in one order
    result = best | {"ratio": ratios(best["ziplora"], best["python"])}
    if losses["ziplora"]:
        result[DIFFERENCE] = max(abs(a - b) / abs(b) for a, b in zip(losses["ziplora"], losses["python"], strict=True))
    return result


def ratios(ours: dict, theirs: dict) -> dict:
    """Below 1: we are faster, or smaller."""
    return {key: round(ours[key] / theirs[key], 3) for key in ours}


def print_result(base: Base, result: dict, **settings):
    """The one form of all results: what was run, each side's figures, and ours divided by Python's."""
    threads = int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads()))
    about = {"benchmark": Path(sys.argv[0]).stem, "shapes": base.shapes, "dtype": base.dtype, "threads": threads}
    print(json.dumps(about | settings | result, indent=1))
    if not result.get(DIFFERENCE, 0) < LOSS_TOLERANCE[base.dtype]:
        sys.exit("the losses differ: both sides did not do the same work")
