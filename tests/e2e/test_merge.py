"""`ziplora merge` as a user runs it: it writes files that diffusers loads and that do what their coefficients say, resumes
exactly, sums exactly, reports the true error of a compression, and leaves nothing behind when it fails."""

import hashlib
import json
import shlex
import subprocess

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from lora_files import Layer, LayerChoice, component_modules, random_layers, save_kohya
from PIL import Image
from probe_runner import relative_error
from program import interrupt, run_ziplora, steps_of, texts_of, ziplora, ziplora_fails
from safetensors import safe_open
from safetensors.torch import load_file
from tiny_sdxl import make_tiny_sdxl

COMPONENTS = ("unet", "text_encoder", "text_encoder_2")
QUICK = ("--method", "zip", "--images", 2, "--image-steps", 2, "--evaluation-draws", 2)
ZIP = ("--iterations", 6, *QUICK)
PROMPTS = {"dog": "a sks dog", "ink": "in szn style", "hat": "wearing a wug hat"}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return make_tiny_sdxl(tmp_path_factory.mktemp("merge") / "base")


@pytest.fixture
def pipeline(base):
    return StableDiffusionXLPipeline.from_pretrained(base)


@pytest.fixture(scope="module")
def layers(base):
    """Three adapters that touch different layers, with different ranks and alphas."""
    model = StableDiffusionXLPipeline.from_pretrained(base)
    choices = {
        "dog": LayerChoice(components=COMPONENTS, parts=("attn", "ff", "resnets", "fc1"), alpha=2.0, seed=1),
        "ink": LayerChoice(parts=("attn",), ranks=(3,), alpha="rank", seed=2, skip=("down_blocks.1",)),
        "hat": LayerChoice(parts=("attn", "proj_in"), ranks=(2, 5), alpha=None, every=2, seed=3),
    }
    return {name: random_layers(model, choice) for name, choice in choices.items()}


@pytest.fixture(scope="module")
def files(layers, base, tmp_path_factory):
    """The adapters as files. dog and ink record their prompts in different ways, hat does not record its own."""
    folder = tmp_path_factory.mktemp("loras")
    model = StableDiffusionXLPipeline.from_pretrained(base)
    metadata = {"dog": {"ss_tag_frequency": json.dumps({"10_sks dog": {PROMPTS["dog"]: 5, "outdoors": 2}})},
                "ink": {"modelspec.trigger_phrase": PROMPTS["ink"]}, "hat": None}
    return {name: save_kohya(folder / f"{name}.safetensors", own, model, metadata=metadata[name])
            for name, own in layers.items()}


@pytest.fixture(scope="module")
def two(files, base):
    return ["merge", "--subject", files["dog"], "--style", f"{files['ink']}:0.8", "--base", base,
            "--file-dtype", "float32"]


@pytest.fixture(scope="module")
def three(two, files):
    return [*two, "--adapter", f"{files['hat']}:1.2", "--adapter-prompt", PROMPTS["hat"]]


WEIGHTS = {"dog": 1.0, "ink": 0.8, "hat": 1.2}


def delta_of(layer: Layer) -> torch.Tensor:
    """ΔW in float64, in the weight's shape except for a trailing 1 × 1."""
    rank = layer.down.shape[0]
    scale = 1.0 if layer.alpha is None else layer.alpha / rank
    return scale * torch.einsum("or,r...->o...", layer.up.double().flatten(1), layer.down.double())


def scaled_columns(delta: torch.Tensor, m: torch.Tensor) -> torch.Tensor:
    return delta * m.double().view(1, -1, *[1] * (delta.dim() - 2))


def sum_of_deltas(layers, names, coefficients=None) -> dict[str, torch.Tensor]:
    """Σ_k w_k ΔW_k · diag(m_k) by canonical name; m_k is 1 where `coefficients` has none."""
    total = {}
    for k, name in enumerate(names):
        for target, layer in layers[name].items():
            delta = WEIGHTS[name] * delta_of(layer)
            if coefficients is not None and f"{k}.{target}" in coefficients:
                delta = scaled_columns(delta, coefficients[f"{k}.{target}"])
            total[target] = total.get(target, 0) + delta
    return total


def add_to_weights(pipeline, deltas):
    modules = {f"{component}.{path}": module for component in COMPONENTS
               for path, module in component_modules(pipeline, component)}
    with torch.no_grad():
        for target, delta in deltas.items():
            modules[target].weight += delta.to(modules[target].weight)
    return pipeline


