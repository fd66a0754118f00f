"""Folders in PEFT's and diffusers' layout, and the configs in them and in metadata."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from .kind import INCOMPATIBLE, MALFORMED, BrokenFile, OddFile, tensors

MODULE = "mid_block.attentions.0.proj_in"  # [1280, 1280]
CONFIG = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["proj_in"]}
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 228472472\n"


def weights(prefix="base_model.model."):
    return {f"{prefix}{MODULE}.lora_A.weight": torch.full((2, 1280), 0.01),
            f"{prefix}{MODULE}.lora_B.weight": torch.full((1280, 2), 0.01)}


def folder_of(config=CONFIG, change=lambda folder: None):
    """A PEFT folder with this config: JSON, or text as it is."""
    def write(folder: Path) -> Path:
        path = folder / "adapter"
        path.mkdir()
        save_file(weights(), path / "adapter_model.safetensors")
        (path / "adapter_config.json").write_text(config if isinstance(config, str) else json.dumps(config))
        change(path)
        return path
    return write


def without_weights(name=None, content=b""):
    def change(folder):
        (folder / "adapter_model.safetensors").unlink()
        if name:
            (folder / name).write_bytes(content)
    return folder_of(change=change)


def replaced(name, make):
    def change(folder):
        (folder / name).unlink()
        make(folder / name)
    return folder_of(change=change)


def of_diffusers(metadata):
    return tensors(lambda: weights("unet."), {"lora_adapter_metadata": metadata})


def pipeline(folder: Path) -> Path:
    (folder / "model_index.json").write_text('{"_class_name": "StableDiffusionXLPipeline"}')
    (folder / "unet").mkdir()
    (folder / "unet" / "config.json").write_text("{}")
    return folder


def deep(levels=100_000):
    return '{"lora_alpha": 4, "x": ' + "[" * levels + "]" * levels + "}"


FOLDERS = {
    "pickle": (without_weights("adapter_model.bin", b"\x80\x02}"), MALFORMED, "a pickle, which can run code"),
    "no-weights": (without_weights(), MALFORMED, "adapter_model.safetensors is missing"),
    "weights-are-a-folder": (replaced("adapter_model.safetensors", Path.mkdir), MALFORMED, "this is a folder"),
    "weights-are-a-pointer": (replaced("adapter_model.safetensors", lambda path: path.write_text(LFS)), MALFORMED,
                              "git lfs pull"),
    "weights-are-cut": (replaced("adapter_model.safetensors", lambda path: path.write_bytes(b"\x90\0\0")), MALFORMED,
                        "the file has 3 bytes"),
    "config-is-a-folder": (replaced("adapter_config.json", Path.mkdir), MALFORMED, "this is a folder"),
    "config-is-empty": (folder_of(""), MALFORMED, "the file is empty"),
    "config-is-no-json": (folder_of("{'r': 2}"), MALFORMED, "not JSON"),
    "config-is-a-pointer": (folder_of(LFS), MALFORMED, "not JSON"),
    "config-is-an-array": (folder_of([CONFIG]), MALFORMED, "not a PEFT LoRA config"),
    "config-is-null": (folder_of("null"), MALFORMED, "not a PEFT LoRA config"),
    "config-nests-deep": (folder_of(deep()), MALFORMED, "nests deeper"),
    "no-alpha": (folder_of({"peft_type": "LORA", "r": 2}), MALFORMED, "lora_alpha"),
    "alpha-is-text": (folder_of(CONFIG | {"lora_alpha": "4"}), MALFORMED, "not a PEFT LoRA config"),
    "alpha-is-null": (folder_of(CONFIG | {"lora_alpha": None}), MALFORMED, "not a PEFT LoRA config"),
    "alpha-overflows": (folder_of('{"lora_alpha": 1e999}'), MALFORMED, "not JSON"),
    "type-is-a-number": (folder_of(CONFIG | {"peft_type": 1}), MALFORMED, "not a PEFT LoRA config"),
    "pattern-is-an-array": (folder_of(CONFIG | {"alpha_pattern": ["proj_in"]}), MALFORMED, "not a PEFT LoRA config"),
    "pattern-of-text": (folder_of(CONFIG | {"alpha_pattern": {"proj_in": "4"}}), MALFORMED, "not a PEFT LoRA config"),
    "prompt-tuning": (folder_of(CONFIG | {"peft_type": "PROMPT_TUNING"}), INCOMPATIBLE, "PROMPT_TUNING"),
    "vera": (folder_of(CONFIG | {"peft_type": "VERA"}), INCOMPATIBLE, "VERA"),
    "pipeline": (pipeline, MALFORMED, "no adapter_config.json"),
    "metadata-no-json": (of_diffusers("{"), MALFORMED, "not a JSON object"),
    "metadata-array": (of_diffusers("[]"), MALFORMED, "not a JSON object"),
    "metadata-nests-deep": (of_diffusers(deep()), MALFORMED, "not a JSON object"),
    "metadata-without-alpha": (of_diffusers('{"unet.r": 2}'), MALFORMED, "lora_alpha"),
    "metadata-alpha-text": (of_diffusers('{"unet.lora_alpha": "4"}'), MALFORMED, "not a PEFT LoRA config"),
    "metadata-pattern-null-alpha": (of_diffusers('{"unet.lora_alpha": 4, "unet.alpha_pattern": {"a": null}}'), MALFORMED,
                                    "not a PEFT LoRA config"),
}

BROKEN = [BrokenFile(f"peft/{name}", write, code, says) for name, (write, code, says) in FOLDERS.items()]

# Patterns are regular expressions; these would keep a backtracking matcher busy for years, or fill its stack.
BOMB = {"(a+)+" * 20 + "$": 8, "(.*.*.*.*)*=": 8, "(" * 100_000: 8, "[": 8}
ODD = [
    OddFile("peft/plain", folder_of(), 1),
    OddFile("peft/pattern-null", folder_of(CONFIG | {"alpha_pattern": None}), 1),
    OddFile("peft/unknown-fields", folder_of(CONFIG | {"corda_config": None, "x": [1]}), 1),
    OddFile("peft/hostile-patterns", folder_of(CONFIG | {"alpha_pattern": BOMB}), 1),
    OddFile("peft/recipe-nests-deep", tensors(lambda: weights("unet."), {"ziplora.recipe": deep()}), 1),
    OddFile("peft/tags-nest-deep", tensors(lambda: weights("unet."), {"ss_tag_frequency": deep()}), 1),
    OddFile("peft/metadata-no-utf8-escapes", tensors(lambda: weights("unet."), {"\x1b[31m": "\x1b[2J"}), 1),
]
