"""A training iteration of the miniature's UNet here and in diffusers, by turns, on the same machine.

    OMP_NUM_THREADS=2 .venv/bin/python tests/bench/unet_iteration.py [--batch 64] [--rounds 3]

Prints one JSON object: the fastest iteration of each (forward, mean squared error, backward; float32), in seconds.
"""

import argparse
import json
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "parity"), str(Path(__file__).resolve().parent)]
import torch  # noqa: E402
from diffusers import UNet2DConditionModel  # noqa: E402
from mini_unet import MINI  # noqa: E402
from probe_runner import run_probe  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.manual_seed(0)
    unet = UNet2DConditionModel(**MINI)
    batch = options.batch
    inputs = {
        "sample": torch.randn(batch, 4, 16, 16), "noise": torch.randn(batch, 4, 16, 16),
        "timestep": torch.randint(0, 1000, (batch,)), "encoder_hidden_states": torch.randn(batch, 77, 320),
        "text_embeds": torch.randn(batch, 128),
        "time_ids": torch.tensor([[128.0, 128, 0, 0, 128, 128]]).repeat(batch, 1),
    }
    added = {"text_embeds": inputs["text_embeds"], "time_ids": inputs["time_ids"]}
    config = {k: v for k, v in unet.config.items() if not k.startswith("_")}
    best = {"diffusers_seconds": float("inf"), "diffusers_forward_seconds": float("inf"),
            "ziplora_seconds": float("inf"), "ziplora_forward_seconds": float("inf")}

    def keep(key, seconds):
        best[key] = min(best[key], seconds)

    for _ in range(options.rounds):
        for _ in range(2):
            unet.zero_grad(set_to_none=True)
            begin = time.perf_counter()
            out = unet(inputs["sample"], inputs["timestep"], inputs["encoder_hidden_states"],
                       added_cond_kwargs=added).sample
            middle = time.perf_counter()
            torch.nn.functional.mse_loss(out, inputs["noise"]).backward()
            keep("diffusers_forward_seconds", middle - begin)
            keep("diffusers_seconds", time.perf_counter() - begin)
        _, values = run_probe("unet_iteration", inputs, config=config, iterations=3)
        keep("ziplora_forward_seconds", min(values["forward_seconds"]))
        keep("ziplora_seconds", min(values["seconds"]))
    best["ratio"] = best["ziplora_seconds"] / best["diffusers_seconds"]
    print(json.dumps({"batch": batch, "threads": torch.get_num_threads(), **best}, indent=1))


if __name__ == "__main__":
    main()