@torch.no_grad()
def outputs(pipeline) -> dict[str, torch.Tensor]:
    """What the text encoders make of a prompt, and what the UNet predicts under it for given noise."""
    embeds, _, pooled, _ = pipeline.encode_prompt("a sks dog in szn style", do_classifier_free_guidance=False)
    generator = torch.Generator().manual_seed(3)
    sample = torch.randn(2, 4, 16, 16, generator=generator)
    noise_pred = pipeline.unet(sample, torch.tensor([900, 100]), embeds.expand(2, -1, -1), added_cond_kwargs={
        "text_embeds": pooled.expand(2, -1), "time_ids": torch.tensor([[32.0, 32, 0, 0, 32, 32]] * 2)}).sample
    return {"prompt_embeds": embeds, "pooled": pooled, "noise_pred": noise_pred}


def with_lora_file(base, file):
    pipeline = StableDiffusionXLPipeline.from_pretrained(base)
    pipeline.load_lora_weights(file)
    return pipeline


def metadata_of(file) -> dict[str, str]:
    with safe_open(file, "pt") as opened:
        return opened.metadata()


def deltas_in_file(file) -> list[torch.Tensor]:
    """ΔW of each layer of a kohya file as a matrix, in alphabetical order of the names."""
    tensors = load_file(file)
    modules = sorted({name.split(".")[0] for name in tensors})
    layers = [Layer(tensors[f"{module}.lora_down.weight"], tensors[f"{module}.lora_up.weight"],
                    float(tensors[f"{module}.alpha"])) for module in modules]
    return [delta_of(layer).flatten(1) for layer in layers]


# zip

@pytest.mark.parametrize("names", [("dog", "ink"), ("dog", "ink", "hat")])
def test_the_file_is_the_sum_of_the_scaled_deltas(names, two, three, layers, base, pipeline, tmp_path):
    result = ziplora(*(two if len(names) == 2 else three), *ZIP, "-o", "out.safetensors", cwd=tmp_path)
    coefficients = load_file(tmp_path / result["coefficients_file"])
    in_attention = {f"{k}.{target}" for k, name in enumerate(names) for target in layers[name]
                    if target.startswith("unet.") and ".attn" in target}
    assert coefficients.keys() == in_attention
    moved = torch.cat([m - 1 for m in coefficients.values()]).abs()
    assert 0.01 < moved.mean() < 0.07  # Adam at 0.01 moves each by at most about 0.06 in six iterations
    assert result["mean_movement"] == pytest.approx(float(moved.mean()), rel=1e-4)
    for k, told in enumerate(["subject", "style", "adapter"][: len(names)]):
        own = torch.cat([m - 1 for key, m in coefficients.items() if key.startswith(f"{k}.")]).abs()
        assert result["movement"][told] == pytest.approx(float(own.mean()), rel=1e-4)

    ours = outputs(with_lora_file(base, tmp_path / "out.safetensors"))
    theirs = outputs(add_to_weights(pipeline, sum_of_deltas(layers, names, coefficients)))
    direct = outputs(add_to_weights(StableDiffusionXLPipeline.from_pretrained(base), sum_of_deltas(layers, names)))
    for name, expected in theirs.items():
        assert relative_error(ours[name], expected) < 2e-5, name
    assert relative_error(direct["noise_pred"], theirs["noise_pred"]) > 1e-3, "the coefficients must matter"

    ranks = {}
    for name in names:
        for target, layer in layers[name].items():
            ranks[target] = ranks.get(target, 0) + layer.down.shape[0]
    found = [tensor.shape[0] for name, tensor in load_file(tmp_path / "out.safetensors").items() if "lora_down" in name]
    assert sorted(found) == sorted(ranks.values())
    assert result["rank"] == max(ranks.values()) and result["layers"] == len(ranks)


