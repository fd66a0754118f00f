"""The file-level merge methods against the software and the papers they come from: peft's add_weighted_adapter for every
combination type it has, kohya's svd_merge_lora (its equation, without the clamp; tests/loaders/test_kohya_svd_merge.py has
what the script itself computed), kohya's block lists, NP-LoRA's and the orthogonal projection's equations in plain numpy.
Random adapters on a tiny SDXL UNet, linear and convolution layers."""

import copy

import numpy as np
import peft.utils.merge_utils
import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from lora_files import Layer, LayerChoice, kohya_module, random_layers, save_kohya
from peft import LoraConfig, get_peft_model
from program import ziplora
from safetensors.torch import load_file
from tiny_sdxl import make_tiny_sdxl

RANK = 4
WEIGHTS = {"dog": 0.7, "ink": 1.3}
ALPHAS = {"dog": 2.0, "ink": 8.0}
PARTS = ("attn", "ff", "resnets")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return make_tiny_sdxl(tmp_path_factory.mktemp("methods") / "base")


@pytest.fixture(scope="module")
def model(base):
    return StableDiffusionXLPipeline.from_pretrained(base)


@pytest.fixture(scope="module")
def layers(model):
    """Two adapters of the same rank. ink lacks a part of the UNet, so some layers are only in dog."""
    return {"dog": random_layers(model, LayerChoice(parts=PARTS, ranks=(RANK,), alpha=ALPHAS["dog"], seed=1)),
            "ink": random_layers(model, LayerChoice(parts=PARTS, ranks=(RANK,), alpha=ALPHAS["ink"], seed=2,
                                                    skip=("down_blocks.1",)))}


