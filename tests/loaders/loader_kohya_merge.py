"""kohya-ss sd-scripts: networks/sdxl_merge_lora.py, which adds files to a checkpoint's weights. Unlike networks/lora.py
it does not convert block names. Every layer has weights that the script can add to; those of the layers that a file is not
about are one zero each, seen in the layer's shape, and what the script puts there is looked at and let go."""

import sys
import tempfile
from pathlib import Path

import loader_kohya
import torch
from loaded import Loaded
from safetensors.torch import save_file
from sdxl_modules import sdxl_modules
from stand_ins import stand_ins


def not_kept():
    raise KeyError("only the deltas of the layers asked about are kept")


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
        names = {module: name for name, module in self.modules.items()}
        for name, module in self.modules.items():
            weight = before[name].clone() if name in before else torch.zeros(()).expand(module.weight.shape)
            module.weight = torch.nn.Parameter(weight, requires_grad=False)
        changed = set()

        def put(module, parameter_name, parameter):
            """In place of what the script puts into a layer that the file is not about: SDXL's 14 GB are never held."""
            name = names.get(module)
            if parameter_name != "weight" or name is None or name in before:
                return None
            if parameter.any():
                changed.add(name)
            return torch.nn.Parameter(torch.zeros(()).expand(parameter.shape), requires_grad=False)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "file.safetensors"
            save_file({key: value.contiguous() for key, value in tensors.items()}, file)
            hook = torch.nn.modules.module.register_module_parameter_registration_hook(put)
            try:
                self.script.merge_to_sd_model(*self.encoders, self.unet, [str(file)], [1.0], [], torch.float32)
            finally:
                hook.remove()
        loaded = Loaded(deltas=dict.fromkeys(changed, not_kept))
        for name, weight in before.items():
            delta = self.modules[name].weight.detach() - weight
            if delta.any():
                loaded.deltas[name] = lambda delta=delta: delta
        return loaded
