"""`ziplora merge --method ssr` as a user runs it: what it comes to at its limits, what it says, and its errors."""

import re

import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from lora_files import LayerChoice, random_layers, save_kohya
from program import run_ziplora, texts_of, ziplora, ziplora_fails
from safetensors.torch import load_file
from tiny_sdxl import make_tiny_sdxl

STYLES = ["--style-prompt", "a rose, in szn style", "--style-prompt", "a cat, in szn style"]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return make_tiny_sdxl(tmp_path_factory.mktemp("ssr") / "base")


@pytest.fixture(scope="module")
def files(base, tmp_path_factory):
    """Ranks differ, both have convolutions, and each touches layers that the other does not."""
    folder = tmp_path_factory.mktemp("loras")
    model = StableDiffusionXLPipeline.from_pretrained(base)
    choices = {"dog": LayerChoice(components=("unet", "text_encoder"), parts=("attn", "resnets", "fc1"), seed=1),
               "ink": LayerChoice(parts=("attn", "resnets", "proj_in"), ranks=(2, 3), seed=2, skip=("down_blocks.1",))}
    return {name: save_kohya(folder / f"{name}.safetensors", random_layers(model, choice), model)
            for name, choice in choices.items()}


@pytest.fixture(scope="module")
def command(base, files):
    """Two inputs and what records them briefly."""
    def arguments(*options, subject="", style="", style_prompts=STYLES, steps=2):
        return ["merge", "--method", "ssr", "--base", base, "--subject", f"{files['dog']}{subject}", "--style",
                f"{files['ink']}{style}", "--subject-prompt", "a sks dog", *style_prompts, "--file-dtype", "float32",
                "--context-steps", steps, "-o", "out.safetensors", *options]
    return arguments


def deltas(file) -> dict[str, torch.Tensor]:
    tensors = load_file(file)
    found = {}
    for name, down in tensors.items():
        if name.endswith(".lora_down.weight"):
            module = name.removesuffix(".lora_down.weight")
            up = tensors[f"{module}.lora_up.weight"].double()
            scale = tensors[f"{module}.alpha"].item() / down.shape[0] if f"{module}.alpha" in tensors else 1.0
            found[module] = (up.flatten(1) @ down.double().flatten(1)) * scale
    return found


def relative_error(ours, expected) -> float:
    assert ours.keys() == expected.keys()
    difference = sum((ours[name] - expected[name]).square().sum() for name in expected)
    return (difference / sum(value.square().sum() for value in expected.values())).sqrt().item()


@pytest.fixture
def direct(base, files, tmp_path):
    """The plain sum at the given strengths."""
    def of(subject, style):
        ziplora("merge", "--method", "direct", "--base", base, "--subject", f"{files['dog']}:{subject}", "--style",
                f"{files['ink']}:{style}", "--file-dtype", "float32", "-o", tmp_path / "direct.safetensors")
        return deltas(tmp_path / "direct.safetensors")
    return of


def test_the_file_loads_and_routes(command, base, direct, tmp_path):
    result = ziplora(*command(), cwd=tmp_path)
    assert result["method"] == "ssr" and {file.name for file in tmp_path.iterdir()} == {"out.safetensors"}
    notes = texts_of(result, "note")
    assert 'joint: "a sks dog, in szn style"' in notes
    pipeline = StableDiffusionXLPipeline.from_pretrained(base)
    pipeline.load_lora_weights(tmp_path / "out.safetensors")
    merged = deltas(tmp_path / "out.safetensors")
    plain = direct(1, 1)
    moved = {name for name in plain if (merged[name] - plain[name]).norm() > 1e-3 * plain[name].norm()}
    assert moved == {name for name in plain if "_te" not in name}, "the layers of the text encoders are added directly"


def test_one_adapter_alone_stays_as_it_is(base, files, tmp_path):
    ziplora("merge", "--method", "ssr", "--base", base, "--subject", files["dog"], "--subject-prompt", "a sks dog",
            "--joint-weight", 0, "--context-steps", 1, "--file-dtype", "float32", "-o", "out.safetensors", cwd=tmp_path)
    assert relative_error(deltas(tmp_path / "out.safetensors"), deltas(files["dog"])) < 1e-5


def test_a_heavy_joint_prompt_makes_the_weighted_sum(command, direct, tmp_path):
    """But where too little comes through to say so: one vector an image and step reaches the timestep's embedding."""
    ziplora(*command("--joint-weight", 1e9, "--joint-subject", 0.6, "--ridge", 1e-9, subject=":0.9", style=":1.2"), cwd=tmp_path)
    merged, expected = deltas(tmp_path / "out.safetensors"), direct(0.6 * 0.9, 1.2)
    in_unet = [name for name in expected if "_te" not in name and "emb_layers" not in name]
    assert relative_error({name: merged[name] for name in in_unet}, {name: expected[name] for name in in_unet}) < 1e-3


def test_what_is_given_as_the_joint_prompt_counts(command, tmp_path):
    def merged(*options):
        ziplora(*command(*options), cwd=tmp_path)
        return deltas(tmp_path / "out.safetensors")
    guessed = merged()
    assert relative_error(merged("--joint-prompt", "a sks dog, in szn style"), guessed) == 0
    assert relative_error(merged("--joint-prompt", "a sks dog on the moon, in szn style"), guessed) > 1e-4


def test_too_few_tokens_are_told(command, tmp_path):
    result = ziplora(*command("--context-images", 1, "--context-size", 8, steps=1), cwd=tmp_path)
    warnings = texts_of(result, "warning")
    assert any(re.search(r"a layer has seen \d+ tokens for \d+ ranks", text) for text in warnings), warnings


@pytest.mark.parametrize("code, options, problem, hint", [
    (2, ["--style-prompt", "szn"], "do not tell how subject and style are called together", "--joint-prompt"),
    (2, ["--context-images", 0], "0 is too small", "the default is"),
    (6, ["--ridge", 0, "--context-images", 1], "fewer directions came through", "--ridge 0.01"),
    (2, ["--ridge", -1], "-1 is too small", "the default is"),
    (2, ["--context-size", 7], "7", "multiple"),
])
def test_errors(code, options, problem, hint, command, tmp_path):
    prompts = [] if "--style-prompt" in options else STYLES
    error = ziplora_fails(code, *command(*options, style_prompts=prompts, steps=1), cwd=tmp_path)
    assert problem in error["problem"] and hint in error["hint"]
    assert list(tmp_path.iterdir()) == []


def test_a_text_result_names_the_file(command, tmp_path):
    done = run_ziplora(*command(), cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.splitlines()[-1] == "out.safetensors"