def test_the_report_tells_what_was_learned(three, tmp_path):
    result = ziplora(*three, *ZIP, "-o", "out.safetensors", cwd=tmp_path)
    assert result["fidelity"].keys() == {"subject", "style", "adapter"}
    assert [row["iteration"] for row in result["history"]] == [1, 2, 3, 4, 5, 6]
    assert {"loss", "loss_subject", "loss_style", "loss_adapter", "overlap"} <= result["history"][0].keys()
    overlap = result["overlap"]
    assert result["history"][0]["overlap"] == 1.0 > overlap["after"] > 0.8
    assert overlap["per_adapter"].keys() == result["movement"].keys() == result["fidelity"].keys()
    assert min(overlap["per_adapter"].values()) < overlap["after"] < max(overlap["per_adapter"].values())
    assert steps_of(result, "zip") == [(n, 6) for n in (1, 2, 3, 4, 5, 6)]
    assert steps_of(result, "fidelity") == [(1, 2), (2, 2)] * 2  # before learning and after it
    assert not list(tmp_path.glob("*merge-state*"))


def test_the_recipe_names_the_inputs_by_their_fingerprints(three, files, tmp_path):
    ziplora(*three, *ZIP, "--seed", 7, "-o", "out.safetensors", cwd=tmp_path)
    metadata = metadata_of(tmp_path / "out.safetensors")
    recipe = json.loads(metadata["ziplora.recipe"])
    assert recipe["method"] == "zip" and recipe["seed"] == 7 and recipe["options"]["iterations"] == 6
    expected = [("subject", "dog"), ("style", "ink"), ("adapter", "hat")]
    assert len(recipe["inputs"]) == len(expected)
    for found, (role, name) in zip(recipe["inputs"], expected):
        assert found == {"file": f"{name}.safetensors", "role": role, "weight": WEIGHTS[name],
                         "prompts": [PROMPTS[name]],
                         "sha256": hashlib.sha256(files[name].read_bytes()).hexdigest()}
    assert metadata["modelspec.trigger_phrase"] == "a sks dog, in szn style, wearing a wug hat"
    assert metadata_of(tmp_path / "out.coefficients.safetensors")["ziplora.recipe"] == metadata["ziplora.recipe"]


def test_equal_seeds_give_equal_bytes(two, tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        (tmp_path / name).mkdir()
        ziplora(*two, *ZIP, "--seed", seed, "-o", "out.safetensors", cwd=tmp_path / name)
    a, b, c = ((tmp_path / name / "out.safetensors").read_bytes() for name in "abc")
    assert a == b != c


def test_a_pool_of_batches_comes_in_turn_with_the_same_targets(two, tmp_path):
    def merged(*options):
        result = ziplora(*two, *ZIP, *options, "-o", "out.safetensors", cwd=tmp_path)
        return (tmp_path / "out.safetensors").read_bytes(), [row["loss"] for row in result["history"]]

    fresh, fresh_losses = merged()
    deltas = deltas_in_file(tmp_path / "out.safetensors")
    _, losses = merged("--pool", 6)  # as many as there are iterations
    assert losses == fresh_losses
    assert all(torch.equal(a, b) for a, b in zip(deltas, deltas_in_file(tmp_path / "out.safetensors"), strict=True))
    _, losses = merged("--pool", 2, "--learning-rate", 0)
    assert losses[0] == losses[2] == losses[4] != losses[1] == losses[3] == losses[5]
    whole, losses = merged("--pool", 2)
    assert losses[:2] == fresh_losses[:2] and losses[2:] != fresh_losses[2:] and whole != fresh
    (tmp_path / "out.safetensors").unlink()
    interrupt((*two, *ZIP, "--pool", 2, "-o", "out.safetensors"), tmp_path, "zip", 3)
    assert merged("--pool", 2, "--resume")[0] == whole


def test_images_take_several_prompts_in_turn(two, tmp_path):
    """The first of two images is drawn and learned under the first prompt, the second under the second. There are never
    fewer images than prompts."""
    def merged(name, images, *prompts):
        words = [word for prompt in prompts for word in ("--style-prompt", prompt)]
        done = ziplora(*two, *words, "--method", "zip", "--iterations", 6, "--image-steps", 2, "--evaluation-draws", 2,
                       "--images", images, "-o", f"{name}.safetensors", cwd=tmp_path)
        notes.append(next(event["text"] for event in done["events"] if "are drawn" in event.get("text", "")))
        return metadata_of(tmp_path / f"{name}.safetensors"), deltas_in_file(tmp_path / f"{name}.safetensors")

    notes = []

    def same(a, b):
        return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))

    rose, deltas = merged("rose", 2, "a rose, in szn style")
    assert same(deltas, merged("twice", 2, "a rose, in szn style", "a rose, in szn style")[1])
    metadata, both = merged("both", 2, "a rose, in szn style", "a cat, in szn style")
    assert not same(deltas, both)
    assert not same(merged("cat", 2, "a cat, in szn style")[1], both)
    merged("fewer", 1, "a rose, in szn style", "a cat, in szn style")
    assert notes[-1] == "images are drawn to learn on: 1 by dog.safetensors, 2 by ink.safetensors"
    assert [entry["prompts"] for entry in json.loads(metadata["ziplora.recipe"])["inputs"]] == [
        ["a sks dog"], ["a rose, in szn style", "a cat, in szn style"]]
    # The style's trigger words are still those that it was trained on.
    assert rose["modelspec.trigger_phrase"] == metadata["modelspec.trigger_phrase"] == "a sks dog, in szn style"


