"""InvokeAI: the checks by which it takes a file for an SDXL LoRA, its key conversion and its layers."""

import sys
from pathlib import Path
from types import SimpleNamespace

import torch
from loaded import Loaded
from sdxl_modules import meta_models, sdxl_modules
from stand_ins import stand_ins

NOT_CALLED = ("bitsandbytes", "blake3", "compel", "cv2", "deprecated", "einops", "geffnet", "gguf", "mediapipe", "onnx",
              "onnxruntime", "patchmatch", "picklescan", "pynvml", "pywt", "spandrel", "torchvision", "xformers")


class Program:
    name = "InvokeAI"

    def __init__(self, checkout: Path):
        sys.path.insert(0, str(checkout))
        with stand_ins("invokeai.app", "invokeai.backend.util.logging", "invokeai.backend.util.devices", *NOT_CALLED):
            from invokeai.backend.model_manager.configs.lora import LoRA_LyCORIS_SDXL_Config
            from invokeai.backend.patches.layer_patcher import LayerPatcher
            from invokeai.backend.patches.lora_conversions.sd_lora_conversion_utils import lora_model_from_sd_state_dict
            from invokeai.backend.patches.lora_conversions.sdxl_lora_conversion_utils import \
                convert_sdxl_keys_to_diffusers_format
        self.config, self.patcher = LoRA_LyCORIS_SDXL_Config, LayerPatcher
        self.convert, self.layers_of = convert_sdxl_keys_to_diffusers_format, lora_model_from_sd_state_dict
        self.version = next(line for line in (checkout / "invokeai/version/invokeai_version.py").read_text().splitlines()
                            if "__version__" in line).split('"')[1]
        self.models, self.modules = meta_models(), sdxl_modules()

    def load(self, tensors, metadata, weight_of) -> Loaded:
        on_disk = SimpleNamespace(load_state_dict=lambda: tensors, metadata=lambda: metadata)
        self.config._validate_looks_like_lora(on_disk)
        base = self.config._get_base_or_raise(on_disk)
        if "xl" not in base.value:
            raise ValueError(f"taken for {base.value}")
        patch = self.layers_of(self.convert({key: value for key, value in tensors.items()
                                             if not key.startswith("bundle_emb")}))
        loaded = Loaded()
        prefixes = {"lora_unet_": "unet", "lora_te1_": "text_encoder", "lora_te2_": "text_encoder_2"}
        for key, layer in patch.layers.items():
            prefix = next(prefix for prefix in prefixes if key.startswith(prefix))
            component, name = prefixes[prefix], key.removeprefix(prefix)
            if component != "unet" and not hasattr(self.models[component], "text_model"):
                name = name.removeprefix("text_model_")  # transformers 5.6 dropped the level
            try:
                path, _ = self.patcher._get_submodule(self.models[component], name, layer_key_is_flattened=True)
            except AttributeError:
                loaded.said.append(f"no module for {key}")
                continue
            if component != "unet" and not path.startswith("text_model.") and path != "text_projection":
                path = "text_model." + path
            canonical = f"{component}.{path}"
            loaded.deltas[canonical] = lambda layer=layer, canonical=canonical: layer.get_parameters(
                {"weight": torch.nn.Parameter(weight_of(canonical), requires_grad=False)}, 1.0)["weight"]
        return loaded
