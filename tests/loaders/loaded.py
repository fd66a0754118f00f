"""What a program made of a file.

    loaded = program.load(tensors, metadata, weight_of)
    loaded.deltas["unet.mid_block.attentions.0.proj_in"]()   # W' - W as the program computes it, by its own code
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch


@dataclass
class Loaded:
    deltas: dict[str, Callable[[], torch.Tensor]] = field(default_factory=dict)  # by canonical layer
    said: list[str] = field(default_factory=list)  # messages worth keeping
