"""What other programs' own code made of our files and of the wild's (facts/*.json, kept by record.py), held against what
ziplora writes and says today."""

import re
from pathlib import Path

import pytest
import torch
from lora_cases import CASES
from matrix import facts, table
from our_forms import FORMS, SAMPLED, fingerprint, form_files, key_list, keys_by_layer, true_delta
from program import ziplora
from safetensors.torch import load_file, save_file
from sdxl_modules import sdxl_modules

ROOT = Path(__file__).resolve().parents[2]
# What each program found of a file with all layers but text_projection.
EVERY_LAYER = 1058
FOUND = {
    ("kohya", "ComfyUI"): EVERY_LAYER, ("kohya", "Forge"): EVERY_LAYER, ("kohya", "InvokeAI"): EVERY_LAYER,
    ("kohya", "kohya sd-scripts"): EVERY_LAYER - 6, ("kohya", "kohya merge script"): EVERY_LAYER - 6,
    ("kohya", "diffusers"): EVERY_LAYER, ("comfy", "ComfyUI"): EVERY_LAYER,
    ("diffusers", "diffusers"): EVERY_LAYER, ("diffusers", "ComfyUI"): 498,
}


@pytest.fixture(scope="module")
def modules():
    return sdxl_modules()


@pytest.fixture(scope="module")
def written(modules, tmp_path_factory):
    files = form_files(modules, tmp_path_factory.mktemp("forms"))
    return {form: load_file(file) for form, file in files.items()}


@pytest.fixture(scope="module")
def inspected(modules, tmp_path_factory):
    """What ziplora says of each case, by name and program."""
    folder = tmp_path_factory.mktemp("cases")
    for name, make in CASES.items():
        case = make(modules)
        save_file({key: value.contiguous() for key, value in case.tensors.items()}, folder / f"{name}.safetensors",
                  case.metadata or None)
    report = ziplora("inspect", *(folder / f"{name}.safetensors" for name in CASES))
    return {name: {p["program"]: p["verdict"] for p in file["programs"]} if "programs" in file else file
            for name, file in zip(CASES, report["files"])}


@pytest.mark.parametrize("form", FORMS)
def test_we_still_write_the_keys_that_the_programs_were_given(form, written):
    for program in facts().values():
        recorded = program["forms"][form]
        ours = key_list(written[form])
        assert len(ours) == recorded["keys"], program["program"]
        assert fingerprint("\n".join(ours)) == recorded["key_list"], f"{program['program']}: run record.py again"


@pytest.mark.parametrize("source, given", [("kohya-sgm", ["kohya-diffusers"]),
                                           ("kohya-sgm-conv", ["kohya-diffusers-conv", "kohya-diffusers-upsampler-0"])])
def test_in_diffusers_block_names_we_write_the_keys_that_the_programs_were_given(source, given, modules, tmp_path):
    case = CASES[source](modules)
    save_file(case.tensors, tmp_path / "sgm.safetensors", case.metadata)
    out = tmp_path / "diffusers.safetensors"
    ziplora("convert", tmp_path / "sgm.safetensors", "--file-dtype", "f32", "--format", "kohya-diffusers", "-o", out)
    wanted = {}
    for name in given:
        wanted |= CASES[name](modules).tensors
    assert key_list(load_file(out)) == key_list(wanted)


def scaled_product(tensors, module, form):
    stem = {"kohya": module.flat_sgm, "diffusers": f"{module.component}.{module.path}"}.get(form)
    if form == "comfy":
        prefix = {"unet": "diffusion_model.", "text_encoder": "text_encoders.clip_l.transformer.",
                  "text_encoder_2": "text_encoders.clip_g.transformer."}[module.component]
        stem = prefix + module.sgm
    down_name, up_name = (".lora_down.weight", ".lora_up.weight") if form == "kohya" else (".lora_A.weight",
                                                                                        ".lora_B.weight")
    down, up = tensors[stem + down_name].double().flatten(1), tensors[stem + up_name].double().flatten(1)
    alpha = tensors.get(stem + ".alpha")
    return (up @ down) * (1.0 if alpha is None else float(alpha) / down.shape[0])


@pytest.mark.parametrize("form", FORMS)
def test_our_files_hold_the_deltas_that_the_programs_computed(form, written, modules):
    """Norm, sum and the sum of one row of ΔW as their code has it, from the factors that we write today."""
    compared = 0
    for program in facts().values():
        for name, (norm, total, row) in program["forms"][form].get("deltas", {}).items():
            delta = scaled_product(written[form], modules[name], form)
            assert torch.allclose(delta, true_delta(name, modules).double(), atol=1e-6 * norm)
            found = torch.tensor([delta.norm(), delta.sum(), delta[1].sum()])
            assert torch.allclose(found, torch.tensor([norm, total, row], dtype=torch.double), atol=1e-4 * norm), (
                program["program"], name)
            compared += 1
    assert compared >= len(SAMPLED)


@pytest.mark.parametrize("form, program", FOUND)
def test_the_programs_found_every_layer_that_they_can_change(form, program):
    assert facts()[program]["forms"][form]["layers"] == FOUND[form, program]


@pytest.mark.parametrize("form", FORMS)
def test_the_keys_that_each_program_accepts_are_ours_without_those_of_the_layers_it_refuses(form, written, modules):
    of_layer = keys_by_layer(written[form], modules, form)
    assert len(of_layer) == EVERY_LAYER
    for program in facts().values():
        fact = program["forms"][form]
        refused = set(modules) if fact["refused"] == "all" else set(fact["refused"])
        accepted = sorted(key for name, keys in of_layer.items() if name not in refused for key in keys)
        assert len(refused) == EVERY_LAYER - fact["layers"], program["program"]
        assert len(accepted) == fact["accepted_keys"], program["program"]
        assert fingerprint("\n".join(accepted)) == fact["accepted_key_list"], program["program"]


@pytest.mark.parametrize("name", CASES)
def test_inspect_says_what_the_programs_did(name, inspected):
    said = inspected[name]
    for program, recorded in facts().items():
        if program in said:
            assert said[program] == recorded["cases"][name]["verdict"], f"{program}: {recorded['cases'][name]}"


def test_every_case_was_run_through_every_program():
    assert len(facts()) >= 5
    for program in facts().values():
        assert list(program["cases"]) == list(CASES), f"{program['program']}: run record.py again"
        assert re.fullmatch(r"[0-9a-f]{40}", program["commit"]) or program["version"], program["program"]


def test_the_documented_matrix_is_the_one_of_the_facts(inspected):
    documented = (ROOT / "docs/compatibility.md").read_text()
    assert table(inspected) in documented, "run tests/loaders/matrix.py and paste its table"
