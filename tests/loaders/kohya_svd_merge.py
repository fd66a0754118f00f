"""kohya-ss sd-scripts' networks/svd_merge_lora.py on two adapters: what it makes of them, kept for
test_kohya_svd_merge.py as facts/kohya_svd_merge.json.

    PYTHONPATH=… python tests/loaders/kohya_svd_merge.py ~/sd-scripts [commit]

The script cuts every factor's values at the 0.99 quantile of both factors' values together, by which the product is not
the best one of its rank any more. That does nothing where a hundredth of all values and more are the largest one, as here:
the adapters' columns and rows are mixtures of four sign patterns, by the last four bits of the index, so that a merged
singular vector has sixteen values, each as often as the others. The mixtures are generic numbers. So ΔW is one tile of
16 rows and columns again and again: the facts keep the tiles' mean, and how far ΔW is from it.
"""

import importlib
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
FACTS = HERE / "facts/kohya_svd_merge.json"
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

import torch  # noqa: E402
from lora_cases import numbers  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from stand_ins import stand_ins  # noqa: E402

NEW_RANK = 2
PERIOD = 16
WEIGHTS = {"one": 0.7, "two": 1.3}


@dataclass
class Input:
    rank: int
    alpha: float
    layers: tuple


# SDXL's own. The quantile falls on the longer side's largest value, so that side's values are made the larger ones.
SHAPES = {"lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q": (640, 640),
          "lora_unet_output_blocks_0_1_transformer_blocks_3_attn2_to_v": (1280, 2048),
          "lora_te1_text_model_encoder_layers_1_self_attn_q_proj": (768, 768),
          "lora_unet_input_blocks_1_0_in_layers_2": (320, 320, 3, 3),
          "lora_unet_input_blocks_4_0_skip_connection": (640, 320, 1, 1)}
NAMES = tuple(SHAPES)
INPUTS = {"one": Input(2, 1.0, NAMES), "two": Input(4, 2.0, NAMES[:2] + NAMES[3:])}


def signs(length, count=4):
    """Rademacher's functions: [count, length] of ±1, every combination of them equally often."""
    index = torch.arange(length)
    return torch.stack([1 - 2 * ((index >> n) & 1) for n in range(count)]).float()


def adapter(which: str, make_signs=signs) -> dict[str, torch.Tensor]:
    given, tensors = INPUTS[which], {}
    for name in given.layers:
        out, into, *kernel = SHAPES[name]
        size = torch.Size(kernel).numel()
        up = make_signs(out).T @ numbers(f"{which} {name} up", 4, given.rank)
        down = numbers(f"{which} {name} down", given.rank, 4) @ make_signs(into * size)
        up = up * (20 if out >= into * size else 0.002)
        tensors |= {f"{name}.lora_up.weight": up.reshape(out, given.rank, *[1] * len(kernel)),
                    f"{name}.lora_down.weight": down.reshape(given.rank, into, *kernel),
                    f"{name}.alpha": torch.tensor(given.alpha)}
    return {key: value.contiguous() for key, value in tensors.items()}


def save_adapters(folder: Path) -> dict[str, Path]:
    files = {}
    for which in INPUTS:
        files[which] = folder / f"{which}.safetensors"
        save_file(adapter(which), files[which], {"ss_base_model_version": "sdxl_base_v1-0"})
    return files


def delta(tensors, name) -> torch.Tensor:
    """[out, in·kh·kw] in float64."""
    down, up = (tensors[f"{name}.lora_{half}.weight"].double().flatten(1) for half in ("down", "up"))
    return up @ down * float(tensors[f"{name}.alpha"]) / down.shape[0]


def the_sum(adapters, name) -> torch.Tensor:
    return sum(WEIGHTS[which] * delta(tensors, name) for which, tensors in adapters.items()
               if f"{name}.alpha" in tensors)


def best_of_rank(matrix, rank) -> torch.Tensor:
    u, s, vh = torch.linalg.svd(matrix, full_matrices=False)
    return u[:, :rank] * s[:rank] @ vh[:rank]


def repeated(tile, shape) -> torch.Tensor:
    return tile.repeat(shape[0] // PERIOD, shape[1] // PERIOD)


def digits(value) -> float:
    return float(f"{float(value):.7g}")


def facts_of(merged, sums) -> dict:
    facts = {}
    for name in NAMES:
        found = delta(merged, name)
        out, into = found.shape
        tile = found.reshape(out // PERIOD, PERIOD, into // PERIOD, PERIOD).mean((0, 2))
        best = best_of_rank(sums[name], NEW_RANK)
        facts[name] = {
            "rank": merged[f"{name}.lora_down.weight"].shape[0], "norm": digits(found.norm()),
            "absolute_sum": digits(found.abs().sum()),
            "tile": [digits(value) for value in tile.flatten()],
            "apart": float(f"{((found - repeated(tile, found.shape)).norm() / found.norm()).item():.1e}"),
            "rank_dropped": digits((sums[name] - best).norm() / sums[name].norm()),
            "clamp_moved": float(f"{((found - best).norm() / best.norm()).item():.1e}")}
    return facts


def generic_clamp(script, folder) -> float:
    """How far the clamp moves ΔW for adapters of which nothing is chosen: relative, over all layers."""
    def noise(length, count=4):
        return numbers(f"noise {length}", count, length) / 0.1
    adapters = {which: adapter(which, noise) for which in INPUTS}
    for which, tensors in adapters.items():
        save_file(tensors, folder / f"generic {which}.safetensors")
    merged = script.merge_lora_models([str(folder / f"generic {which}.safetensors") for which in INPUTS],
                                      list(WEIGHTS.values()), [], NEW_RANK, NEW_RANK, None, torch.float32)[0]
    pairs = [(delta(merged, name), best_of_rank(the_sum(adapters, name), NEW_RANK)) for name in NAMES]
    moved, whole = (sum(float(value.square().sum()) for value in values)
                    for values in ([found - best for found, best in pairs], [best for _, best in pairs]))
    return (moved / whole) ** 0.5


def main(checkout, commit=""):
    torch.set_grad_enabled(False)
    sys.path[:0] = [checkout, checkout + "/networks"]
    from loader_kohya import PICTURES
    with stand_ins(*PICTURES):
        script = importlib.import_module("svd_merge_lora")
    if not commit:
        done = subprocess.run(["git", "-C", checkout, "rev-parse", "HEAD"], capture_output=True, text=True)
        commit = done.stdout.strip()
    with tempfile.TemporaryDirectory() as folder:
        files = save_adapters(Path(folder))
        merged = script.merge_lora_models([str(file) for file in files.values()], list(WEIGHTS.values()), [], NEW_RANK,
                                          NEW_RANK, None, torch.float32)[0]
        adapters = {which: load_file(file) for which, file in files.items()}
        facts = {"program": "kohya svd_merge_lora", "commit": commit, "clamp_quantile": script.CLAMP_QUANTILE,
                 "generic_clamp_moved": round(generic_clamp(script, Path(folder)), 3),
                 "layers": facts_of(merged, {name: the_sum(adapters, name) for name in NAMES})}
    from record import write
    write(facts, FACTS)
    print(FACTS.read_text())


if __name__ == "__main__":
    main(*sys.argv[1:])
