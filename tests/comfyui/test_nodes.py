"""The ComfyUI nodes on stand-ins of what a real ComfyUI has (facts.json, kept by record.py): they give what the command line
gives, once; they show its steps, stop on Cancel and say what is wrong."""

import inspect
import json
import os
import re
import sys
from pathlib import Path

import pytest
import tomllib
from comfyui_server import as_prompt, without_files
from diffusers import StableDiffusionXLPipeline
from embedded_base import MINI
from lora_files import LayerChoice, random_layers, save_kohya
from program import BUILD, run_ziplora
from python_package import FOLDER
from safetensors.torch import load_file
from stand_in_comfyui import PACK, InterruptProcessingException, StandIn

import ziplora.program

FACTS = json.loads((Path(__file__).parent / "facts.json").read_text())
EXAMPLES = ("merge_subject_and_style", "merge_three_and_inspect")
NODES = list(FACTS["nodes"])
MERGE = {"subject": "dog.safetensors", "subject_strength": 1.0, "style": "ink.safetensors", "style_strength": 0.8,
         "method": "direct", "base": "(none)", "subject_prompt": "", "style_prompt": "", "joint_prompt": "", "options": "",
         "strength": 0.9, "filename_prefix": "ziplora/merge"}
SHORT_ZIP = {"method": "zip", "options": "iterations=6\nimages=1\nimage-steps=1\nevaluation_draws=1"}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    (folder / "loras/ziplora").mkdir(parents=True)
    pipeline = StableDiffusionXLPipeline.from_pretrained(MINI)
    for seed, name in enumerate(("dog", "ink", "paper")):
        save_kohya(folder / f"loras/{name}.safetensors", random_layers(pipeline, LayerChoice(alpha="rank", seed=seed)), pipeline,
                   metadata={"modelspec.trigger_phrase": f"a sks {name}"})
    return folder


@pytest.fixture
def comfyui(models, monkeypatch):
    monkeypatch.setenv("ZIPLORA_PROGRAM", str(BUILD / "ziplora"))
    monkeypatch.setenv("PYTHONPATH", str(FOLDER))
    return StandIn(models, monkeypatch)


def node(comfyui, name):
    return comfyui.pack.NODE_CLASS_MAPPINGS[name]


def merge(comfyui, **changes):
    done = node(comfyui, "ZipLoRA Merge")().merge("model", "clip", **MERGE | changes)["result"]
    return done[2]


@pytest.mark.parametrize("name", NODES)
def test_the_page_shows_the_nodes_as_it_was_recorded(comfyui, name):
    shown = node(comfyui, name)
    info = {"input": shown.INPUT_TYPES(), "output": list(shown.RETURN_TYPES),
            "output_name": list(getattr(shown, "RETURN_NAMES", shown.RETURN_TYPES)), "output_node": getattr(shown, "OUTPUT_NODE", False)}
    assert json.loads(json.dumps(without_files(info))) == FACTS["nodes"][name], "run record.py again"
    assert list(comfyui.pack.NODE_CLASS_MAPPINGS) == NODES


def test_the_stand_ins_have_the_signatures_of_comfyui(comfyui):
    for path, recorded in FACTS["interface"].items():
        module = max((name for name in comfyui.modules if path.startswith(name + ".")), key=len)
        found = comfyui.modules[module]
        for part in path.removeprefix(module + ".").split("."):
            found = getattr(found, part)
        is_exception = inspect.isclass(found) and issubclass(found, Exception)
        ours = found.__bases__[0].__name__ if is_exception else str(inspect.signature(found))
        assert ours == recorded.replace("'", ""), path


@pytest.mark.parametrize("example", EXAMPLES)
def test_comfyui_drew_the_same_image_from_the_command_lines_file(example):
    fact = FACTS[example]
    assert fact["pixels"] == fact["pixels_by_command_line"] != FACTS["pixels_without"] and fact["same_tensors"]
    assert fact["statuses"][-1] == "execution_success"


def test_comfyui_stopped_the_merge_and_went_on_with_it():
    fact = FACTS["cancel"]
    assert fact["statuses"][-1] == "execution_interrupted" and fact["left"] and fact["then"][-1] == "execution_success"
    assert 1 < fact["went_on_at"] <= fact["ended_at"] == 5 and fact["left_then"] == 0
    assert FACTS["after_a_restart"] == {"merged_again": False, "same_pixels": True, "cached": True}