def test_learns_on_the_users_own_images(two, tmp_path):
    (tmp_path / "photos").mkdir()
    random = np.random.default_rng(0)
    for name in ("a.png", "b.jpg"):
        Image.fromarray(random.integers(0, 256, (40, 48, 3), dtype=np.uint8)).save(tmp_path / "photos" / name)
    drawn = ziplora(*two, *ZIP, "-o", "drawn.safetensors", cwd=tmp_path)
    given = ziplora(*two, *ZIP, "--subject-images", "photos", "-o", "given.safetensors", cwd=tmp_path)
    notes = texts_of(given, "note")
    assert "images are drawn to learn on: 2 by ink.safetensors" in notes
    error = ziplora_fails(2, *two, *ZIP, "--style-prompt", "a", "--style-prompt", "b", "--style-prompt", "c",
                          "--style-images", "photos", "-o", "fewer.safetensors", cwd=tmp_path)
    assert "3 prompts" in error["problem"] and "2 images" in error["problem"] and "--style-prompt" in error["hint"]
    assert steps_of(given, "encode") == [(1, 2), (2, 2)] and steps_of(drawn, "encode") == []
    # Each adapter has its own noise, so the style's inputs are the same in both runs and the subject's are not.
    assert given["fidelity"]["style"]["before"] == pytest.approx(drawn["fidelity"]["style"]["before"], rel=1e-5)
    assert given["fidelity"]["subject"]["before"] != pytest.approx(drawn["fidelity"]["subject"]["before"], rel=1e-3)


def test_stops_where_the_overlap_has_fallen_far_enough(two, tmp_path):
    """Each iteration reports the overlap that it began with. One that begins below the limit is not run."""
    result = ziplora(*two, *QUICK, "--stop-overlap", 0.97, "--iterations", 40, "-o", "out.safetensors", cwd=tmp_path)
    begun = [row["overlap"] for row in result["history"]]
    assert result["iterations"] == len(begun) < 40
    assert result["overlap"]["after"] <= 0.97 < min(begun)
    assert {file.name for file in tmp_path.iterdir()} == {"out.safetensors", "out.coefficients.safetensors"}


def test_a_half_precision_base_gives_nearly_the_same(two, tmp_path):
    full = ziplora(*two, *ZIP, "-o", "full.safetensors", cwd=tmp_path)
    half = ziplora(*two, *ZIP, "--dtype", "bfloat16", "--gradient-checkpointing", "-o", "half.safetensors",
                   cwd=tmp_path)
    for name in ("subject", "style"):
        assert half["fidelity"][name]["before"] == pytest.approx(full["fidelity"][name]["before"], rel=0.05)
        assert half["fidelity"][name]["before"] != full["fidelity"][name]["before"]


# Interrupted and resumed

def test_an_interrupted_merge_resumes_to_the_same_bytes(three, tmp_path):
    command = [*three, *QUICK, "--iterations", 40, "-o", "out.safetensors"]
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    ziplora(*command, cwd=tmp_path / "whole")

    error = interrupt(command, tmp_path / "parts", "zip", after_step=5)
    assert "of 40 iterations" in error["problem"] and "--resume" in error["hint"]
    assert [file.name for file in (tmp_path / "parts").iterdir()] == ["out.merge-state.safetensors"]
    interrupt([*command, "--resume"], tmp_path / "parts", "zip", after_step=15)
    result = ziplora(*command, "--resume", cwd=tmp_path / "parts")
    assert result["history"][0]["iteration"] > 15 and result["history"][-1]["iteration"] == 40

    whole, parts = ({file.name: file.read_bytes() for file in (tmp_path / name).iterdir()}
                    for name in ("whole", "parts"))
    assert whole.keys() == {"out.safetensors", "out.coefficients.safetensors"}
    assert whole == parts


