"""What a terminal would obey never reaches it, wherever it comes from: file names, prompts, trigger words, recipes,
metadata, settings. JSON keeps every value, with its own escapes."""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from lora_files import LayerChoice, random_layers, save_kohya
from noise_photo import save_noise_photo
from program import run_ziplora
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tiny_sdxl import make_tiny_sdxl

# A title, a bell, colours in seven and in eight bits, a backspace, an override, an isolate, a mark, a separator.
HOSTILE = "x\x1b]0;t\x07\x1b[31m\u009b2J\x08\x7f\u202ey\u2066z\u200f\u061c\u2028w"
OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    base = make_tiny_sdxl(folder / "base")
    pipeline = StableDiffusionXLPipeline.from_pretrained(base)
    recipe = {"method": HOSTILE, "seed": 1, "inputs": [{"file": HOSTILE, "role": HOSTILE, "prompts": [HOSTILE],
                                                       "sha256": HOSTILE, "strength": 1}]}
    for seed, name in enumerate((f"a{HOSTILE}", "ink")):
        save_kohya(folder / f"{name}.safetensors", random_layers(pipeline, LayerChoice(seed=seed)), pipeline,
                   metadata={"modelspec.trigger_phrase": HOSTILE, "modelspec.license": HOSTILE + str(seed), HOSTILE: HOSTILE,
                             "ss_tag_frequency": json.dumps({HOSTILE: {HOSTILE: 1}}), "ziplora.recipe": json.dumps(recipe)})
    (folder / f"photos{HOSTILE}").mkdir()
    save_noise_photo(folder / f"photos{HOSTILE}/a{HOSTILE}.png")
    return folder


def commands(inputs, folder):
    base = ["--base", inputs / "base"]
    dog, ink, out = inputs / f"a{HOSTILE}.safetensors", inputs / "ink.safetensors", folder / f"out{HOSTILE}.safetensors"
    both = ["--subject", dog, "--style", ink, *base]
    return {
        "inspect": ["inspect", dog, ink, *base],
        "merge": ["merge", *both, "--method", "direct", "-o", out],
        "svd": ["merge", *both, "--method", "svd", "--rank", 2, "-o", out],
        "zip": ["merge", "--method", "zip", *both, "--iterations", 1, "--images", 1, "--image-steps", 1, "--evaluation-draws", 1, "-o", out],
        "convert": ["convert", dog, *base, "--rank", 2, "-o", out],
        "peft": ["convert", dog, *base, "--format", "peft", "-o", folder / f"out{HOSTILE}"],
        "bake": ["convert", "--bake", dog, "--into", inputs / "base", "-o", folder / f"out{HOSTILE}"],
        "generate": ["generate", HOSTILE, "--adapter", dog, *base, "--steps", 1, "-o", folder / f"out{HOSTILE}.png"],
        "grid": ["generate", HOSTILE, "--grid", "--column", f"{HOSTILE}={dog}", *base, "--steps", 1,
                 "-o", folder / f"out{HOSTILE}.png"],
        "train": ["train", inputs / f"photos{HOSTILE}", "--prompt", HOSTILE, *base, "--rank", 2, "--iterations", 1,
                  "--run-folder", folder / f"run{HOSTILE}", "-o", out],
        "config": ["generate", HOSTILE, "--print-config", "-o", f"{HOSTILE}.png"],
        "unknown flag": ["generate", f"--a{HOSTILE}"],
        "unknown command": [HOSTILE],
        "no number": ["generate", "a", "--steps", HOSTILE, "-o", "out.png"],
        "no strength": ["merge", "--subject", f"{dog}:{HOSTILE}", "-o", out],
        "no file": ["inspect", HOSTILE],
        "no name": ["generate", "a", "--scheduler", HOSTILE, *base, "-o", folder / "out.png"],
    }


VERBS = list(commands(Path(), Path()))


def assert_is_clean(done):
    for text in (done.stdout, done.stderr):
        assert not OBEYED.search(text), repr(OBEYED.search(text)) + " in " + repr(text)


@pytest.mark.promise("No text from a file or a name reaches the terminal as a command.")
@pytest.mark.parametrize("flags", [[], ["--json"]])
@pytest.mark.parametrize("verb", VERBS)
def test_nothing_that_a_terminal_obeys_is_printed(verb, flags, inputs, tmp_path):
    done = run_ziplora(*commands(inputs, tmp_path)[verb], *flags)
    assert_is_clean(done)
    assert done.returncode == (2 if verb.startswith(("un", "no ")) and verb != "no file" else 3 if verb == "no file" else 0), done


def test_json_keeps_the_values(inputs, tmp_path):
    done = run_ziplora(*commands(inputs, tmp_path)["convert"], "--json")
    assert json.loads(done.stdout)["files"][0]["output"] == str(tmp_path / f"out{HOSTILE}.safetensors")
    assert (tmp_path / f"out{HOSTILE}.safetensors").exists()
    printed = json.loads(run_ziplora(*commands(inputs, tmp_path)["config"]).stdout)
    assert printed["prompt"] == [HOSTILE]


@pytest.mark.parametrize("settings", [{HOSTILE: 1}, {"steps": HOSTILE}, {"scheduler": HOSTILE}, {"prompt": [HOSTILE]}, HOSTILE])
def test_settings_of_others_are_cleaned(settings, inputs, tmp_path):
    (tmp_path / f"c{HOSTILE}.json").write_text(json.dumps(settings))
    assert_is_clean(run_ziplora("generate", "--config", tmp_path / f"c{HOSTILE}.json", "--base", inputs / "base", "--steps", 1,
                                "-o", tmp_path / "out.png"))


@pytest.mark.parametrize("change", [
    lambda tensors: {HOSTILE: torch.zeros(2)},
    lambda tensors: tensors | {f"lora_unet_{HOSTILE}.lora_up.weight": torch.zeros(2, 2)},
    lambda tensors: {f"bundle_emb.{HOSTILE}.string_to_param": torch.zeros(1)} | tensors,
    lambda tensors: {key: tensor * float("nan") for key, tensor in tensors.items()},
])
def test_names_inside_files_are_cleaned(change, inputs, tmp_path):
    ink = inputs / "ink.safetensors"
    save_file(change(load_file(ink)), tmp_path / "odd.safetensors", safe_open(ink, "pt").metadata())
    for command in (["inspect", "--check"], ["convert", "-o", tmp_path / "out.safetensors"]):
        assert_is_clean(run_ziplora(*command, tmp_path / "odd.safetensors", "--base", inputs / "base"))


def test_a_base_with_hostile_names_is_cleaned(inputs, tmp_path):
    base = tmp_path / "base"
    shutil.copytree(inputs / "base", base)
    config = json.loads((base / "scheduler/scheduler_config.json").read_text())
    (base / "scheduler/scheduler_config.json").write_text(json.dumps(config | {"_class_name": HOSTILE}))
    done = run_ziplora("generate", "a", "--base", base, "--steps", 1, "-o", tmp_path / "out.png")
    assert_is_clean(done)
    assert done.returncode == 3