def test_a_merge_is_the_command_lines_is_applied_and_runs_once(comfyui, models, monkeypatch, tmp_path):
    further = node(comfyui, "ZipLoRA Further LoRA")().add("paper.safetensors", 0.5, "")[0]
    name = merge(comfyui, adapters=further)
    loras = models / "loras"
    run_ziplora("merge", "--method", "direct", "--subject", loras / "dog.safetensors", "--style", f"{loras}/ink.safetensors:0.8",
                "--adapter", f"{loras}/paper.safetensors:0.5", "-o", tmp_path / "line.safetensors")
    ours, theirs = load_file(loras / name), load_file(tmp_path / "line.safetensors")
    assert ours.keys() == theirs.keys() and all((ours[key] == theirs[key]).all() for key in ours)
    assert comfyui.applied == [("model", "clip", name, 0.9, 0.9)]
    assert comfyui.steps[-1][0] == comfyui.steps[-1][1] > 1
    monkeypatch.setenv("ZIPLORA_PROGRAM", "/nowhere")
    assert merge(comfyui, adapters=further) == name
    with pytest.raises(ziplora.Error, match="No such file"):
        merge(comfyui, adapters=further, style_strength=0.7)


def test_bytes_options_and_version_make_the_name_and_places_do_not(comfyui, models, monkeypatch, tmp_path):
    files = sys.modules["pack_of_nodes.model_folders"]
    one, moved, other = tmp_path / "a.safetensors", tmp_path / "b.safetensors", tmp_path / "c.safetensors"
    one.write_bytes(b"same")
    moved.write_bytes(b"same")
    other.write_bytes(b"different")

    def name(file, **values):
        return files.fingerprint("merge", {"subject": f"{file}:1.0", **values}, [str(file)])
    assert name(one) == name(moved) != name(other) and name(one, rank=2) != name(one)
    before = name(one)
    monkeypatch.setattr(ziplora, "__version__", "0.0.0")
    assert name(one) != before
    changed = node(comfyui, "ZipLoRA Merge").IS_CHANGED
    assert changed("dog.safetensors", "ink.safetensors", "(none)") != changed("dog.safetensors", "paper.safetensors", "(none)", method="zip")


def test_cancel_stops_zip_and_the_next_run_goes_on(comfyui, models):
    comfyui.interrupted = lambda: (2, 6) in comfyui.steps
    with pytest.raises(InterruptProcessingException):
        merge(comfyui, **SHORT_ZIP, filename_prefix="cancelled")
    left = {file.suffixes[0] for file in (models / "loras").glob("cancelled-*")}
    assert left == {".merge-state"}
    comfyui.interrupted = lambda: False
    comfyui.steps.clear()
    name = merge(comfyui, **SHORT_ZIP, filename_prefix="cancelled")
    assert min(value for value, total in comfyui.steps if total == 6) > 2
    assert [file.name for file in (models / "loras").glob("cancelled-*")] == [name]  # no state, no coefficients


def test_prompts_reach_the_program_line_by_line(comfyui, models):
    merge_values = sys.modules["pack_of_nodes.merge_node"].merge_values
    inputs = {name: value for name, value in MERGE.items() if name not in ("strength", "filename_prefix")}
    inputs |= {"subject_prompt": "a sks dog\n\n a dog "}
    values, files = merge_values(**inputs, adapters=[("paper.safetensors", 0.5, "a paper")])
    assert values["subject_prompt"] == ["a sks dog", "a dog"] and "joint_prompt" not in values
    assert values["adapter"] == [f"{models}/loras/paper.safetensors:0.5"] and values["adapter_prompt"] == ["a paper"]
    assert len(files) == 3
    with pytest.raises(ValueError, match="give one to all or to none"):
        merge_values(**inputs, adapters=[("paper.safetensors", 0.5, "a paper"), ("ink.safetensors", 1.0, "")])


def test_inspect_shows_what_the_program_prints(comfyui, models):
    shown = node(comfyui, "LoRA Inspect")().inspect("dog.safetensors", "(none)")
    assert shown["result"][0] == run_ziplora("inspect", models / "loras/dog.safetensors").stdout == shown["ui"]["text"][0]
    (models / "loras/broken.safetensors").write_bytes(b"broken")
    with pytest.raises(RuntimeError, match="error: .*broken.safetensors"):
        node(comfyui, "LoRA Inspect")().inspect("broken.safetensors", "(none)")


