"""stable-diffusion-webui-forge: extensions-builtin/sd_forge_lora's load_lora_for_models with a model and an encoder that
have SDXL's names and keep what is given to them."""

import copy
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import torch
from loaded import Loaded
from sdxl_modules import TEXT_PROJECTION, UNET, meta_models, sdxl_modules
from sgm_checkpoint import unet_name
from stand_ins import stand_ins

# As backend/huggingface and its model guess give it for SDXL.
CONFIG = {"num_res_blocks": [2, 2, 2], "channel_mult": [1, 2, 4], "transformer_depth": [0, 0, 2, 2, 10, 10],
          "transformer_depth_output": [0, 0, 0, 2, 2, 2, 10, 10, 10], "transformer_depth_middle": 10,
          "context_dim": 2048, "model_channels": 320}


class Patcher:
    """Of Forge's UnetPatcher and CLIP only what loading calls."""

    def __init__(self, names, config):
        self.names, self.patches = set(names), {}
        inner = SimpleNamespace(state_dict=lambda: dict.fromkeys(names),
                                config=SimpleNamespace(huggingface_repo="stabilityai/stable-diffusion-xl-base-1.0"),
                                diffusion_model=SimpleNamespace(config=config))
        self.model = self.cond_stage_model = inner

    def clone(self):
        return copy.copy(self)

    def add_patches(self, *, filename, patches, strength_patch, online_mode):
        known = {key: patch for key, patch in patches.items() if (key[0] if isinstance(key, tuple) else key) in self.names}
        self.patches = known
        return list(known)


class Program:
    name = "Forge"

    def __init__(self, checkout: Path):
        sys.argv = [sys.argv[0], "--always-cpu"]  # its args.py reads the command line
        sys.path[:0] = [str(checkout), str(checkout / "extensions-builtin/sd_forge_lora")]
        with stand_ins("modules", "network", "gguf", "backend.operations_gguf", "backend.misc"):
            import modules.shared
            modules.shared.cmd_opts = SimpleNamespace(lora_dir=tempfile.gettempdir())
            modules.shared.walk_files = lambda *given, **named: []
            import networks
            from backend.patcher.lora import merge_lora_to_weight
        self.networks, self.merge, self.version = networks, merge_lora_to_weight, ""
        models = meta_models()
        self.unet_names = ["diffusion_model." + unet_name(name, UNET["layers_per_block"])
                           for name in models["unet"].state_dict()]
        prefix = {"unet": "diffusion_model.", "text_encoder": "clip_l.transformer.",
                  "text_encoder_2": "clip_g.transformer."}
        self.canonical = {prefix[m.component] + m.sgm + ".weight": name for name, m in sdxl_modules(models).items()}
        self.canonical["clip_g.transformer.text_projection.weight"] = TEXT_PROJECTION
        self.encoder_names = [key for key in self.canonical if key.startswith("clip_")]

    def load(self, tensors, metadata, weight_of) -> Loaded:
        unet, encoder = Patcher(self.unet_names, CONFIG), Patcher(self.encoder_names, None)
        model, clip = self.networks.load_lora_for_models(unet, encoder, dict(tensors), 1.0, 1.0)
        loaded = Loaded()
        for target, patch in (model.patches | clip.patches).items():
            name = self.canonical.get(target)
            if name is None:
                loaded.said.append(f"also changes {target}")
                continue

            def delta(patch=patch, target=target, name=name):
                before = weight_of(name)
                return self.merge([(1.0, patch, 1.0, None, None)], before.clone(), target) - before
            loaded.deltas[name] = delta
        return loaded