@pytest.fixture(scope="module")
def files(layers, model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    return {name: save_kohya(folder / f"{name}.safetensors", own, model) for name, own in layers.items()}


def delta_of(layer: Layer) -> torch.Tensor:
    """[out, in·kh·kw] in float64."""
    rank = layer.down.shape[0]
    scale = 1.0 if layer.alpha is None else layer.alpha / rank
    return scale * layer.up.double().flatten(1) @ layer.down.double().flatten(1)


@pytest.fixture
def merge(files, base, model, tmp_path):
    """method, options → ({canonical: Layer} of the merged file, the report)."""
    def run(method, *options, weights=WEIGHTS):
        result = ziplora("merge", "--method", method, "--subject", f"{files['dog']}:{weights['dog']}", "--style",
                         f"{files['ink']}:{weights['ink']}", "--base", base, "--file-dtype", "float32", *options,
                         "-o", tmp_path / "out.safetensors")
        tensors = load_file(tmp_path / "out.safetensors")
        modules = {kohya_module(f"unet.{path}", "sgm", model.unet.config.layers_per_block): f"unet.{path}"
                   for path, module in model.unet.named_modules()
                   if isinstance(module, (torch.nn.Linear, torch.nn.Conv2d))}
        names = {name.split(".")[0] for name in tensors}
        return {modules[name]: Layer(tensors[f"{name}.lora_down.weight"], tensors[f"{name}.lora_up.weight"],
                                     float(tensors[f"{name}.alpha"])) for name in names}, result
    return run


def relative_error(ours: dict, theirs: dict) -> float:
    """Of all layers' ΔW as one vector. Our file may leave out layers of zeros."""
    assert ours.keys() <= theirs.keys()
    squared = sum(float((theirs[name] - (delta_of(ours[name]) if name in ours else 0)).square().sum())
                  for name in theirs)
    return (squared / sum(float(delta.square().sum()) for delta in theirs.values())) ** 0.5


# PEFT

@pytest.fixture(scope="module")
def peft_deltas(model, layers):
    """combination type, options → {canonical: ΔW} as peft computes it."""
    paths = {name: [target.removeprefix("unet.") for target in own] for name, own in layers.items()}
    configs = {name: LoraConfig(r=RANK, lora_alpha=ALPHAS[name], target_modules=paths[name], init_lora_weights=False)
               for name in layers}
    wrapped = get_peft_model(copy.deepcopy(model.unet), configs["dog"], adapter_name="dog")
    wrapped.add_adapter("ink", configs["ink"])
    modules = dict(wrapped.base_model.model.named_modules())
    with torch.no_grad():
        for name, own in layers.items():
            for target, layer in own.items():
                module = modules[target.removeprefix("unet.")]
                module.lora_A[name].weight.copy_(layer.down)
                module.lora_B[name].weight.copy_(layer.up)
    count = 0

    def run(combination_type, weights=WEIGHTS, **options):
        nonlocal count
        count += 1
        name = f"merged{count}"
        wrapped.base_model.add_weighted_adapter(list(weights), list(weights.values()), name,
                                                combination_type=combination_type, **options)
        found = {}
        for target in layers["dog"] | layers["ink"]:
            module = modules[target.removeprefix("unet.")]
            found[target] = module.get_delta_weight(name).detach().double().flatten(1)
        wrapped.delete_adapter(name)
        return found
    return run


DELTA, FACTORS = ("--on", "delta", "--svd-rank", RANK), ("--on", "factors")
# our method, its options, peft's combination type, its options
DETERMINISTIC = {
    "cat": ("direct", (), {}),
    "linear": ("linear", (), {}),
    "svd": ("svd", ("--svd-rank", 3), {"svd_rank": 3}),
    "ties": ("ties", (*FACTORS, "--density", 0.4), {"density": 0.4}),
    "ties_svd": ("ties", (*DELTA, "--density", 0.4), {"density": 0.4}),
    "magnitude_prune": ("magnitude-prune", (*FACTORS, "--density", 0.3), {"density": 0.3}),
    "magnitude_prune_svd": ("magnitude-prune", (*DELTA, "--density", 0.3), {"density": 0.3}),
}


@pytest.mark.parametrize("combination", DETERMINISTIC)
@pytest.mark.parametrize("weights", [WEIGHTS, {"dog": 1.0, "ink": -0.6}], ids=["sum", "difference"])
def test_peft(combination, weights, merge, peft_deltas):
    method, ours, theirs = DETERMINISTIC[combination]
    merged, _ = merge(method, *ours, weights=weights)
    assert relative_error(merged, peft_deltas(combination, weights, **theirs)) < 1e-5


@pytest.mark.parametrize("combination", ["ties", "ties_svd"])
def test_peft_by_frequency(combination, merge, peft_deltas):
    method, ours, theirs = DETERMINISTIC[combination]
    merged, _ = merge(method, *ours, "--majority-sign", "frequency")
    expected = peft_deltas(combination, majority_sign_method="frequency", **theirs)
    assert relative_error(merged, expected) < 1e-5
    assert relative_error(merged, peft_deltas(combination, majority_sign_method="total", **theirs)) > 1e-2


def masks_of_one(merge, name, on, layers, density):
    """What dare kept of one input, found by giving the other strength 0: {(target, half): bool}."""
    options = ("--on", on, *(("--svd-rank", 99) if on == "delta" else ()))
    alone, _ = merge("dare-linear", *options, "--density", density, "--seed", 3,
                     weights={other: float(other == name) for other in WEIGHTS})
    masks = {}
    for target, layer in layers[name].items():
        if on == "factors":
            masks[target, "A"] = alone[target].down != 0
            masks[target, "B"] = alone[target].up != 0
        else:
            kept = delta_of(alone[target])
            masks[target, "delta"] = kept.abs() > 0.5 * delta_of(layer).abs()
    return masks


@pytest.mark.parametrize("on", ["factors", "delta"])
@pytest.mark.parametrize("mix", ["linear", "ties"])
def test_peft_with_the_masks_that_we_drew(mix, on, merge, peft_deltas, layers, monkeypatch):
    density = 0.6
    masks = {name: masks_of_one(merge, name, on, layers, density) for name in layers}
    shares = [float(mask.double().mean()) for own in masks.values() for mask in own.values()]
    assert np.mean(shares) == pytest.approx(density, abs=0.02) and min(shares) < max(shares)
    known = []  # (sum of magnitudes, its mask): the sum identifies a tensor of random values
    for name, own in layers.items():
        for target, layer in own.items():
            halves = {"A": layer.down, "B": layer.up} if on == "factors" else {"delta": delta_of(layer)}
            known += [(float(tensor.double().abs().sum()), masks[name][target, half])
                      for half, tensor in halves.items()]

    def random_pruning(tensor, density, rescale):
        size = float(tensor.detach().double().abs().sum())
        nearest, mask = min(known, key=lambda item: abs(item[0] - size))
        assert nearest == pytest.approx(size, rel=1e-6) and mask.numel() == tensor.numel()
        return tensor * mask.view(tensor.shape) / density

    monkeypatch.setattr(peft.utils.merge_utils, "random_pruning", random_pruning)
    expected = peft_deltas(f"dare_{mix}" + ("_svd" if on == "delta" else ""), density=density)
    merged, _ = merge(f"dare-{mix}", *(DELTA if on == "delta" else FACTORS), "--density", density, "--seed", 3)
    assert relative_error(merged, expected) < 1e-5
    other, _ = merge(f"dare-{mix}", *(DELTA if on == "delta" else FACTORS), "--density", density, "--seed", 4)
    assert relative_error(other, expected) > 0.1


@pytest.mark.parametrize("on", ["factors", "delta"])
def test_model_breadcrumbs(on, merge, layers):
    """Davari and Belilovsky, arXiv 2312.06795: of each task vector, layer by layer, what lies between two quantiles."""
    density, outliers = 0.3, 0.1

    def middle(values):
        order = values.abs().flatten().sort().values
        drop = int(outliers * len(order))
        upper, lower = order[len(order) - drop - 1], order[len(order) - drop - int(density * len(order))]
        return values * (values.abs() <= upper) * (values.abs() >= lower)

    options = ("--on", on, *(("--svd-rank", 99) if on == "delta" else ()))
    merged, _ = merge("breadcrumbs", *options, "--density", density, "--outliers", outliers)
    expected = {}
    for target in layers["dog"] | layers["ink"]:
        parts = [(WEIGHTS[name], own[target]) for name, own in layers.items() if target in own]
        if on == "delta":
            expected[target] = sum(weight * middle(delta_of(layer)) for weight, layer in parts)
        else:
            shares = [(weight * layer.alpha / RANK) ** 0.5 for weight, layer in parts]
            down, up = (sum(share * middle(getattr(layer, half).double().flatten(1))
                            for share, (_, layer) in zip(shares, parts)) for half in ("down", "up"))
            expected[target] = up @ down
    assert relative_error(merged, expected) < 1e-5
    whole, _ = merge("breadcrumbs", *options, "--density", density, "--outliers", 0)
    assert relative_error(whole, expected) > 0.1


# kohya

def test_kohyas_svd_merge(merge, layers):
    """networks/svd_merge_lora.py: the dense sum of ratio · scale · up @ down, then the first ranks of its SVD."""
    merged, report = merge("svd", "--svd-rank", 3)
    total, dropped, norm = {}, 0.0, 0.0
    for name, own in layers.items():
        for target, layer in own.items():
            total[target] = total.get(target, 0) + WEIGHTS[name] * delta_of(layer)
    expected = {}
    for target, delta in total.items():
        u, s, vh = torch.linalg.svd(delta, full_matrices=False)
        expected[target] = u[:, :3] @ torch.diag(s[:3]) @ vh[:3]
        dropped, norm = dropped + float(s[3:].square().sum()), norm + float(s.square().sum())
    assert relative_error(merged, expected) < 1e-5
    assert report["svd_error"] == pytest.approx((dropped / norm) ** 0.5, rel=1e-5)


LISTS = {12: "BASE IN04 IN05 IN07 IN08 MID OUT00 OUT01 OUT02 OUT03 OUT04 OUT05",
         17: "BASE IN01 IN02 IN04 IN05 IN07 IN08 MID OUT03 OUT04 OUT05 OUT06 OUT07 OUT08 OUT09 OUT10 OUT11",
         20: " ".join(["BASE", *(f"IN{i:02}" for i in range(9)), "MID", *(f"OUT{i:02}" for i in range(9))]),
         26: " ".join(["BASE", *(f"IN{i:02}" for i in range(12)), "MID", *(f"OUT{i:02}" for i in range(12))])}


def kohya_block(module: str) -> str:
    """get_lbw_block_index(…, is_sdxl=True) by name."""
    name = module.removeprefix("lora_unet_")
    group, number = name.split("_")[0], name.split("_")[2]
    return "MID" if group == "middle" else f"{'IN' if group == 'input' else 'OUT'}{int(number):02}"


@pytest.mark.parametrize("length", LISTS)
def test_kohyas_block_lists(length, merge, layers, model):
    weights = {block: round(0.3 + 0.05 * i, 2) for i, block in enumerate(LISTS[length].split())}
    merged, _ = merge("block", "--subject-blocks", ",".join(map(str, weights.values())), "--style-blocks", "all")
    expected = {}
    for target, layer in layers["dog"].items():
        block = kohya_block(kohya_module(target, "sgm", model.unet.config.layers_per_block))
        expected[target] = weights.get(block, 1.0) * WEIGHTS["dog"] * delta_of(layer)
    for target, layer in layers["ink"].items():
        expected[target] = expected.get(target, 0) + WEIGHTS["ink"] * delta_of(layer)
    assert relative_error(merged, expected) < 1e-5


def test_b_loras_choice(merge, layers):
    """blora_utils.py: a layer belongs to content or style if the block's path is in its name."""
    merged, report = merge("block")
    expected = {}
    for name, block in (("dog", "unet.up_blocks.0.attentions.0"), ("ink", "unet.up_blocks.0.attentions.1")):
        own = {target: WEIGHTS[name] * delta_of(layer) for target, layer in layers[name].items() if block in target}
        assert own
        expected |= own
    assert {name for name in merged if delta_of(merged[name]).any()} == expected.keys()
    assert relative_error({name: merged[name] for name in expected}, expected) < 1e-5
    assert report["left_out"][0]["layers"] == len(layers["dog"]) - sum(
        "up_blocks.0.attentions.0" in target for target in layers["dog"])


# Projections

@pytest.mark.parametrize("options, share, directions", [
    ((), 0.5 / 1.5, RANK), (("--mu", 2.0), 2 / 3, RANK), (("--hard",), 1.0, RANK), (("--directions", 2), 1 / 3, 2),
    (("--mu", 0), 0.0, RANK)], ids=["paper", "mu 2", "hard", "two directions", "direct"])
def test_np_loras_equation(options, share, directions, merge, layers):
    """ΔW_s + ΔW_c (I − μ/(1+μ) V_k V_kᵀ): equation 11 (hard) and 12 of v3 (soft), arXiv 2511.11051."""
    merged, _ = merge("np", *options)
    expected = {}
    for target, layer in layers["dog"].items():
        delta = (WEIGHTS["dog"] * delta_of(layer)).numpy()
        if target in layers["ink"]:
            style = (WEIGHTS["ink"] * delta_of(layers["ink"][target])).numpy()
            v = np.linalg.svd(style, full_matrices=False)[2][:directions].T
            delta = style + delta @ (np.eye(delta.shape[1]) - share * v @ v.T)
        expected[target] = torch.from_numpy(delta)
    assert relative_error(merged, expected) < 1e-5


def test_orthogonal_leaves_the_styles_outputs_to_the_style(merge, layers):
    merged, report = merge("orthogonal")
    expected, before, after = {}, 0.0, 0.0
    for target, layer in layers["dog"].items():
        delta = (WEIGHTS["dog"] * delta_of(layer)).numpy()
        before += (delta ** 2).sum()
        style = np.zeros_like(delta)
        if target in layers["ink"]:
            style = (WEIGHTS["ink"] * delta_of(layers["ink"][target])).numpy()
            u = np.linalg.svd(style, full_matrices=False)[0][:, :RANK]
            delta = delta - u @ (u.T @ delta)
        after += (delta ** 2).sum()
        expected[target] = torch.from_numpy(style + delta)
    assert relative_error(merged, expected) < 1e-5
    assert report["removed"][0]["share"] == pytest.approx(1 - after / before, rel=1e-4)


def test_protect_turns_the_projection_round(merge, layers):
    merged, _ = merge("np", "--hard", "--protect", "subject")
    target = next(target for target in layers["ink"] if target.endswith("attn1.to_q"))
    subject = WEIGHTS["dog"] * delta_of(layers["dog"][target])
    v = torch.linalg.svd(subject, full_matrices=False)[2][:RANK].T
    difference = delta_of(merged[target]) - subject
    assert float((difference @ v).norm()) < 1e-5 * float(difference.norm())
