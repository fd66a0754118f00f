"""An iteration that trains the whole UNet of the miniature here and in diffusers, from the same weights.

    OMP_NUM_THREADS=2 .venv/bin/python tests/bench/unet_iteration.py [--batch 64] [--rounds 3]

Prints one JSON object: the fastest iteration of each (forward, mean squared error, backward; float32) and the fastest
forward pass, in seconds, and the peak memory of each process; how it is measured: side_by_side.py.
"""

import torch
from side_by_side import Clock, base_of, compare, load_unet, options, print_result, run_in_probe, run_in_python, start


def in_python(inputs, folder, iterations, checkpointing):
    unet = load_unet(folder, torch.float32, checkpointing)
    added = {"text_embeds": inputs["text_embeds"], "time_ids": inputs["time_ids"]}
    losses, forward, clock = [], Clock(), Clock()
    for _ in range(iterations):
        unet.zero_grad(set_to_none=True)
        forward.begin()
        prediction = unet(inputs["latents"], inputs["timesteps"], inputs["prompt_embeds"],
                          added_cond_kwargs=added).sample
        forward.lap()
        loss = torch.nn.functional.mse_loss(prediction, inputs["noise"])
        loss.backward()
        clock.lap()
        losses.append(loss.item())
    return clock.values() | {"forward_seconds": forward.seconds, "losses": losses}


def main():
    parser = options(__doc__, full_size=False)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--gradient-checkpointing", action="store_true")
    arguments = parser.parse_args()
    with base_of(arguments) as base:
        inputs = base.training_inputs(arguments.batch)
        request = dict(folder=str(base.folder), iterations=3, checkpointing=arguments.gradient_checkpointing)
        result = compare(base, lambda: run_in_probe("unet_iteration", inputs, **request),
                         lambda: run_in_python(__file__, inputs, **request), arguments.rounds)
        print_result(base, result, batch=arguments.batch, gradient_checkpointing=arguments.gradient_checkpointing)


if __name__ == "__main__":
    start(main, in_python)
