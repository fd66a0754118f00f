"""A DreamBooth iteration of the miniature's UNet here and with diffusers and peft, by turns, on the same machine.

    OMP_NUM_THREADS=1 .venv/bin/python tests/bench/dreambooth_iteration.py [--batch 8] [--rank 8] [--rounds 3]

Prints one JSON object: the fastest iteration of each (noise, forward, loss, backward, clipping, Adam; float32), in
seconds of wall time and of CPU time.
"""

import argparse
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "parity"))
import torch  # noqa: E402
from diffusers import UNet2DConditionModel  # noqa: E402
from mini_unet import MINI  # noqa: E402
from peft import LoraConfig  # noqa: E402
from probe_runner import run_probe  # noqa: E402

ATTENTION = ["to_q", "to_k", "to_v", "to_out.0"]

def in_python(unet, optimizer, inputs):
    optimizer.zero_grad()
    added = {"text_embeds": inputs["text_embeds"], "time_ids": inputs["time_ids"]}
    noisy = 0.7 * inputs["latents"] + 0.7 * inputs["noise"]
    out = unet(noisy, inputs["timesteps"], inputs["prompt_embeds"], added_cond_kwargs=added).sample
    torch.nn.functional.mse_loss(out, inputs["noise"]).backward()
    trained = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    torch.nn.utils.clip_grad_norm_(trained, 1.0)
    optimizer.step()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.manual_seed(0)
    unet, batch = UNet2DConditionModel(**MINI), options.batch
    config = {k: v for k, v in unet.config.items() if not k.startswith("_")}
    unet.requires_grad_(False)
    unet.add_adapter(LoraConfig(r=options.rank, lora_alpha=options.rank, target_modules=ATTENTION))
    optimizer = torch.optim.AdamW([p for p in unet.parameters() if p.requires_grad], fused=True)
    inputs = {
        "latents": torch.randn(batch, 4, 16, 16), "noise": torch.randn(batch, 4, 16, 16),
        "timesteps": torch.randint(0, 1000, (batch,)), "prompt_embeds": torch.randn(batch, options.tokens, 320),
        "text_embeds": torch.randn(batch, 128), "time_ids": torch.tensor([[64.0, 64, 0, 0, 64, 64]]).repeat(batch, 1),
    }
    seconds = {}
    for _ in range(options.rounds):
        for _ in range(3):
            wall, cpu = time.perf_counter(), time.process_time()
            in_python(unet, optimizer, inputs)
            keep(seconds, "diffusers", time.perf_counter() - wall, time.process_time() - cpu)
        _, values = run_probe("dreambooth_iteration", inputs, config=config, iterations=4, rank=options.rank)
        keep(seconds, "ziplora", min(values["wall_seconds"]), min(values["cpu_seconds"]))
    print(json.dumps({"batch": batch, "threads": torch.get_num_threads(), "seconds": seconds}, indent=1))


def keep(seconds, name, wall, cpu):
    best = seconds.setdefault(name, {"wall": wall, "cpu": cpu})
    best["wall"], best["cpu"] = min(best["wall"], wall), min(best["cpu"], cpu)


if __name__ == "__main__":
    main()