@pytest.mark.parametrize("stage, step, options", [("zip", 3, ["--evaluation-draws", 40]), ("compress", 1, ["--rank", 1])])
def test_an_interrupt_after_the_last_iteration_costs_nothing(two, tmp_path, stage, step, options):
    command = [*two, *QUICK[:6], "--iterations", 3, *options, "-o", "out.safetensors"]
    error = interrupt(command, tmp_path, stage, after_step=step)
    assert "--resume" in error["hint"]
    result = ziplora(*command, "--resume", cwd=tmp_path)
    assert result["history"] == [] and result["iterations"] == 3


def test_resume_refuses_another_merge(two, three, tmp_path):
    command = [*two, *QUICK, "--iterations", 40, "-o", "out.safetensors"]
    assert "there is no interrupted merge" in ziplora_fails(3, *command, "--resume", cwd=tmp_path)["problem"]
    interrupt(command, tmp_path, "zip", after_step=2)
    error = ziplora_fails(4, *command, "--learning-rate", 0.02, "--resume", cwd=tmp_path)
    assert '"learning-rate":0.01' in error["problem"] and '"learning-rate":0.02' in error["problem"]
    error = ziplora_fails(4, *three, *command[len(two):], "--resume", cwd=tmp_path)
    assert "input_2" in error["problem"]


# direct, and compression

def test_direct_is_the_exact_sum(files, layers, base, pipeline, tmp_path):
    result = ziplora("merge", "--method", "direct", "--subject", files["dog"], "--style", f"{files['ink']}:0.8",
                     "--adapter", f"{files['hat']}:1.2", "--base", base, "--file-dtype", "float32",
                     "-o", tmp_path / "sum.safetensors")
    expected = sum_of_deltas(layers, ("dog", "ink", "hat"))
    found = deltas_in_file(tmp_path / "sum.safetensors")
    assert result["layers"] == len(expected) == len(found)
    norm = sum(float(delta.square().sum()) for delta in expected.values())
    assert sum(float(delta.square().sum()) for delta in found) == pytest.approx(norm, rel=1e-6)
    ours = outputs(with_lora_file(base, tmp_path / "sum.safetensors"))
    for name, value in outputs(add_to_weights(pipeline, expected)).items():
        assert relative_error(ours[name], value) < 2e-5, name
    assert [file.name for file in tmp_path.iterdir()] == ["sum.safetensors"]


def test_rank_reports_the_error_of_the_best_approximation(two, tmp_path):
    ziplora(*two, "--method", "direct", "-o", "whole.safetensors", cwd=tmp_path)
    result = ziplora(*two, "--method", "direct", "--rank", 3, "-o", "small.safetensors", cwd=tmp_path)
    whole, small = deltas_in_file(tmp_path / "whole.safetensors"), deltas_in_file(tmp_path / "small.safetensors")
    dropped = total = 0.0
    for delta in whole:
        singular = np.linalg.svd(delta.numpy(), compute_uv=False)
        dropped, total = dropped + (singular[3:] ** 2).sum(), total + (singular ** 2).sum()
    assert result["compression_error"] == pytest.approx(np.sqrt(dropped / total), rel=1e-5)
    in_file = np.sqrt(sum(float((a - b).square().sum()) for a, b in zip(whole, small)) / total)
    assert result["compression_error"] == pytest.approx(in_file, rel=1e-4)
    assert result["rank"] == 3 and 0.05 < result["compression_error"] < 0.9
    assert all(delta.shape == other.shape for delta, other in zip(whole, small))


def test_text_for_people_ends_with_the_file(two, tmp_path):
    done = run_ziplora(*two, *ZIP, "--rank", 4, "-o", "out.safetensors", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1] == "out.safetensors"
    for word in ("subject: fidelity", "style: fidelity", "overlap: ", "compressed to rank 4"):
        assert any(word in line for line in lines), word


# Errors

