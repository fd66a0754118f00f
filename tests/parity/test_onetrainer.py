"""Every file form of OneTrainer, with DoRA on either axis: the keys are those that its own converter gave for these
modules (data/onetrainer_keys.json names the commit), the formula is written out here."""

import json
from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from peft.tuners.oft.layer import OFTRotationModule
from probe_runner import relative_error, run_probe
from safetensors.torch import save_file
from tiny_sdxl import make_tiny_sdxl

FORMATS = json.loads((Path(__file__).parent / "data" / "onetrainer_keys.json").read_text())["formats"]
RANK, ALPHA = 4, 3.0


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return make_tiny_sdxl(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def weights(base):
    pipeline = StableDiffusionXLPipeline.from_pretrained(base)

    def weight(canonical):
        component, path = canonical.split(".", 1)
        model = getattr(pipeline, component)
        for name in (path, path.removeprefix("text_model.")):  # transformers 5.6 dropped the level
            try:
                return model.get_submodule(name).weight.detach()
            except AttributeError:
                continue

    return weight


@pytest.mark.parametrize("axis", [None, 0, 1], ids=["lora", "dora-rows", "dora-columns"])
@pytest.mark.parametrize("form", FORMATS)
def test_a_file_of_onetrainer_is_read(form, axis, base, weights, tmp_path):
    torch.manual_seed(5)
    file, wanted = {}, {}
    for canonical, keys in FORMATS[form].items():
        weight = weights(canonical)
        down = torch.randn(RANK, *weight.shape[1:]) / weight[0].numel() ** 0.5
        up = torch.randn(weight.shape[0], RANK, *[1] * (weight.dim() - 2))
        delta = (ALPHA / RANK * up.flatten(1).double() @ down.flatten(1).double()).view(weight.shape)
        folded = "alpha" not in keys  # its diffusers form
        file |= {keys["down"]: down, keys["up"]: up * (ALPHA / RANK if folded else 1)}
        if not folded:
            file[keys["alpha"]] = torch.tensor(ALPHA)
        if axis is not None:
            others = [d for d in range(weight.dim()) if d != axis]
            changed = weight.double() + delta
            norm = torch.linalg.vector_norm(changed, dim=others, keepdim=True)
            m = (norm * (1 + 0.3 * torch.rand(norm.shape))).float()
            delta = m * changed / norm - weight
            key = keys["magnitude"]
            if key.endswith("lora_magnitude_vector.weight"):
                # Of rows: [out], of a convolution [1, out, 1, 1]. Of columns it stays a dora_scale.
                suffix = ".lora_magnitude_vector.weight"
                key = key if axis == 0 else key.removesuffix(suffix) + ".dora_scale"
                m = m if axis == 1 else m.transpose(0, 1) if m.dim() == 4 else m.flatten()
            file[key] = m.contiguous()
        wanted[f"{canonical}.weight"] = delta
    save_file(file, tmp_path / "onetrainer.safetensors")
    found, values = run_probe("deltas", base=str(base), adapter=str(tmp_path / "onetrainer.safetensors"))
    assert values["defects"] == [] and found.keys() == wanted.keys()
    assert set(values["kinds"].values()) == {"LoRA" if axis is None else "DoRA"}
    for name, delta in wanted.items():
        assert relative_error(found[name], delta) < 1e-5, name


@pytest.mark.parametrize("settings", [{}, {"block_share": True}, {"scaled": True}], ids=["own", "shared", "scaled"])
def test_oft_of_inputs_turns_as_pefts_rotation_does(settings, base, weights, tmp_path):
    """OneTrainer took the rotation over from PEFT, and turns x of linear layers, the weight of convolutions."""
    torch.manual_seed(6)
    file, wanted = {}, {}
    for canonical, keys in FORMATS["legacy"].items():
        weight = weights(canonical).flatten(1).double()
        inputs = weight.shape[1]
        block = next(b for b in (4, 6, 3, 2) if inputs % b == 0)
        rows = 1 if settings.get("block_share") else inputs // block
        rotation = OFTRotationModule(rows, block * (block - 1) // 2, block, inputs,
                                     block_share=settings.get("block_share", False)).double()
        torch.nn.init.normal_(rotation.weight, std=0.2)
        module = keys["down"].removesuffix(".lora_down.weight")
        file[f"{module}.oft_R.weight"] = rotation.weight.detach().clone()
        if settings.get("scaled"):
            file[f"{module}.oft_R.scaled_oft"] = torch.tensor(True)
            rotation.weight.data /= 2 * (block - 1) ** 0.5
        turn = rotation.get_weight().detach()
        shape = weights(canonical).shape
        wanted[f"{canonical}.weight"] = (weight @ (turn if len(shape) == 4 else turn.T) - weight).view(shape)
    save_file(file, tmp_path / "oft.safetensors")
    found, values = run_probe("deltas", base=str(base), adapter=str(tmp_path / "oft.safetensors"))
    assert values["defects"] == [] and found.keys() == wanted.keys()
    for name, delta in wanted.items():
        assert delta.norm() > 0.1 * weights(name.removesuffix(".weight")).norm()
        assert relative_error(found[name], delta) < 1e-6, name
