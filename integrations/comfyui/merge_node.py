"""*ZipLoRA Merge*: two or more LoRAs become one, which is saved among ComfyUI's LoRAs and applied to model and CLIP."""

from pathlib import Path

import nodes

from .model_folders import base_names, base_paths, digest, fingerprint, lora_names, lora_path, new_lora
from .options import complaint, help_text, lines_of, read_options
from .package import choices
from .watched_run import run

PROMPTS = ("subject_prompt", "style_prompt", "joint_prompt")
OF_WIDGETS = frozenset({"subject", "style", "adapter", "adapter_prompt", "method", "base", "format", "resume", *PROMPTS})

STRENGTH = ("FLOAT", {"default": 1.0, "min": -10.0, "max": 10.0, "step": 0.05})


def prompt_widget(tooltip: str):
    return ("STRING", {"multiline": True, "default": "", "tooltip": tooltip})


def merge_values(subject, subject_strength, style, style_strength, method, base, options, adapters=(),
                 **prompts) -> tuple[dict, list[str]]:
    """The keyword arguments of ziplora.merge without its output, and the files that they name.

    @throws ValueError if some further LoRAs have a prompt and others none
    """
    files = [lora_path(name) for name in (subject, style)] + [lora_path(name) for name, _, _ in adapters]
    strengths = [subject_strength, style_strength] + [strength for _, strength, _ in adapters]
    inputs = [f"{file}:{strength!r}" for file, strength in zip(files, strengths)]
    values = {"method": method, "subject": inputs[0], "style": inputs[1], **read_options("merge", options, OF_WIDGETS)}
    values |= {name: lines for name in PROMPTS if (lines := lines_of(prompts.get(name) or ""))}
    if adapters:
        values["adapter"] = inputs[2:]
    further_prompts = [prompt for _, _, prompt in adapters]
    if any(further_prompts):
        if not all(further_prompts):
            raise ValueError("adapters: some further LoRAs have a prompt and others none; give one to all or to none")
        values["adapter_prompt"] = further_prompts
    for path in base_paths(base):
        values["base"] = path
        files.append(path)
    return values, files


def merge_once(values: dict, files: list[str], prefix: str) -> str:
    """The name of the merged LoRA, which is not merged again if it is there."""
    name, output = new_lora(prefix, fingerprint("merge", values, files))
    if not output.exists():
        left = beside(output, "merge-state").exists()  # by a merge that was cancelled
        run("merge", {**values, "output": str(output), **({"resume": True} if left else {})})
        # zip's report for other programs; ComfyUI would offer it as a LoRA.
        beside(output, "coefficients").unlink(missing_ok=True)
    return name


def beside(output: Path, kind: str) -> Path:
    return output.with_name(f"{output.stem}.{kind}.safetensors")


class FurtherLora:
    """A third LoRA for the merge; its output may go into another node of the kind, and so on."""

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {
                "lora": (lora_names(),),
                "strength": STRENGTH,
                "prompt": prompt_widget("Keep this LoRA under this prompt; empty in all: their trained ones"),
            },
            "optional": {"before": ("ZIPLORA_LORAS",)},
        }

    RETURN_TYPES = ("ZIPLORA_LORAS",)
    FUNCTION = "add"
    CATEGORY = "loaders/ziplora"
    DESCRIPTION = "One more LoRA for ZipLoRA Merge."

    @classmethod
    def IS_CHANGED(cls, lora, **_):
        return digest(lora_path(lora))

    def add(self, lora, strength, prompt, before=()):
        return ([*before, (lora, strength, " ".join(lines_of(prompt)))],)


class ZipLoraMerge:
    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {
                "model": ("MODEL",),
                "clip": ("CLIP",),
                "subject": (lora_names(), {"tooltip": "The LoRA of the subject"}),
                "subject_strength": STRENGTH,
                "style": (lora_names(), {"tooltip": "The LoRA of the style"}),
                "style_strength": STRENGTH,
                "method": (choices("merge", "method"), {"tooltip": help_text("merge", OF_WIDGETS - {"method"})}),
                "base": (base_names(),
                         {"tooltip": "The checkpoint that zip, zip-solve, ssr and route learn on; the others need none"}),
                "subject_prompt": prompt_widget("Keep the subject under these prompts, one a line; empty: its trained one"),
                "style_prompt": prompt_widget("Keep the style under these prompts, one a line; empty: its trained one"),
                "joint_prompt": prompt_widget("Merge for these prompts of both, one a line; empty: made of the two others"),
                "options": prompt_widget(help_text("merge", OF_WIDGETS)),
                "strength": ("FLOAT", {"default": 1.0, "min": -10.0, "max": 10.0, "step": 0.05,
                                       "tooltip": "Of the merged LoRA on the model and on CLIP"}),
                "filename_prefix": ("STRING", {"default": "ziplora/merge",
                                               "tooltip": "The LoRA's name in the LoRA folder; a mark of its inputs follows"}),
            },
            "optional": {"adapters": ("ZIPLORA_LORAS",)},
        }

    RETURN_TYPES = ("MODEL", "CLIP", "STRING")
    RETURN_NAMES = ("MODEL", "CLIP", "lora_name")
    FUNCTION = "merge"
    CATEGORY = "loaders/ziplora"
    OUTPUT_NODE = True
    DESCRIPTION = "Merges LoRAs into one, saves it among the LoRAs, and applies it. The same inputs are merged once."

    @classmethod
    def VALIDATE_INPUTS(cls, method="", options=""):  # without what other nodes give
        if method and method not in choices("merge", "method"):
            return complaint("merge", "", OF_WIDGETS) or f"there is no method '{method}'"
        return complaint("merge", options, OF_WIDGETS) or True

    @classmethod
    def IS_CHANGED(cls, subject, style, base, **_):
        return [digest(file) for file in [lora_path(subject), lora_path(style), *base_paths(base)]]

    def merge(self, model, clip, strength, filename_prefix, **inputs):
        values, files = merge_values(**inputs)
        name = merge_once(values, files, filename_prefix)
        model, clip = nodes.LoraLoader().load_lora(model, clip, name, strength, strength)
        return {"ui": {"text": [name]}, "result": (model, clip, name)}
