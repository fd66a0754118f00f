"""The programs that tests/bench/unet_call.py puts beside ours: each loads diffusers' UNet of a folder and calls it.

    engine = LiveEngine("openvino", folder, "bfloat16", inputs, warm_up=3)
    engine.noise_pred       # [rows, C, h, w] float32, of the first call
    engine.turn(calls=10)   # Clock.values()

Each lives in a process of its own, which converts and compiles once and sleeps between its turns. To add one: a
function (unet, inputs, dtype) → call, and a line in ENGINES.
"""

import importlib.util
import multiprocessing
import os
from dataclasses import dataclass
from typing import Callable

import torch
from side_by_side import Clock, load_unet


def converted(inputs: dict[str, torch.Tensor], dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """What ziplora computes in the model's dtype; the timesteps and the sizes of the image stay what they are."""
    return inputs | {name: inputs[name].to(dtype) for name in ("latents", "prompt_embeds", "text_embeds")}


def arguments_of(inputs: dict[str, torch.Tensor]) -> tuple:
    return tuple(inputs[name] for name in ("latents", "timesteps", "prompt_embeds", "text_embeds", "time_ids"))


class Positional(torch.nn.Module):
    """diffusers' UNet with one tensor for each argument, as a converter can trace it."""

    def __init__(self, unet):
        super().__init__()
        self.unet = unet

    def forward(self, latents, timesteps, prompt_embeds, text_embeds, time_ids):
        added = {"text_embeds": text_embeds, "time_ids": time_ids}
        return self.unet(latents, timesteps, prompt_embeds, added_cond_kwargs=added, return_dict=False)[0]


def eager(unet, inputs, dtype):
    model, arguments = Positional(unet), arguments_of(converted(inputs, dtype))
    return lambda: model(*arguments)


def compiled(unet, inputs, dtype):
    model, arguments = torch.compile(Positional(unet)), arguments_of(converted(inputs, dtype))
    return lambda: model(*arguments)


def openvino(unet, inputs, dtype):
    """Static shapes. The precision is named: without it OpenVINO may take bfloat16 for float32."""
    import openvino as ov
    arguments = arguments_of(inputs)
    model = ov.convert_model(Positional(unet), example_input=arguments,
                             input=[ov.PartialShape(list(tensor.shape)) for tensor in arguments])
    precision = {torch.float32: "f32", torch.bfloat16: "bf16"}[dtype]
    request = ov.Core().compile_model(model, "CPU", {
        "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads()))
    }).create_infer_request()
    arrays = [tensor.numpy() for tensor in arguments]
    return lambda: torch.from_numpy(request.infer(arrays, share_inputs=True)[0])


@dataclass(frozen=True)
class Engine:
    prepare: Callable
    package: str  # that it needs besides diffusers


ENGINES = {"diffusers": Engine(eager, "diffusers"),
           "diffusers_compiled": Engine(compiled, "diffusers"),
           "openvino": Engine(openvino, "openvino")}


def missing_package(name: str) -> str | None:
    package = ENGINES[name].package
    return None if importlib.util.find_spec(package) else package


def serve(pipe, name, folder, dtype, inputs, warm_up):
    stored_as = torch.float32 if name == "openvino" else getattr(torch, dtype)  # OpenVINO converts what it computes in
    unet = load_unet(folder, stored_as, False).requires_grad_(False).eval()
    with torch.inference_mode(name != "openvino"):  # whose tracing needs ordinary tensors
        call = ENGINES[name].prepare(unet, inputs, getattr(torch, dtype))
        for _ in range(warm_up):
            noise_pred = call()
        pipe.send(noise_pred.float().numpy())
        while calls := pipe.recv():
            clock = Clock()
            for _ in range(calls):
                call()
                clock.lap()
            pipe.send(clock.values())


class LiveEngine:
    def __init__(self, name: str, folder, dtype: str, inputs: dict[str, torch.Tensor], warm_up: int):
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, name, str(folder), dtype, inputs, warm_up))
        self.process.start()
        theirs.close()  # so that reading ends when the child does
        self.noise_pred = torch.from_numpy(self.pipe.recv())

    def turn(self, calls: int) -> dict:
        self.pipe.send(calls)
        return self.pipe.recv()

    def close(self):
        self.pipe.send(0)
        self.process.join()
