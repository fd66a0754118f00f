"""The CPU against a CUDA device on the miniature, both by ziplora: a UNet call with an adapter, the gradients of its
training, an iteration of zip, an image. Needs torch, safetensors, and build/ziplora_probe.

Each check gives ‖device − CPU‖ / ‖CPU‖ and its bound. In float32 (without TF32) a call has some hundred operations that
round by 6e-8, and the bound is 1e-4. An image repeats the call with guidance, which multiplies what differs by about its
scale of 5, so its bound is 1e-3. In bfloat16 both sides round the same exact values by 2^-9, so their distance may be
twice the one that the CPU's bfloat16 has from the CPU's float32, which is measured beside it.
"""

import json
import os
import tempfile
from pathlib import Path

import torch
from gpu_steps import WITHOUT_TF32, check_output
from safetensors import safe_open
from safetensors.torch import load_file, save_file

MINIATURE = Path(__file__).resolve().parents[2] / "assets" / "mini"
BUILD = Path(os.environ.get("ZIPLORA_BUILD", Path(__file__).resolve().parents[2] / "build"))
ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
RANK, ROWS, TOKENS, SIDE = 8, 2, 32, 16
BOUND, BOUND_OF_IMAGE = 1e-4, 1e-3


def probe(name: str, inputs: dict, limit: float, **arguments) -> tuple[dict, dict]:
    with tempfile.TemporaryDirectory() as folder:
        save_file({key: value.contiguous() for key, value in inputs.items()}, Path(folder) / "inputs.safetensors")
        (Path(folder) / "arguments.json").write_text(json.dumps(arguments))
        check_output([BUILD / "ziplora_probe", name, folder], limit, WITHOUT_TF32)
        return (load_file(Path(folder) / "outputs.safetensors"),
                json.loads((Path(folder) / "values.json").read_text()))


def conditioning(rows: int) -> dict[str, torch.Tensor]:
    return {"encoder_hidden_states": torch.randn(rows, TOKENS, 320), "text_embeds": torch.randn(rows, 320 - 6 * 32),
            "time_ids": torch.tensor([[64.0, 64, 0, 0, 64, 64]]).repeat(rows, 1)}


def attention_layers() -> dict[str, tuple[int, int]]:
    """(in, out) by path."""
    with safe_open(MINIATURE / "unet" / "diffusion_pytorch_model.safetensors", "pt") as weights:
        shapes = {name.removesuffix(".weight"): weights.get_slice(name).get_shape() for name in weights.keys()}
    return {path: (shape[1], shape[0]) for path, shape in shapes.items() if path.endswith(ATTENTION)}


def factors(prefix: str) -> dict[str, torch.Tensor]:
    result = {}
    for path, (width, height) in attention_layers().items():
        result[f"{prefix}down.{path}"] = torch.randn(RANK, width) / width ** 0.5
        result[f"{prefix}up.{path}"] = 0.3 * torch.randn(height, RANK) / RANK ** 0.5
    return result


def unet_call(device: str, dtype: str, limit: float) -> dict[str, torch.Tensor]:
    """The prediction, and all gradients of the adapter as one tensor."""
    torch.manual_seed(1)
    inputs = {"sample": torch.randn(ROWS, 4, SIDE, SIDE), "timestep": torch.tensor([11.0, 900.0]),
              "cotangent": torch.randn(ROWS, 4, SIDE, SIDE)} | conditioning(ROWS) | factors("")
    kept = ("timestep", "time_ids")
    inputs = {name: value if name in kept else value.to(getattr(torch, dtype)) for name, value in inputs.items()}
    outputs, _ = probe("unet", inputs, limit, folder=str(MINIATURE / "unet"), train_base=False, dtype=dtype,
                       device=device)
    return {"prediction": outputs["noise_pred"], "training gradient": all_gradients(outputs)}


def zip_iteration(device: str, dtype: str, limit: float) -> dict[str, torch.Tensor]:
    torch.manual_seed(2)
    inputs = {"noisy_latents": torch.randn(2, 2, 4, SIDE, SIDE), "timesteps": torch.randint(0, 1000, (2, 2)),
              **conditioning(2), **factors("0."), **factors("1.")}
    inputs |= {f"start.{k}.unet.{path}": torch.ones(width) for k in range(2)
               for path, (width, _) in attention_layers().items()}
    kept = ("timesteps", "time_ids")
    inputs = {name: value if name in kept else value.to(getattr(torch, dtype)) for name, value in inputs.items()}
    outputs, values = probe(
        "zip", inputs, limit, folder=str(MINIATURE / "unet"), weights=[1.0, 1.0], device=device, overlap_weight=0.01,
        learned=[f"unet.{path}" for path in attention_layers()], overlap="mean-products", overlap_over="sum",
        joint_weight=0.0, joint_shares=[], learning_rate=0.01)
    return {"zip gradient": all_gradients(outputs), "zip losses": torch.tensor(values["history"][0])}


def all_gradients(outputs: dict[str, torch.Tensor]) -> torch.Tensor:
    return torch.cat([outputs[name].double().flatten() for name in sorted(outputs) if name.startswith("gradient.")])


def image(device: str, dtype: str, limit: float) -> dict[str, torch.Tensor]:
    with tempfile.TemporaryDirectory() as folder:
        latents = Path(folder) / "latents.safetensors"
        check_output([BUILD / "ziplora", "generate", "a fox at night, in twemoji style", "--base", MINIATURE, "--steps", 8,
                      "--dtype", dtype, "--device", device, "--save-latents", latents, "-o", Path(folder) / "fox.png"],
                     limit, WITHOUT_TF32)
        return {"image": load_file(latents)["latents"]}


CHECKS = {"unet": unet_call, "zip": zip_iteration, "image": image}


def distance(one: torch.Tensor, other: torch.Tensor) -> float:
    one, other = one.double(), other.double()
    return float((one - other).norm() / other.norm())


def parity(check, device: str, limit: float) -> dict:
    """Distances and bounds in both types. Each run has a quarter of `limit`."""
    runs = {(where, dtype): check(where, dtype, limit / 4) for where in ("cpu", device)
            for dtype in ("float32", "bfloat16")}
    values, beyond = {}, []
    for name in runs["cpu", "float32"]:
        single = distance(runs[device, "float32"][name], runs["cpu", "float32"][name])
        half = distance(runs[device, "bfloat16"][name], runs["cpu", "bfloat16"][name])
        bounds = (BOUND_OF_IMAGE if name == "image" else BOUND,
                  2 * distance(runs["cpu", "bfloat16"][name], runs["cpu", "float32"][name]))
        values[name] = {"float32": single, "float32_bound": bounds[0], "bfloat16": half, "bfloat16_bound": bounds[1]}
        beyond += [f"{name} in {dtype}" for dtype, found, bound in
                   (("float32", single, bounds[0]), ("bfloat16", half, bounds[1])) if not found <= bound]
    return values | ({"failed": "beyond the bound: " + ", ".join(beyond)} if beyond else {})
