"""Files of every form that ziplora writes, with every layer of SDXL that a LoRA can change but
text_projection, which lora_cases.py asks about.

    files = form_files(sdxl_modules(), folder)       # "kohya" -> Path, made by `ziplora merge --method direct`
    key_list(load_file(files["kohya"]))      # "lora_unet_….lora_down.weight [2, 320]"
"""

import hashlib
from pathlib import Path

import torch
from lora_cases import ALL_LAYERS, numbers
from program import run_ziplora
from safetensors.torch import save_file

# The forms that are one file; PEFT's is a folder that PEFT alone reads (tests/parity/test_lora_files.py runs it), and
# kohya-diffusers is in lora_cases.py with a few layers.
FORMS = ("kohya", "diffusers", "comfy")
SAMPLED = ALL_LAYERS
RANK, ALPHA = 2, 1.0


def source_tensors(modules):
    """Cheap to make and no two layers alike: each layer's factors differ from its neighbours' by their numbers."""
    tensors = {}
    for name, module in modules.items():
        down = numbers(name + " form down", RANK, *module.shape[1:])
        up = numbers(name + " form up", module.shape[0], RANK, *[1] * (len(module.shape) - 2))
        tensors |= {f"{module.flat_sgm}.lora_down.weight": down, f"{module.flat_sgm}.lora_up.weight": up,
                    f"{module.flat_sgm}.alpha": torch.tensor(ALPHA)}
    return tensors


def true_delta(name, modules):
    shape = modules[name].shape
    down = numbers(name + " form down", RANK, *shape[1:])
    up = numbers(name + " form up", shape[0], RANK, *[1] * (len(shape) - 2))
    return (up.flatten(1) @ down.flatten(1)) * ALPHA / RANK


def form_files(modules, folder: Path, forms=FORMS) -> dict[str, Path]:
    save_file(source_tensors(modules), folder / "source.safetensors", {"ss_base_model_version": "sdxl_base_v1-0"})
    files = {}
    for form in forms:
        files[form] = folder / f"{form}.safetensors"
        done = run_ziplora("merge", "--adapter", folder / "source.safetensors", "--method", "direct", "--format", form,
                           "--file-dtype", "float32", "-o", files[form])
        assert done.returncode == 0, done.stderr
    return files


def stem_of(module, form: str) -> str:
    """What the keys of a layer begin with, up to the dot before lora_down, lora_A or alpha."""
    if form == "kohya":
        return module.flat_sgm
    if form == "diffusers":
        return f"{module.component}.{module.path}"
    return {"unet": "diffusion_model.", "text_encoder": "text_encoders.clip_l.transformer.",
            "text_encoder_2": "text_encoders.clip_g.transformer."}[module.component] + module.sgm


def keys_by_layer(tensors, modules, form: str) -> dict[str, list[str]]:
    """Every key under the layer that it is of; a KeyError if it is of none."""
    names = {stem_of(module, form): name for name, module in modules.items()}
    keys = {}
    for key in sorted(tensors):
        stem = key.rsplit(".", 1)[0] if key.endswith(".alpha") else key.rsplit(".", 2)[0]
        keys.setdefault(names[stem], []).append(key)
    return keys


def key_list(tensors) -> list[str]:
    return [f"{key} {list(value.shape)}" for key, value in sorted(tensors.items())]


def fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
