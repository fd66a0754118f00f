"""ComfyUI: comfy/sd.py's load_lora_for_models in its own parts, on a meta-device SDXL that ComfyUI itself detects from
the weights' names and shapes. Needs einops; the rest of its requirements is not touched by loading."""

import sys
from pathlib import Path

import torch
from loaded import Loaded
from sdxl_modules import TEXT_PROJECTION, UNET, meta_models, sdxl_modules
from sgm_checkpoint import unet_name
from stand_ins import stand_ins


class Program:
    name = "ComfyUI"

    def __init__(self, checkout: Path):
        sys.path.insert(0, str(checkout))
        with stand_ins("torchsde", "torchaudio", "torchvision", "kornia", "spandrel", "av", "scipy", "sentencepiece"):
            import comfy.cli_args
            comfy.cli_args.args.cpu = True
            import comfy.lora
            import comfy.lora_convert
            import comfy.model_detection
            import comfy.sdxl_clip
        self.lora, self.lora_convert = comfy.lora, comfy.lora_convert
        self.version = (checkout / "comfyui_version.py").read_text().split('"')[-2]
        models = meta_models()
        weights = {"model.diffusion_model." + unet_name(name, UNET["layers_per_block"]): value
                   for name, value in models["unet"].state_dict().items()}
        config = comfy.model_detection.model_config_from_unet(weights, "model.diffusion_model.")
        config.set_inference_dtype(torch.float32, None)
        unet = config.get_model(weights, "model.diffusion_model.", device=torch.device("meta"))
        encoders = comfy.sdxl_clip.SDXLClipModel(device=torch.device("meta"), dtype=torch.float32)
        self.key_map = comfy.lora.model_lora_keys_unet(unet, {})
        self.key_map = comfy.lora.model_lora_keys_clip(encoders, self.key_map)
        prefix = {"unet": "diffusion_model.", "text_encoder": "clip_l.transformer.",
                  "text_encoder_2": "clip_g.transformer."}
        self.canonical = {prefix[m.component] + m.sgm + ".weight": name for name, m in sdxl_modules(models).items()}
        self.canonical["clip_g.transformer.text_projection.weight"] = TEXT_PROJECTION

    def load(self, tensors, metadata, weight_of) -> Loaded:
        patches = self.lora.load_lora(self.lora_convert.convert_lora(dict(tensors)), self.key_map)
        loaded = Loaded()
        for target, patch in patches.items():
            name = self.canonical.get(target)
            if name is None:
                loaded.said.append(f"also changes {target}")
                continue

            def delta(patch=patch, target=target, name=name):
                before = weight_of(name)
                return self.lora.calculate_weight([(1.0, patch, 1.0, None, None)], before.clone(), target) - before
            loaded.deltas[name] = delta
        return loaded