def test_convert_writes_what_the_program_writes(comfyui, models, tmp_path):
    name, = node(comfyui, "LoRA Convert")().convert("dog.safetensors", "comfy", "(none)", "rank=2\nfile-dtype=float16", "small")["result"]
    run_ziplora("convert", models / "loras/dog.safetensors", "--format", "comfy", "--rank", 2, "--file-dtype", "float16",
                "-o", tmp_path / name)
    assert (models / "loras" / name).read_bytes() == (tmp_path / name).read_bytes()
    folder, = node(comfyui, "LoRA Convert")().convert("dog.safetensors", "peft", "(none)", "", "folder")["result"]
    assert (models / "loras" / folder).is_dir()


@pytest.mark.parametrize("options, says", [
    ("densty=0.3", "no 'densty' for merge; known: .*density"), ("rank", "has no value"), ("ignore_unused=yes", "true or false"),
    ("output=/tmp/x", "no 'output'"), ("contexts=/tmp/x", "no 'contexts'"), ("subject-images=/home", "no 'subject_images'"),
    ("method=ties", "no 'method'"), ("resume=true", "no 'resume'"),
])
def test_wrong_options_and_those_that_name_files_are_refused_before_the_run(comfyui, options, says):
    assert re.search(says, node(comfyui, "ZipLoRA Merge").VALIDATE_INPUTS(method="ties", options=options))


def test_right_options_pass(comfyui):
    check = node(comfyui, "ZipLoRA Merge").VALIDATE_INPUTS
    assert check(method="zip", options="rank=16\n--gradient-checkpointing\nhard=false") is True and check() is True
    assert "no method 'tiess'" in check(method="tiess", options="")
    assert node(comfyui, "LoRA Convert").VALIDATE_INPUTS(format="diffusers", options="energy=0.99") is True


@pytest.mark.parametrize("prefix", ["../escaped", "/tmp/escaped", "ziplora/../../escaped"])
def test_no_name_leads_out_of_the_folder(comfyui, prefix):
    with pytest.raises(ValueError, match="leads out of the LoRA folder"):
        merge(comfyui, filename_prefix=prefix)


def test_without_the_package_the_nodes_load_and_say_how_to_get_it(comfyui, models, monkeypatch):
    monkeypatch.setitem(sys.modules, "ziplora", None)
    bare = StandIn(models, monkeypatch)
    for name in NODES:
        assert node(bare, name).INPUT_TYPES()["required"]
    said = node(bare, "ZipLoRA Merge").VALIDATE_INPUTS(method="(ziplora is not installed)", options="")
    assert "method - " + said.replace(sys.executable, "python") == FACTS["refusals"]["no_package"]
    with pytest.raises(RuntimeError, match="pip install --upgrade ziplora"):
        node(bare, "LoRA Inspect")().inspect("dog.safetensors", "(none)")


def test_where_torch_does_not_fit_the_command_on_the_path_runs(comfyui, monkeypatch):
    def refuse():
        raise ziplora.Error("failed", "start ziplora", "torch 2.1 is installed", "")
    monkeypatch.delenv("ZIPLORA_PROGRAM")
    monkeypatch.setattr(ziplora.program, "torch_folder", refuse)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ziplora.Error, match="torch 2.1 is installed"):
        merge(comfyui, filename_prefix="no-program")
    monkeypatch.setenv("PATH", str(BUILD))
    assert merge(comfyui, filename_prefix="by-path")
    assert os.environ.pop("ZIPLORA_PROGRAM") == str(BUILD / "ziplora")


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_example_workflows_fit_the_nodes(comfyui, example):
    workflow = json.loads((PACK / f"example_workflows/{example}.json").read_text())
    ours = [one for one in workflow["nodes"] if one["type"] in NODES]
    prompt = as_prompt(workflow | {"nodes": ours}, {name: {"input": node(comfyui, name).INPUT_TYPES()} for name in NODES})
    for one in prompt.values():
        check = getattr(node(comfyui, one["class_type"]), "VALIDATE_INPUTS", None)
        given = {name: value for name, value in one["inputs"].items() if name in ("method", "format", "options")}
        assert check is None or check(**given) is True
        assert set(one["inputs"]) >= set(node(comfyui, one["class_type"]).INPUT_TYPES()["required"])


def test_the_pack_is_in_the_form_that_the_registry_wants():
    told = tomllib.loads((PACK / "pyproject.toml").read_text())
    assert {"name", "description", "version", "license"} <= told["project"].keys() and "Repository" in told["project"]["urls"]
    assert {"PublisherId", "DisplayName"} <= told["tool"]["comfy"].keys() and told["project"]["dependencies"] == []
    assert len((PACK / "README.md").read_text().splitlines()) <= 60
