"""An iteration of zip here and as the public implementation does it (dense ΔW, four forward passes), on one machine.

    OMP_NUM_THREADS=2 .venv/bin/python tests/bench/zip_iteration.py [--rank 8] [--rounds 3]
    OMP_NUM_THREADS=2 .venv/bin/python tests/bench/zip_iteration.py --sdxl    # full shapes, bfloat16, 512 px: ours alone

Prints one JSON object: the fastest iteration of each in seconds, and the peak memory of each process. The dense form at
full SDXL shapes needs 24 GB and a minute an iteration (3 × 955 million weights of ΔW), so it is left out there.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "parity"), str(Path(__file__).resolve().parent)]
from mini_unet import MINI, SDXL  # noqa: E402
from probe_runner import run_probe  # noqa: E402

ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")


def peak_memory_bytes() -> int:
    """Of this process. Not ru_maxrss, which begins at the peak of the process that started it."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def dense_iterations(rank, side, tokens, iterations):
    """Seconds of each iteration, and this process's peak memory."""
    import torch
    from diffusers import UNet2DConditionModel

    class DenseZip(torch.nn.Module):
        """y = (W0 + Σ m_k ⊗ ΔW_k) x with ΔW_k kept dense."""

        def __init__(self, base):
            super().__init__()
            self.base = base
            width = base.in_features
            self.deltas = [(torch.randn(base.out_features, rank) * 0.05) @ torch.randn(rank, width) / width ** 0.5
                           for _ in range(2)]
            self.m = torch.nn.ParameterList([torch.ones(width) for _ in range(2)])
            self.alone = None

        def forward(self, x):
            if self.alone is None:
                delta = self.deltas[0] * self.m[0] + self.deltas[1] * self.m[1]
            else:
                delta = self.deltas[self.alone]
            return self.base(x) + torch.nn.functional.linear(x, delta)

    torch.manual_seed(0)
    unet = UNet2DConditionModel(**MINI).requires_grad_(False)
    layers = []
    for path, module in list(unet.named_modules()):
        if path.endswith(ATTENTION) and isinstance(module, torch.nn.Linear):
            parent, _, name = path.rpartition(".")
            layers.append(DenseZip(module))
            setattr(unet.get_submodule(parent), name, layers[-1])
    optimizer = torch.optim.Adam([m for layer in layers for m in layer.m], lr=0.01)
    context, pooled = torch.randn(1, tokens, MINI["cross_attention_dim"]), torch.randn(1, 128)
    ids = torch.full((1, 6), 8.0 * side)

    def predict(noisy, timestep, alone):
        for layer in layers:
            layer.alone = alone
        return unet(noisy, timestep, context, added_cond_kwargs={"text_embeds": pooled, "time_ids": ids}).sample

    seconds = []
    for _ in range(iterations):
        begin = time.perf_counter()
        optimizer.zero_grad()
        loss = 0.0
        for k in range(2):
            noisy, timestep = torch.randn(1, 4, side, side), torch.randint(0, 1000, (1,))
            with torch.no_grad():
                target = predict(noisy, timestep, k)
            loss = loss + (predict(noisy, timestep, None) - target).square().mean()
        loss = loss + 0.01 * sum((layer.m[0] * layer.m[1]).abs().mean() for layer in layers)
        loss.backward()
        optimizer.step()
        seconds.append(time.perf_counter() - begin)
    return {"seconds": min(seconds), "peak_memory_bytes": peak_memory_bytes()}


def our_iterations(config, **arguments):
    _, values = run_probe("zip_iteration", config=config, adapters=2, checkpointing=False, **arguments)
    return {"seconds": min(values["seconds"]), "peak_memory_bytes": values["peak_memory_bytes"],
            "coefficients": values["coefficients"]}


def full_config(config):
    """As the model's config.json, with diffusers' defaults filled in."""
    from diffusers import UNet2DConditionModel
    import torch
    with torch.device("meta"):
        unet = UNet2DConditionModel(**config)
    return {k: v for k, v in unet.config.items() if not k.startswith("_")}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rank", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sdxl", action="store_true")
    parser.add_argument("--dense", action="store_true", help=argparse.SUPPRESS)  # this program as its own referee
    options = parser.parse_args()
    if options.dense:
        print(json.dumps(dense_iterations(options.rank, 16, 32, 5)))
        return
    if options.sdxl:
        ours = our_iterations(full_config(SDXL), dtype="bfloat16", rank=options.rank or 64, side=64, tokens=77,
                              iterations=2)
        print(json.dumps({"shapes": "sdxl", "ziplora": ours}, indent=1))
        return
    rank, config = options.rank or 8, full_config(MINI)
    best = {}
    for _ in range(options.rounds):
        ours = our_iterations(config, dtype="float32", rank=rank, side=16, tokens=32, iterations=8)
        dense = json.loads(subprocess.run([sys.executable, __file__, "--dense", "--rank", str(rank)], check=True,
                                          capture_output=True, text=True).stdout)
        for name, one in (("ziplora", ours), ("dense", dense)):
            best[name] = min(best.get(name, one), one, key=lambda values: values["seconds"])
    best["ratio"] = best["ziplora"]["seconds"] / best["dense"]["seconds"]
    best["memory_ratio"] = best["ziplora"]["peak_memory_bytes"] / best["dense"]["peak_memory_bytes"]
    print(json.dumps({"shapes": "mini", "rank": rank, **best}, indent=1))


if __name__ == "__main__":
    main()
