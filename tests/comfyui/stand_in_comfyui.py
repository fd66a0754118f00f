"""What the node pack calls of ComfyUI, with the signatures that record.py found there, on folders of a test.

    comfyui = StandIn(tmp_path, monkeypatch)
    comfyui.pack.NODE_CLASS_MAPPINGS["LoRA Inspect"]
"""

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

PACK = Path(__file__).resolve().parents[2] / "integrations/comfyui"


class InterruptProcessingException(Exception):
    pass


class StandIn:
    def __init__(self, folder: Path, monkeypatch):
        self.folder, self.applied, self.steps = folder, [], []
        self.interrupted = lambda: False
        modules = {name: ModuleType(name) for name in ("folder_paths", "nodes", "comfy", "comfy.utils", "comfy.model_management")}
        self._fill_folder_paths(modules["folder_paths"])
        self._fill_nodes(modules["nodes"])
        self._fill_comfy(modules["comfy.utils"], modules["comfy.model_management"])
        modules["comfy"].utils, modules["comfy"].model_management = modules["comfy.utils"], modules["comfy.model_management"]
        for name, module in modules.items():
            monkeypatch.setitem(sys.modules, name, module)
        self.modules = modules
        self.pack = self._load_pack(monkeypatch)

    def _load_pack(self, monkeypatch) -> ModuleType:
        """As ComfyUI does: from a path, under a name that has nothing to do with the folder's."""
        spec = importlib.util.spec_from_file_location("pack_of_nodes", PACK / "__init__.py", submodule_search_locations=[str(PACK)])
        pack = importlib.util.module_from_spec(spec)
        for name in [name for name in sys.modules if name.startswith("pack_of_nodes")]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "pack_of_nodes", pack)
        spec.loader.exec_module(pack)
        return pack

    def _fill_folder_paths(self, module: ModuleType):
        def get_folder_paths(folder_name: str) -> list[str]:
            return [str(self.folder / folder_name)]

        def get_filename_list(folder_name: str) -> list[str]:
            folder = self.folder / folder_name
            return sorted(str(file.relative_to(folder)) for file in folder.rglob("*.safetensors"))

        def get_full_path_or_raise(folder_name: str, filename: str) -> str:
            path = self.folder / folder_name / filename
            if not path.is_file():
                raise FileNotFoundError(f"Model in folder '{folder_name}' with filename '{filename}' not found.")
            return os.path.abspath(path)
        module.__dict__.update(get_folder_paths=get_folder_paths, get_filename_list=get_filename_list,
                               get_full_path_or_raise=get_full_path_or_raise)

    def _fill_nodes(self, module: ModuleType):
        applied = self.applied

        class LoraLoader:
            def load_lora(self, model, clip, lora_name, strength_model, strength_clip):
                applied.append((model, clip, lora_name, strength_model, strength_clip))
                return (f"{model} with {lora_name}", f"{clip} with {lora_name}")
        module.LoraLoader = LoraLoader

    def _fill_comfy(self, utils: ModuleType, model_management: ModuleType):
        steps = self.steps

        class ProgressBar:
            def __init__(self, total, node_id=None):
                self.total = total

            def update_absolute(self, value, total=None, preview=None):
                steps.append((value, self.total))

        def throw_exception_if_processing_interrupted():
            if self.interrupted():
                raise InterruptProcessingException
        utils.ProgressBar = ProgressBar
        model_management.throw_exception_if_processing_interrupted = throw_exception_if_processing_interrupted
        model_management.InterruptProcessingException = InterruptProcessingException