ERRORS = {  # name: (exit code, arguments instead of the sound ones, words of where or problem, words of hint)
    "missing file": (3, ["--style", "missing.safetensors"], "read missing.safetensors", "check the spelling of the path"),
    "another base's sizes": (4, ["--style", "{wide}"], "to_", "made for the base"),
    "unknown method": (2, ["--method", "zpi"], "zpi", "did you mean 'zip'?"),
    "another method's option": (2, ["--method", "direct", "--iterations", 3], "there is no 'iterations'; it is an option of zip",
                                "leave it out, or choose the method zip"),
    "unknown reading": (2, ["--overlap", "cosin"], "cosin", "did you mean 'cosine'?"),
    "no number": (2, ["--iterations", "many"], "'many' is not a whole number", "ziplora merge --help"),
    "negative": (2, ["--learning-rate", -1], "-1 is too small; the minimum is 0", "the default is 0.01"),
    "no prompt": (2, ["--style", "{hat}"], "prompt", "--style-prompt"),
    "prompt without adapter": (2, ["--adapter-prompt", "x"], "--adapter", "--adapter FILE"),
    "unknown device": (2, ["--device", "gpu"], "merge: --device gpu", "use the device cpu"),
    "unknown format": (2, ["--format", "koya"], "koya", "kohya"),
    "folder without images": (3, ["--subject-images", "{none}"], "no PNG, JPEG or WebP", "put the images directly into it"),
    "odd image size": (2, ["--image-size", 33], "does not draw 33 × 33 pixels", "multiples of 8, for example 32"),
    "image size that the UNet cannot halve": (2, ["--image-size", 44], "does not draw 44 × 44 pixels",
                                              "multiples of 8, for example 48"),
    "negative rank": (2, ["--rank", -2], "-2 is not a rank", "--rank 32"),
    "diverging": (6, ["--learning-rate", 1e30], "iteration 2", "a lower --learning-rate"),
    "no folder": (1, ["-o", "no/where/out.safetensors"], "does not exist", "mkdir -p no/where"),
    "folder that takes no files": (1, ["-o", "/proc/out.safetensors"], "/proc", "a folder that you can write to"),
    "output is a folder": (2, ["-o", "."], "a file name is expected", "./NAME"),
    "output is an input": (2, ["-o", "{ink}"], "one of the inputs", "another name"),
}


@pytest.fixture(scope="module")
def wide(layers, base, tmp_path_factory):
    """An adapter with the same names, made for a wider UNet."""
    own = {target: Layer(torch.cat([layer.down] * 2, 1), torch.cat([layer.up] * 2), layer.alpha)
           for target, layer in layers["ink"].items()}
    return save_kohya(tmp_path_factory.mktemp("wide") / "wide.safetensors", own,
                      StableDiffusionXLPipeline.from_pretrained(base))


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_has_a_hint_and_leaves_nothing(name, files, wide, base, tmp_path, tmp_path_factory):
    code, instead, problem, hint = ERRORS[name]
    assert problem and hint, "nothing is expected"
    none = tmp_path_factory.mktemp("none")
    instead = [str(word).format(wide=wide, none=none, **files) for word in instead]
    arguments = {"--subject": files["dog"], "--style": files["ink"], "--base": base, "-o": "out.safetensors"}
    arguments |= dict(zip(instead[::2], instead[1::2]))
    before = {file: file.read_bytes() for file in files.values()}
    method = [] if "--method" in arguments else QUICK
    options = [word for pair in arguments.items() for word in pair]
    error = ziplora_fails(code, "merge", *options, *method, cwd=tmp_path)
    assert problem in error["problem"] + error["where"]
    assert hint in error["hint"]
    assert list(tmp_path.iterdir()) == []
    assert {file: file.read_bytes() for file in files.values()} == before


@pytest.mark.parametrize("method", [[], ["--method", "zip"]], ids=["default", "zip"])
def test_a_method_that_learns_needs_two(method, files, base, tmp_path):
    error = ziplora_fails(2, "merge", *method, "--subject", files["dog"], "--base", base, "-o", tmp_path / "out.safetensors")
    assert "at least two" in error["problem"] and "--style FILE" in error["hint"]


def test_the_hints_work(files, base, tmp_path):
    sound = ["merge", "--method", "direct", "--subject", files["dog"], "--base", base]
    error = ziplora_fails(1, *sound, "-o", "new/out.safetensors", cwd=tmp_path)
    subprocess.run(shlex.split(error["hint"]), cwd=tmp_path, check=True)
    ziplora(*sound, "-o", "new/out.safetensors", cwd=tmp_path)
    unknown = ziplora_fails(2, *sound[:2], "zpi", *sound[3:], "-o", "out.safetensors", cwd=tmp_path)
    assert "zip" in unknown["hint"]
