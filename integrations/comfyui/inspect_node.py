"""*LoRA Inspect*: what a LoRA file is, what is wrong with it, and which programs load it, as the program prints it."""

import subprocess
import sys

from .model_folders import base_names, base_paths, digest, lora_names, lora_path
from .package import package


def report(file: str, bases: list[str]) -> str:
    """@throws RuntimeError with the program's error"""
    package()
    words = ["inspect", "--color=never", *(f"--base={base}" for base in bases), "--", file]
    done = subprocess.run([sys.executable, "-m", "ziplora", *words],
                          capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL)
    if done.returncode:
        raise RuntimeError(done.stderr.strip() or f"ziplora inspect ended with exit code {done.returncode}")
    return done.stdout


class LoraInspect:
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {
            "lora": (lora_names(),),
            "base": (base_names(), {"tooltip": "Compare with the layers of this checkpoint; (none): with SDXL's"})}}

    RETURN_TYPES = ("STRING",)
    RETURN_NAMES = ("report",)
    FUNCTION = "inspect"
    CATEGORY = "loaders/ziplora"
    OUTPUT_NODE = True
    DESCRIPTION = "Shows what a LoRA file is, its defects, how it was merged and who loads it. Wire it to Preview Any."

    @classmethod
    def IS_CHANGED(cls, lora, base):
        return [digest(file) for file in [lora_path(lora), *base_paths(base)]]

    def inspect(self, lora, base):
        text = report(lora_path(lora), base_paths(base))
        return {"ui": {"text": [text]}, "result": (text,)}
