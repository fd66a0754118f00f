"""Makes tests/parity/data/knots.safetensors with the authors' code (github.com/gstoica27/KnOTS, commit baa35e8,
task_merger.py, MIT): KnOTS-TIES of each layer by itself, with and without trimming.

    PYTHONPATH=KnOTS python tests/parity/record_knots.py
"""

import sys
from types import SimpleNamespace
from unittest.mock import MagicMock

import torch
from recorded_adapters import DATA, FEW_RANKS, SHAPES, deltas_of, draw
from safetensors.torch import save_file

for module in ("clip", "peft", "scipy", "sklearn", "sklearn.model_selection", "transformers"):  # of its utils.py
    sys.modules[module] = MagicMock()
from task_merger import SVDMerger  # noqa: E402

STRENGTH = 0.6
TOP_K = {"top20": 20, "top100": 100}


class Model(torch.nn.Module):
    def __init__(self, delta: torch.Tensor):
        super().__init__()
        self.layer = torch.nn.Linear(delta.shape[1], delta.shape[0], bias=False)
        self.layer.weight = torch.nn.Parameter(delta, requires_grad=False)


def handler(model: Model):
    return SimpleNamespace(get_ft_parameters=model.state_dict)


def merge(deltas: list[torch.Tensor], top_k: int) -> torch.Tensor:
    config = {"merge_method": "ties", "topK": top_k, "sign_resolve_mode": "sum_of_values", "merging_type": "mean",
              "concat_across_output": True}
    merger = SVDMerger([Model(delta) for delta in deltas], Model(torch.zeros_like(deltas[0])), handler, device="cpu",
                       merge_config=config)
    merger.transform(config)
    merger.set_scaling_coeffs([STRENGTH] * len(deltas))
    return merger.merge(config).layer.weight.data


def main():
    tensors = draw(FEW_RANKS, seed=1)
    for case in FEW_RANKS:
        for target in SHAPES:
            for name, top_k in TOP_K.items():
                merged = merge(deltas_of(tensors, case, target), top_k)
                tensors[f"{case}/{target}/merged/{name}"] = merged.float().contiguous()
    save_file(tensors, DATA / "knots.safetensors")


if __name__ == "__main__":
    main()
