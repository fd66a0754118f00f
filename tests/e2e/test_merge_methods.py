"""`ziplora merge` with the file-level methods and with recipes, as a user runs it: files that diffusers loads, what the
program prints, equal bytes for equal input, and errors that name their place."""

import json
import os
import shutil

import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from lora_files import LayerChoice, random_layers, save_kohya
from program import run_ziplora, texts_of, ziplora, ziplora_fails
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tiny_sdxl import make_tiny_sdxl

COMPONENTS = ("unet", "text_encoder", "text_encoder_2")
METHODS = {  # name: (options, words of the printed text)
    "direct": ([], []),
    "linear": ([], ["cross terms:"]),
    "svd": (["--energy", 0.9], ["SVD to rank", "relative error"]),
    "ties": (["--density", 0.3], ["relative error"]),
    "dare-linear": (["--on", "factors"], []),
    "dare-ties": (["--svd-rank", 2, "--majority-sign", "frequency"], ["SVD to rank 2 or less"]),
    "magnitude-prune": ([], ["relative error"]),
    "breadcrumbs": (["--density", 0.2, "--outliers", 0.05], ["relative error"]),
    "block": ([], []),
    "np": (["--mu", 1], ["subject (dog.safetensors):", "% of its squared norm removed"]),
    "orthogonal": ([], ["% of its squared norm removed"]),
    "knots": (["--density", 0.3], []),
    "core-space": (["--inside", "dare-ties", "--majority-sign", "frequency"], []),
    "tsv": (["--singular-vectors", 3], []),
    "iso-c": ([], []),
    "ctm": (["--merged-rank", 3, "--beta", 0], []),
    "lora-optimizer": (["--svd-rank", 3], []),
}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return make_tiny_sdxl(tmp_path_factory.mktemp("methods") / "base")


@pytest.fixture(scope="module")
def files(base, tmp_path_factory):
    """dog and ink have the same rank and touch different layers; hat has another rank."""
    folder = tmp_path_factory.mktemp("loras")
    model = StableDiffusionXLPipeline.from_pretrained(base)
    everything = ("attn", "ff", "resnets", "fc1", "q_proj", "k_proj", "v_proj", "out_proj")
    choices = {
        "dog": LayerChoice(components=COMPONENTS, parts=everything, alpha=2.0, seed=1),
        "ink": LayerChoice(parts=("attn",), alpha="rank", seed=2, skip=("down_blocks.1",)),
        "hat": LayerChoice(parts=("attn", "proj_in"), ranks=(2, 5), seed=3),
    }
    return {name: save_kohya(folder / f"{name}.safetensors", random_layers(model, choice), model)
            for name, choice in choices.items()}


@pytest.fixture(scope="module")
def two(files, base):
    return ["merge", "--subject", files["dog"], "--style", f"{files['ink']}:0.8", "--base", base]


def metadata_of(file) -> dict[str, str]:
    with safe_open(file, "pt") as opened:
        return opened.metadata()


