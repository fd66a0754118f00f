"""ComfyUI nodes that run ziplora. ComfyUI imports this folder from its custom_nodes."""

from .convert_node import LoraConvert
from .inspect_node import LoraInspect
from .merge_node import FurtherLora, ZipLoraMerge

NODE_CLASS_MAPPINGS = {
    "ZipLoRA Merge": ZipLoraMerge,
    "ZipLoRA Further LoRA": FurtherLora,
    "LoRA Inspect": LoraInspect,
    "LoRA Convert": LoraConvert,
}
NODE_DISPLAY_NAME_MAPPINGS = {name: name for name in NODE_CLASS_MAPPINGS}

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS"]
