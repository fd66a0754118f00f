"""Runs task_merger.py of Core Space and of Compress then Merge, which both descend from KnOTS, on the factors of a layer.

    import authors_task_merger   # first: it stands in for what their utils.py imports besides
    import task_merger
    authors_task_merger.merged(task_merger.MatrixPerLayerMerger, factors, strength=0.6, config={…})   # ΔW
"""

import sys
from types import SimpleNamespace
from unittest.mock import MagicMock

import torch

for module in ("clip", "models", "models.huggingface_clip", "peft", "peft.utils", "scipy", "sklearn",
               "sklearn.model_selection", "transformers"):
    sys.modules[module] = MagicMock()


def handler(model):
    """Of an adapter, its factors; the base has none."""
    return SimpleNamespace(get_ft_parameters=lambda: {"layer.weight": None},
                           get_ft_ab_parameters=lambda: {"layer.weight": model})


def merged(merger_class, factors: list, strength: float, config: dict) -> torch.Tensor:
    """@param factors: (up, down) of each adapter, float64"""
    up, down = factors[0]
    base = torch.nn.Module()
    base.layer = torch.nn.Linear(down.shape[1], up.shape[0], bias=False)
    base.layer.weight = torch.nn.Parameter(torch.zeros(up.shape[0], down.shape[1], dtype=torch.float64))
    base.device = torch.device("cpu")
    adapters = [(down, up) for up, down in factors]
    merger = merger_class(adapters, base, handler, device="cpu", merge_config=config)
    merger.set_scaling_coeffs(strength)
    return merger.merge(config).layer.weight.data
