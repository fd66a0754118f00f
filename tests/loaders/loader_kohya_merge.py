"""kohya-ss sd-scripts: networks/sdxl_merge_lora.py, which adds files to a checkpoint's weights. Unlike networks/lora.py
it does not convert block names. Only the layers that a file is about get weights; all others stay on the meta device."""

import sys
import tempfile
from pathlib import Path

import loader_kohya
import torch
from loaded import Loaded
from safetensors.torch import save_file
from sdxl_modules import sdxl_modules
from stand_ins import stand_ins


class Program(loader_kohya.Program):
    name = "kohya merge script"

    def __init__(self, checkout: Path):
        super().__init__(checkout)
        with stand_ins(*loader_kohya.PICTURES):
            import sdxl_merge_lora
        self.script = sdxl_merge_lora
        modules = sdxl_modules()
        of_encoders = {f"{component}.{path}": module for component, model in zip(
            ("text_encoder", "text_encoder_2"), self.encoders) for path, module in model.named_modules()}
        of_unet = dict(self.unet.named_modules())
        self.modules = {name: of_encoders[name] if name in of_encoders else of_unet[module.sgm]
                        for name, module in modules.items()}

    def load(self, tensors, metadata, weight_of, about=()) -> Loaded:
        before = {name: weight_of(name) for name in about if name in self.modules}
        for name, weight in before.items():
            self.modules[name].weight = torch.nn.Parameter(weight.clone(), requires_grad=False)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "file.safetensors"
            save_file({key: value.contiguous() for key, value in tensors.items()}, file)
            self.script.merge_to_sd_model(*self.encoders, self.unet, [str(file)], [1.0], [], torch.float32)
        loaded = Loaded()
        for name, weight in before.items():
            delta = self.modules[name].weight.detach() - weight
            if delta.any():
                loaded.deltas[name] = lambda delta=delta: delta
            self.modules[name].weight = torch.nn.Parameter(torch.empty(weight.shape, device="meta"))
        return loaded
