"""*LoRA Convert*: a LoRA with other key names, another type or a lower rank, saved among ComfyUI's LoRAs."""

from .model_folders import base_names, base_paths, digest, fingerprint, lora_names, lora_path, new_lora
from .options import complaint, help_text, read_options
from .package import choices
from .watched_run import run

OF_WIDGETS = frozenset({"files", "format"})
BASE_TOOLTIP = "The checkpoint that the LoRA is for; needed by DoRA and other kinds whose change depends on its weights"


class LoraConvert:
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {
            "lora": (lora_names(),),
            "format": (choices("convert", "format"),
                       {"tooltip": "kohya and comfy load in ComfyUI; peft is a folder for other programs"}),
            "base": (base_names(), {"tooltip": BASE_TOOLTIP}),
            "options": ("STRING", {"multiline": True, "default": "", "tooltip": help_text("convert", OF_WIDGETS)}),
            "filename_prefix": ("STRING", {"default": "ziplora/converted"}),
        }}

    RETURN_TYPES = ("STRING",)
    RETURN_NAMES = ("lora_name",)
    FUNCTION = "convert"
    CATEGORY = "loaders/ziplora"
    OUTPUT_NODE = True
    DESCRIPTION = "Writes a LoRA in another form. The same inputs are converted once."

    @classmethod
    def VALIDATE_INPUTS(cls, format="", options=""):
        if format and format not in choices("convert", "format"):
            return complaint("convert", "", OF_WIDGETS) or f"there is no format '{format}'"
        return complaint("convert", options, OF_WIDGETS) or True

    @classmethod
    def IS_CHANGED(cls, lora, base, **_):
        return [digest(file) for file in [lora_path(lora), *base_paths(base)]]

    def convert(self, lora, format, base, options, filename_prefix):
        file, bases = lora_path(lora), base_paths(base)
        values = {"files": [file], "format": format, **read_options("convert", options, OF_WIDGETS)}
        values |= {"base": path for path in bases}
        ending = "" if format == "peft" else ".safetensors"
        name, output = new_lora(filename_prefix, fingerprint("convert", values, [file, *bases]), ending)
        if not output.exists():
            run("convert", {**values, "output": str(output)})
        return {"ui": {"text": [name]}, "result": (name,)}
