"""kohya-ss sd-scripts: networks/lora.py as its generation script and LoRA training's --network_weights use it, on
meta-device models of its own. Run it with the versions of diffusers and transformers that its requirements.txt names:
it looks layers up by transformers' class and module names."""

import logging
import sys
from pathlib import Path

import torch
from loaded import Loaded
from sdxl_modules import CLIP_G, CLIP_L, sdxl_modules
from stand_ins import stand_ins

PICTURES = ("cv2", "torchvision", "imagesize", "bitsandbytes", "xformers")


class Program:
    name = "kohya sd-scripts"

    def __init__(self, checkout: Path):
        sys.path[:0] = [str(checkout), str(checkout / "networks")]
        with stand_ins(*PICTURES):
            import lora
            from library.sdxl_original_unet import SdxlUNet2DConditionModel
        from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection
        logging.disable(logging.WARNING)  # one line a module
        self.lora, self.version = lora, ""
        with torch.device("meta"):
            self.unet = SdxlUNet2DConditionModel()
            self.encoders = [CLIPTextModel(CLIPTextConfig(**CLIP_L)),
                             CLIPTextModelWithProjection(CLIPTextConfig(**CLIP_G))]
        self.canonical = {module.flat_sgm: name for name, module in sdxl_modules().items()}

    def load(self, tensors, metadata, weight_of) -> Loaded:
        network, weights = self.lora.create_network_from_weights(
            1.0, None, None, self.encoders, self.unet, dict(tensors), for_inference=True)
        network.apply_to(self.encoders, self.unet)
        told = network.load_state_dict(weights, strict=False)
        loaded = Loaded(said=[f"missing {key}" for key in told.missing_keys if key.endswith(("down.weight", "up.weight"))])
        loaded.said += [f"unexpected {key}" for key in told.unexpected_keys]
        for module in network.text_encoder_loras + network.unet_loras:
            loaded.deltas[self.canonical.get(module.lora_name, module.lora_name)] = lambda m=module: m.get_weight().detach()
        return loaded