@pytest.mark.parametrize("method", METHODS)
def test_every_method_makes_a_file_that_diffusers_loads(method, two, base, tmp_path):
    options, words = METHODS[method]
    command = [*two, "--method", method, *options, "-o", "out.safetensors"]
    done = run_ziplora(*command, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "out.safetensors"
    for word in words:
        assert word in done.stdout
    assert [file.name for file in tmp_path.iterdir()] == ["out.safetensors"]

    checked = run_ziplora("inspect", "out.safetensors", "--base", base, "--check", cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout
    recipe = json.loads(metadata_of(tmp_path / "out.safetensors")["ziplora.recipe"])
    assert recipe["method"] == method and len(recipe["inputs"]) == 2
    for name, value in zip(options[::2], options[1::2]):
        assert recipe["options"][name.removeprefix("--")] == value

    pipeline = StableDiffusionXLPipeline.from_pretrained(base)
    pipeline.load_lora_weights(tmp_path / "out.safetensors")
    assert pipeline.get_active_adapters() == ["default_0"]

    first = (tmp_path / "out.safetensors").read_bytes()
    run_ziplora(*command, cwd=tmp_path)
    assert (tmp_path / "out.safetensors").read_bytes() == first


@pytest.mark.parametrize("method, splits", [("direct", True), ("np", True), ("linear", False), ("svd", False),
                                             ("block", False), ("tsv", False)])
def test_a_file_tells_its_inputs_ranks_only_where_they_lie_side_by_side(method, splits, files, base, tmp_path):
    ziplora("merge", "--subject", files["ink"], "--style", f"{files['ink']}:0.5", "--base", base, "--method", method,
            "-o", tmp_path / "out.safetensors")
    assert ("ziplora.split" in metadata_of(tmp_path / "out.safetensors")) == splits


def test_tags_of_inputs_with_equal_names_stay_apart_and_what_agrees_is_kept(files, base, tmp_path):
    """kohya calls every last checkpoint "last"."""
    for folder, tag, licence in (("a", "dog", "MIT"), ("b", "ink", "CC0")):
        (tmp_path / folder).mkdir()
        metadata = {"ss_tag_frequency": json.dumps({"10_img": {tag: 7}}), "modelspec.title": "last",
                    "modelspec.prediction_type": "v", "modelspec.license": licence,
                    "ss_base_model_version": f"sdxl_{tag}"}
        save_file(load_file(files["ink"]), tmp_path / folder / "last.safetensors", metadata)
    result = ziplora("merge", "--method", "direct", "--subject", "a/last.safetensors", "--style", "b/last.safetensors", "--base", base,
            "-o", "out.safetensors", cwd=tmp_path)
    merged = metadata_of(tmp_path / "out.safetensors")
    assert json.loads(merged["ss_tag_frequency"]) == {"last/10_img": {"dog": 7}, "last/10_img (2)": {"ink": 7}}
    assert merged["modelspec.prediction_type"] == "v" and merged["modelspec.license"] == "CC0 AND MIT"
    said = texts_of(result, "warning")
    assert any('"CC0" (b/last.safetensors), "MIT" (a/last.safetensors); the merge names all' in text for text in said), said
    assert any('ss_base_model_version: "sdxl_dog" (a/last' in text and "by its shapes" in text for text in said), said
    assert merged["ss_base_model_version"] == "sdxl_custom"


@pytest.mark.parametrize("licences, merged, warned", [
    (("MIT", "MIT", "MIT"), "MIT", False), (("CC0 AND MIT", "MIT", None), "CC0 AND MIT", True),
    (("GPL OR MIT", "CC0", "CC0"), "(GPL OR MIT) AND CC0", True), ((None, None, None), None, False),
    (("A AND B OR C", "A AND B OR C", "A AND B OR C"), "A AND B OR C", False),
    (("(A AND B) OR C", "D", "D"), "((A AND B) OR C) AND D", True)])
def test_licences_that_all_hold(licences, merged, warned, files, base, tmp_path):
    command = ["merge", "--method", "direct", "--base", base, "-o", "out.safetensors"]
    for name, licence in zip("abc", licences):
        save_file(load_file(files["ink"]), tmp_path / f"{name}.safetensors", {"modelspec.license": licence} if licence else None)
        command += ["--adapter", f"{name}.safetensors"]
    result = ziplora(*command, cwd=tmp_path)
    assert metadata_of(tmp_path / "out.safetensors").get("modelspec.license") == merged
    assert any("modelspec.license" in event.get("text", "") for event in result["events"]) == warned


def test_tags_that_are_no_json_are_said(files, base, tmp_path):
    save_file(load_file(files["ink"]), tmp_path / "odd.safetensors", {"ss_tag_frequency": "{broken"})
    result = ziplora("merge", "--method", "direct", "--subject", "odd.safetensors", "--style", files["ink"], "--base", base,
                     "-o", "out.safetensors", cwd=tmp_path)
    said = texts_of(result, "warning")
    assert any(text.startswith("odd.safetensors: its ss_tag_frequency is not a JSON object") for text in said), said


@pytest.mark.parametrize("method, weights", [("direct", (0, 0)), ("svd", (1, -1)), ("svd", (0.3, -0.3))])
def test_a_merge_without_effect_is_a_clean_file(method, weights, files, base, tmp_path):
    ziplora("merge", "--method", method, "--subject", f"{files['ink']}:{weights[0]}", "--style",
            f"{files['ink']}:{weights[1]}", "--base", base, "-o", "out.safetensors", cwd=tmp_path)
    report = ziplora("inspect", "out.safetensors", "--base", base, "--check", cwd=tmp_path)["files"][0]
    assert report["defects"] == [] and report["norm"] == 0 and report["placeholders"] == report["layers"] > 0


@pytest.mark.parametrize("method", ["svd", "ties"])
def test_the_rank_of_the_result_is_the_one_asked_for(method, files, base, tmp_path):
    """Although each input has fewer. A method's own SVD takes its place, as if --svd-rank had been given."""
    command = ["merge", "--subject", files["dog"], "--style", files["ink"], "--base", base, "--method", method,
               *(["--density", 1] if method == "ties" else [])]
    found = {}
    for flag, rank in (("--rank", 6), ("--svd-rank", 6), ("--rank", 2)):
        result = ziplora(*command, flag, rank, "-o", "out.safetensors", cwd=tmp_path)
        assert result["rank"] == rank and "compression_error" not in result
        found[flag, rank] = result["svd_error"], load_file(tmp_path / "out.safetensors")
    error, tensors = found["--rank", 6]
    assert error == found["--svd-rank", 6][0] < found["--rank", 2][0]
    assert {name: tensor.shape for name, tensor in tensors.items()} == {
        name: tensor.shape for name, tensor in found["--svd-rank", 6][1].items()}


def test_names_and_prompts_of_another_encoding_are_told_with_replacement_characters(files, base, tmp_path):
    latin = os.fsencode(tmp_path) + b"/caf\xe9.safetensors"
    shutil.copy(files["ink"], latin)
    command = ["merge", "--subject", os.fsdecode(latin), "--style", files["dog"], "--base", base, "--method", "direct"]
    report = tmp_path / "report.json"
    result = ziplora(*command, "--report", report, "-o", os.fsdecode(os.fsencode(tmp_path) + b"/th\xe9.safetensors"))
    assert result["output"].endswith("/th\ufffd.safetensors")
    assert json.loads(report.read_bytes())["output"] == result["output"]
    shutil.move(os.fsencode(tmp_path) + b"/th\xe9.safetensors", os.fsencode(tmp_path) + b"/the.safetensors")
    metadata = metadata_of(tmp_path / "the.safetensors")  # the reader takes UTF-8 names only
    assert metadata["modelspec.title"] == "th\ufffd" and metadata["modelspec.merged_from"].startswith("caf\ufffd")
    assert json.loads(metadata["ziplora.recipe"])["inputs"][0]["file"] == "caf\ufffd.safetensors"
    printed = run_ziplora(*command, "-o", "out.safetensors", "--print-config", cwd=tmp_path)
    assert printed.returncode == 0 and "caf\ufffd.safetensors" in printed.stdout


@pytest.mark.parametrize("name", ["a" * 300, "b/" * 3000 + "c"])
def test_an_output_whose_name_is_too_long(name, two, tmp_path):
    error = ziplora_fails(1, *two, "--method", "direct", "-o", tmp_path / name)
    assert "File name too long" in error["problem"] and "write " in error["where"]


def test_a_layer_that_overflows_is_named(files, base, tmp_path):
    error = ziplora_fails(6, "merge", "--subject", f"{files['ink']}:1e39", "--style", files["dog"], "--base", base,
                          "--method", "direct", "--rank", 2, "-o", "out.safetensors", cwd=tmp_path)
    assert "NaN or Inf" in error["problem"] and "unet." in error["where"]


def test_layers_that_some_inputs_lack_are_said(two, tmp_path):
    result = ziplora(*two, "--method", "direct", "-o", tmp_path / "out.safetensors")
    layers = {entry["input"]: entry["layers"] for entry in result["layers_of_inputs"]}
    assert layers["subject (dog.safetensors)"] == result["layers"] > layers["style (ink.safetensors)"]
    assert result["partly_covered"] == result["layers"] - layers["style (ink.safetensors)"]
    notes = texts_of(result, "note")
    assert any(f"{result['partly_covered']} of {result['layers']} layers are not in all inputs" in note for note in notes)


def test_dare_listens_to_the_seed(two, tmp_path):
    for name, seed in (("a", 1), ("b", 2)):
        ziplora(*two, "--method", "dare-linear", "--on", "factors", "--seed", seed, "-o", tmp_path / name)
    assert (tmp_path / "a").read_bytes() != (tmp_path / "b").read_bytes()


# Recipes

@pytest.fixture
def recipe(files, tmp_path):
    """The inputs lie beside the recipe, in another folder than the one in which the program runs."""
    (tmp_path / "recipes").mkdir()
    for name, file in files.items():
        (tmp_path / "recipes" / f"{name}.safetensors").symlink_to(file)

    def write(content):
        (tmp_path / "recipes" / "recipe.json").write_text(json.dumps(content))
        return tmp_path / "recipes" / "recipe.json"
    return write


def test_a_recipe_does_what_its_steps_do_one_by_one(recipe, files, base, tmp_path):
    path = recipe({"steps": [
        {"name": "small", "method": "svd", "options": {"svd-rank": 3},
         "inputs": [{"file": "dog.safetensors"}, {"file": "hat.safetensors", "weight": 0.5}]},
        {"name": "both", "method": "np", "options": {"mu": 1.0}, "inputs": [
            {"step": "small", "role": "subject", "weight": 0.9},
            {"file": "ink.safetensors", "role": "style", "weight": 0.8}]}]})
    result = ziplora("merge", "--recipe", path, "--base", base, "--file-dtype", "float32", "-o", "out.safetensors",
                     cwd=tmp_path)
    assert result["method"] == "recipe" and [step["name"] for step in result["steps"]] == ["small", "both"]
    assert 0 < result["steps"][0]["report"]["svd_error"] < 1

    common = ["--base", base, "--file-dtype", "float32"]
    ziplora("merge", "--adapter", files["dog"], "--adapter", f"{files['hat']}:0.5", "--method", "svd", "--svd-rank", 3,
            *common, "-o", "small.safetensors", cwd=tmp_path)
    ziplora("merge", "--subject", "small.safetensors:0.9", "--style", f"{files['ink']}:0.8", "--method", "np", "--mu", 1,
            *common, "-o", "steps.safetensors", cwd=tmp_path)
    ours, theirs = load_file(tmp_path / "out.safetensors"), load_file(tmp_path / "steps.safetensors")
    assert ours.keys() == theirs.keys()
    for name in ours:
        if "lora_down" not in name:
            continue
        deltas = [tensors[name.replace("down", "up")].double().flatten(1) @ tensors[name].double().flatten(1)
                  * float(tensors[name.replace("lora_down.weight", "alpha")]) / tensors[name].shape[0]
                  for tensors in (ours, theirs)]
        torch.testing.assert_close(*deltas, rtol=1e-4, atol=1e-5)

    told = json.loads(metadata_of(tmp_path / "out.safetensors")["ziplora.recipe"])
    assert [step["method"] for step in told["steps"]] == ["svd", "np"]
    assert [entry["file"] for entry in told["inputs"]] == ["dog.safetensors", "hat.safetensors", "ink.safetensors"]
    again = recipe({"steps": told["steps"]})  # the recipe in the metadata runs again
    ziplora("merge", "--recipe", again, *common, "-o", "again.safetensors", cwd=tmp_path)
    for name, tensor in load_file(tmp_path / "again.safetensors").items():
        assert tensor.equal(ours[name])


STEP = {"method": "direct", "inputs": [{"file": "dog.safetensors"}, {"file": "ink.safetensors"}]}
RECIPE_ERRORS = {  # name: (exit code, recipe, further arguments, words of where, of problem, of hint)
    "unknown method": (2, STEP | {"method": "tise"}, [], "recipe.json: method", "tise", "did you mean 'ties'?"),
    "unknown option": (2, STEP | {"method": "ties", "options": {"densty": 0.2}}, [], "recipe.json: options", "densty",
                       "did you mean 'density'?"),
    "unknown key": (2, STEP | {"imputs": []}, [], "recipe.json", "imputs", "did you mean 'inputs'?"),
    "unknown step": (2, {"steps": [STEP | {"name": "both"}, {"method": "direct", "inputs": [{"step": "bth"}]}]}, [],
                     "recipe.json: steps[1].inputs[0].step", "bth", "did you mean 'both'?"),
    "unused step": (2, {"steps": [STEP | {"name": "both"}, STEP]}, [], "recipe.json", "nothing uses the step 'both'",
                    '{"step": "both"}'),
    "learns": (2, STEP | {"method": "zip"}, [], "recipe.json: method", "learns on a base", "--method zip"),
    "missing file": (3, {"method": "direct", "inputs": [{"file": "cat.safetensors"}]}, [], "cat.safetensors", "no such file",
                     "check the spelling of the path"),
    "ranks": (4, {"method": "linear", "inputs": [{"file": "dog.safetensors"}, {"file": "hat.safetensors"}]}, [],
              "unet.", "rank 4 in adapter (dog.safetensors), 2 in adapter (hat.safetensors)", "--method direct and --method svd"),
    "inputs beside": (2, STEP, ["--subject", "{dog}"], "--recipe", "the recipe itself holds inputs", "leave out --subject"),
    "method beside": (2, STEP, ["--method", "ties"], "--recipe", "the recipe itself holds inputs", "--method"),
    "option beside": (2, STEP, ["--density", 0.3], "--recipe", "none can be given beside it", "the method's options"),
    "output is an input": (2, STEP, ["-o", "recipes/dog.safetensors"], "-o", "one of the inputs", "another name"),
}


@pytest.mark.parametrize("name", RECIPE_ERRORS)
def test_a_recipes_slips_are_named(name, recipe, files, base, tmp_path):
    code, content, extra, where, problem, hint = RECIPE_ERRORS[name]
    extra = [str(word).format(**files) for word in extra]
    output = [] if "-o" in extra else ["-o", "out.safetensors"]
    error = ziplora_fails(code, "merge", "--recipe", recipe(content), "--base", base, *extra, *output, cwd=tmp_path)
    assert where and problem and hint, "nothing is expected"
    assert where in error["where"] and problem in error["problem"] and hint in error["hint"], error
    assert not (tmp_path / "out.safetensors").exists()


def test_a_recipe_that_is_no_json(recipe, tmp_path):
    path = recipe({})
    path.write_text('{"method": ')
    error = ziplora_fails(3, "merge", "--recipe", path, "-o", "out.safetensors", cwd=tmp_path)
    assert "recipe.json" in error["where"]


ERRORS = {  # name: (exit code, arguments, words of problem, words of hint)
    "density above 1": (2, ["--method", "ties", "--density", 1.5], "1.5 is not a share above 0, up to 1", "--density 0.5"),
    "density 0": (2, ["--method", "dare-linear", "--density", 0], "a share above 0", "can be left out"),
    "negative density": (2, ["--method", "dare-ties", "--density", -0.5], "-0.5 is too small; the minimum is 0",
                         "the default is 0.5"),
    "unknown reading": (2, ["--method", "ties", "--on", "facotrs"], "facotrs", "did you mean 'factors'?"),
    "rank without svd": (2, ["--method", "ties", "--on", "factors", "--svd-rank", 3], "no SVD", "--on delta"),
    "different ranks": (4, ["--method", "linear", "--adapter", "{hat}"], "rank 4 in", "--method direct"),
    "energy above 1": (2, ["--method", "svd", "--energy", 1.5], "1.5 is not a share above 0, up to 1", "--energy 0.99"),
    "fraction of a rank": (2, ["--method", "svd", "--svd-rank", 2.5], "'2.5' is not a whole number", "ziplora merge --help"),
    "block list of another length": (2, ["--method", "block", "--style-blocks", "1,1,1"], "found 3 weights", "12"),
    "unknown block": (2, ["--method", "block", "--style-blocks", "IN4=1"], "IN4", "did you mean 'IN04'?"),
    "unknown module path": (2, ["--method", "block", "--style-blocks", "unet.up_blocks.0.attention.1=0"],
                            "no layer lies in 'unet.up_blocks.0.attention.1'",
                            "did you mean 'unet.up_blocks.0.attentions.1'?"),
    "no block left": (4, ["--method", "block", "--subject-blocks", "rest=0"], "leaves none", "--subject-blocks all"),
    "another method's option": (2, ["--method", "np", "--density", 0.3], "there is no 'density'; it is an option of ties",
                                "choose the method ties or dare-linear or"),
    "negative mu": (2, ["--method", "np", "--mu", -1], "-1 is too small; the minimum is 0", "the default is 0.5"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name, two, files, tmp_path):
    code, arguments, problem, hint = ERRORS[name]
    assert problem and hint, "nothing is expected"
    arguments = [str(word).format(**files) for word in arguments]
    error = ziplora_fails(code, *two, *arguments, "-o", "out.safetensors", cwd=tmp_path)
    assert problem in error["problem"] and hint in error["hint"], error
    assert list(tmp_path.iterdir()) == []


def test_a_projection_without_the_protected_role(files, base, tmp_path):
    error = ziplora_fails(2, "merge", "--subject", files["dog"], "--adapter", files["ink"], "--base", base,
                          "--method", "orthogonal", "-o", tmp_path / "out.safetensors")
    assert "none of the 2 inputs is the style" in error["problem"] and "--style" in error["hint"]
