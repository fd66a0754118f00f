"""diffusers with peft: load_lora_weights on a pipeline of SDXL's full size, as installed beside the tests. The base's
memory is asked for and never touched, so that it costs nothing."""

import logging
import tempfile
from pathlib import Path

import diffusers
import peft
from loaded import Loaded
from safetensors.torch import save_file
from sdxl_modules import meta_models


class Program:
    name = "diffusers"

    def __init__(self, checkout=None):
        self.version = f"{diffusers.__version__} with peft {peft.__version__}"
        logging.disable(logging.WARNING)
        models = {component: model.to_empty(device="cpu") for component, model in meta_models().items()}
        self.pipeline = diffusers.StableDiffusionXLPipeline(
            vae=diffusers.AutoencoderKL(), tokenizer=None, tokenizer_2=None,
            scheduler=diffusers.EulerDiscreteScheduler(), **models)

    def load(self, tensors, metadata, weight_of) -> Loaded:
        self.pipeline.unload_lora_weights()  # the file before this one, whose deltas were asked for until now
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "pytorch_lora_weights.safetensors"
            save_file({key: value.contiguous() for key, value in tensors.items()}, file, metadata)
            self.pipeline.load_lora_weights(folder, adapter_name="file", low_cpu_mem_usage=True)
        loaded = Loaded()
        for component in ("unet", "text_encoder", "text_encoder_2"):
            for path, module in getattr(self.pipeline, component).named_modules():
                if isinstance(module, peft.tuners.lora.LoraLayer) and "file" in module.lora_A:
                    path = path if component == "unet" or path.startswith("text_") else "text_model." + path
                    loaded.deltas[f"{component}.{path}"] = lambda m=module: m.get_delta_weight("file").detach()
        return loaded
