"""`ziplora merge` with the closed forms that record contexts (ssr, route, zip-solve), as a user runs it: what they come to
at their limits, what they say, and their errors; and zip with the joint prompt."""

import json
import re

import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from lora_files import LayerChoice, random_layers, save_kohya
from program import interrupt, run_ziplora, steps_of, texts_of, ziplora, ziplora_fails
from safetensors import safe_open
from safetensors.torch import load_file
from tiny_sdxl import make_tiny_sdxl

METHODS = ("ssr", "route", "zip-solve")
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
    def arguments(*options, method="ssr", subject="", style="", style_prompts=STYLES, steps=2):
        return ["merge", "--method", method, "--base", base, "--subject", f"{files['dog']}{subject}", "--style",
                f"{files['ink']}{style}", "--subject-prompt", "a sks dog", *style_prompts, "--file-dtype", "float32",
                *([] if method == "zip" else ["--context-steps", steps]), "-o", "out.safetensors", *options]
    return arguments


def metadata_of(file) -> dict[str, str]:
    with safe_open(file, "pt") as opened:
        return opened.metadata()


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


def is_changed_by(method, name) -> bool:
    """What the method does not change it adds directly."""
    if "_te" in name:
        return False
    return method == "ssr" or bool(re.search(r"_attn\d_to_", name))


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


@pytest.mark.parametrize("method", METHODS)
def test_the_file_loads_and_only_what_the_method_is_for_changes(method, command, base, direct, tmp_path):
    result = ziplora(*command(method=method), cwd=tmp_path)
    beside = {"out.coefficients.safetensors"} if method == "zip-solve" else set()
    assert result["method"] == method and {file.name for file in tmp_path.iterdir()} == {"out.safetensors"} | beside
    notes = texts_of(result, "note")
    assert 'joint: "a sks dog, in szn style"' in notes
    pipeline = StableDiffusionXLPipeline.from_pretrained(base)
    pipeline.load_lora_weights(tmp_path / "out.safetensors")
    merged = deltas(tmp_path / "out.safetensors")
    plain = direct(1, 1)
    moved = {name for name in plain if (merged[name] - plain[name]).norm() > 1e-3 * plain[name].norm()}
    assert moved == {name for name in plain if is_changed_by(method, name)}
    assert ("ziplora.split" in metadata_of(tmp_path / "out.safetensors")) == (method != "ssr")


@pytest.mark.parametrize("method", ["route", "zip-solve"])
def test_every_linear_layer_of_the_unet_is_merged_so_if_asked(method, command, direct, tmp_path):
    ziplora(*command("--targets", "linear", method=method), cwd=tmp_path)
    merged, plain = deltas(tmp_path / "out.safetensors"), direct(1, 1)
    moved = {name for name in plain if (merged[name] - plain[name]).norm() > 1e-3 * plain[name].norm()}
    linear = re.compile(r"_attn\d_to_|_proj_in$|emb_layers")
    assert moved == {name for name in plain if "_te" not in name and linear.search(name)} and any("proj_in" in name for name in moved)


def test_the_coefficients_of_zip_solve_are_those_of_the_file(command, files, tmp_path):
    ziplora(*command(method="zip-solve"), cwd=tmp_path)
    coefficients = load_file(tmp_path / "out.coefficients.safetensors")
    merged, plain = deltas(tmp_path / "out.safetensors"), [deltas(files["dog"]), deltas(files["ink"])]
    layer = "transformer_blocks.0.attn1.to_q"
    target, name = f"unet.mid_block.attentions.0.{layer}", f"lora_unet_middle_block_1_{layer}".replace(".", "_")
    expected = sum(delta[name] * coefficients[f"{k}.{target}"].double() for k, delta in enumerate(plain))
    assert ((merged[name] - expected).norm() / expected.norm()).item() < 1e-5
    assert min((coefficients[f"{k}.{target}"] - 1).abs().max() for k in range(2)) > 1e-2


@pytest.mark.parametrize("method", METHODS)
def test_one_adapter_alone_stays_as_it_is(method, base, files, tmp_path):
    ziplora("merge", "--method", method, "--base", base, "--subject", files["dog"], "--subject-prompt", "a sks dog",
            "--joint-weight", 0, "--context-steps", 1, "--file-dtype", "float32", "-o", "out.safetensors", cwd=tmp_path)
    assert relative_error(deltas(tmp_path / "out.safetensors"), deltas(files["dog"])) < 1e-5


@pytest.mark.parametrize("method, share, ridge", [("ssr", 0.6, 1e-9), ("route", 1, 1e-6), ("zip-solve", 0.6, 1e-9)])
def test_a_heavy_joint_prompt_makes_the_weighted_sum(method, share, ridge, command, direct, tmp_path):
    """But where too little comes through to say so: one vector an image and step reaches the timestep's embedding, and the
    text's keys and values see the same tokens in every step. No input has the directions that a layer norm takes away, and
    there route holds to the plain sum."""
    ziplora(*command("--joint-weight", 1e9, "--joint-subject", share, "--ridge", ridge, method=method, subject=":0.9",
                     style=":1.2"), cwd=tmp_path)
    merged, expected = deltas(tmp_path / "out.safetensors"), direct(share * 0.9, 1.2)
    sure = [name for name in expected if is_changed_by(method, name) and "emb_layers" not in name
            and (method == "ssr" or not re.search(r"attn2_to_[kv]$", name))]
    assert len(sure) >= 8
    assert relative_error({name: merged[name] for name in sure}, {name: expected[name] for name in sure}) < 1e-3


@pytest.mark.parametrize("method", METHODS)
def test_what_is_given_as_the_joint_prompt_counts(method, command, tmp_path):
    def merged(*options):
        ziplora(*command(*options, method=method), cwd=tmp_path)
        return deltas(tmp_path / "out.safetensors")
    guessed = merged()
    assert relative_error(merged("--joint-prompt", "a sks dog, in szn style"), guessed) == 0
    assert relative_error(merged("--joint-prompt", "a sks dog on the moon, in szn style"), guessed) > 1e-4
    assert relative_error(merged("--joint-weight", 0), guessed) > 1e-3


@pytest.mark.parametrize("method", METHODS)
def test_contexts_that_are_kept_are_not_recorded_again(method, command, tmp_path):
    def merged(*options):
        result = ziplora(*command(*options, method=method), cwd=tmp_path)
        return len(steps_of(result, "denoise")), (tmp_path / "out.safetensors").read_bytes()

    keep = ["--contexts", "kept.safetensors"]
    recorded, plain = merged()
    assert merged(*keep) == (recorded, plain) and recorded > 0
    assert merged(*keep) == (0, plain)
    assert merged(*keep, "--joint-weight", 2, "--ridge", 0.1) == (0, merged("--joint-weight", 2, "--ridge", 0.1)[1])
    kept = (tmp_path / "kept.safetensors").read_bytes()
    joint_alone, other_share = merged(*keep, "--joint-subject", 0.5)
    assert 0 < joint_alone < recorded and other_share == merged("--joint-subject", 0.5)[1]
    (tmp_path / "kept.safetensors").write_bytes(kept)
    assert merged(*keep, "--seed", 7) == merged("--seed", 7)


def test_the_start_of_zip_keeps_its_contexts(command, zip_options, tmp_path):
    start = [*zip_options, "--iterations", 0, "--start", "solve", "--joint-weight", 4]

    def merged(*options):
        result = ziplora(*command(*start, *options, method="zip"), cwd=tmp_path)
        return len(steps_of(result, "denoise")), (tmp_path / "out.safetensors").read_bytes()

    drawn_and_recorded, plain = merged()
    assert merged("--contexts", "kept.safetensors") == (drawn_and_recorded, plain)
    drawn, kept = merged("--contexts", "kept.safetensors")
    assert 0 < drawn < drawn_and_recorded and kept == plain


def test_a_contexts_file_that_is_something_else_is_refused_and_kept(command, files, tmp_path):
    def refused(code, *options, method="ssr"):
        return ziplora_fails(code, *command(*options, method=method), cwd=tmp_path)

    lora = files["dog"].read_bytes()
    (tmp_path / "lora.safetensors").write_bytes(lora)
    assert "does not hold what contexts" in refused(3, "--contexts", "lora.safetensors")["problem"]
    assert (tmp_path / "lora.safetensors").read_bytes() == lora
    assert "--contexts" in refused(2, "--contexts", files["dog"])["where"]
    for name in ("out.safetensors", "./out.coefficients.safetensors"):
        assert "writes something else" in refused(2, "--contexts", name)["problem"]
    assert "records no contexts" in refused(2, "--contexts", "kept.safetensors", method="zip")["problem"]
    ziplora(*command("--contexts", "kept.safetensors"), cwd=tmp_path)
    damaged = bytearray((tmp_path / "kept.safetensors").read_bytes())
    damaged[-5] ^= 1
    (tmp_path / "kept.safetensors").write_bytes(damaged)
    error = refused(3, "--contexts", "kept.safetensors")
    assert "damaged" in error["problem"] and "remove the file" in error["hint"]


def test_too_few_tokens_are_told(command, tmp_path):
    result = ziplora(*command("--context-images", 1, "--context-size", 8, steps=1), cwd=tmp_path)
    warnings = texts_of(result, "warning")
    assert any(re.search(r"a layer has seen \d+ tokens for \d+ ranks", text) for text in warnings), warnings


@pytest.mark.parametrize("code, options, problem, hint", [
    (2, ["--style-prompt", "a szn"], "do not tell how subject and style are called together", "--joint-prompt"),
    (2, ["--context-images", 0], "0 is too small", "the default is"),
    (6, ["--ridge", 0, "--context-images", 1], "too few directions came through", "--ridge 0.01"),
    (2, ["--ridge", -1], "-1 is too small", "the default is"),
    (2, ["--context-size", 7], "7", "multiple"),
])
def test_errors(code, options, problem, hint, command, tmp_path):
    prompts = [] if "--style-prompt" in options else STYLES
    error = ziplora_fails(code, *command(*options, style_prompts=prompts, steps=1), cwd=tmp_path)
    assert problem in error["problem"] and hint in error["hint"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("method, options, problem", [
    ("direct", [], "the method direct has no joint prompt"), ("zip", [], "the joint prompt has no weight"),
    ("ssr", ["--joint-weight", 0], "the joint prompt has no weight")])
def test_a_joint_prompt_that_would_not_count_is_refused(method, options, problem, files, tmp_path):
    error = ziplora_fails(2, "merge", "--method", method, "--subject", files["dog"], "--style", files["ink"], *options,
                          "--joint-prompt", "a sks dog, in szn style", "-o", tmp_path / "out.safetensors")
    assert error["problem"] == problem and error["where"] == "merge: --joint-prompt"


@pytest.mark.parametrize("method, options, flag, problem", [
    ("zip", ["--joint-subject", 0.5], "--joint-subject", "the joint prompt has no weight"),
    ("ssr", ["--subject-images", "photos"], "--subject-images", "the method ssr learns on no images"),
    ("direct", ["--style-images", "photos"], "--style-images", "the method direct learns on no images"),
    ("knots", ["--inside", "sum", "--density", 0.3], "--density", "--inside sum adds every value"),
    ("core-space", ["--inside", "sum", "--majority-sign", "frequency"], "--majority-sign", "--inside sum adds every value")])
def test_what_would_be_ignored_is_refused(method, options, flag, problem, base, files, tmp_path):
    (tmp_path / "photos").mkdir()
    error = ziplora_fails(2, "merge", "--method", method, "--base", base, "--subject", files["dog"], "--style",
                          files["ink"], *options, "-o", "out.safetensors", cwd=tmp_path)
    assert error["problem"] == problem and error["where"] == f"merge: {flag}"


def test_the_joint_prompt_is_in_the_file(command, base, tmp_path):
    for options, prompts in (((), ["a sks dog, in szn style"]), (("--joint-prompt", "x", "--joint-prompt", "y"), ["x", "y"]),
                             (("--joint-weight", 0), None)):
        ziplora(*command(*options), cwd=tmp_path)
        assert json.loads(metadata_of(tmp_path / "out.safetensors")["ziplora.recipe"]).get("joint_prompts") == prompts
        shown = run_ziplora("inspect", tmp_path / "out.safetensors", "--base", base).stdout
        assert (f'joint       "{prompts[0]}"' in shown) if prompts else ("joint  " not in shown)


def test_a_guessed_joint_prompt_asks_nothing_of_a_third_adapter(command, files, tmp_path):
    third = ["--adapter", f"{files['ink']}:0.5", "--adapter-prompt", "lcd screen", "--joint-weight", 1e9, "--joint-subject", 1, "--ridge", 1e-9]
    guessed = ziplora(*command(*third), cwd=tmp_path)
    without = deltas(tmp_path / "out.safetensors")
    assert any("do not name adapter (ink.safetensors) and ask nothing" in note for note in texts_of(guessed, "note"))
    given = ziplora(*command(*third, "--joint-prompt", "a sks dog, in szn style"), cwd=tmp_path)
    assert not any("ask nothing" in note for note in texts_of(given, "note"))
    name = "lora_unet_middle_block_1_transformer_blocks_0_attn1_to_q"
    ink = deltas(files["ink"])[name]
    added = deltas(tmp_path / "out.safetensors")[name] - without[name]
    assert ((added - 0.5 * ink).norm() / (0.5 * ink).norm()).item() < 1e-3


def test_a_further_thing_has_a_joint_prompt_of_its_own(command, files, tmp_path):
    """The guess is what giving both prompts comes to; what each asks for is tested in prompt_context_test.cpp."""
    limit = ["--joint-weight", 1e9, "--joint-subject", 0.6, "--ridge", 1e-9]
    third = ["--adapter", f"{files['ink']}:0.5", "--adapter-prompt", "a sks plant"]
    result = ziplora(*command(*limit, *third), cwd=tmp_path)
    assert 'joint: "a sks dog, in szn style", "a sks plant, in szn style"' in texts_of(result, "note")
    recipe = json.loads(metadata_of(tmp_path / "out.safetensors")["ziplora.recipe"])
    assert recipe["joint_prompts"] == ["a sks dog, in szn style", "a sks plant, in szn style"]
    guessed = deltas(tmp_path / "out.safetensors")
    each = [word for prompt in recipe["joint_prompts"] for word in ("--joint-prompt", prompt)]
    ziplora(*command(*limit, *third, *each), cwd=tmp_path)
    given = deltas(tmp_path / "out.safetensors")
    assert all(torch.equal(guessed[name], given[name]) for name in guessed)


def test_an_interrupted_recording_says_merge(command, tmp_path):
    error = interrupt(command("--context-images", 40, steps=50), tmp_path, "denoise", 1)
    assert error["where"] == "merge: record"


def test_a_default_that_depends_on_the_method_can_be_given(command, tmp_path):
    """0 is zip's --joint-weight, 4 is that of the others; a printed config has neither."""
    printed = json.loads(run_ziplora(*command("--print-config"), cwd=tmp_path).stdout)
    assert printed["joint_weight"] is None and printed["targets"] == "attention"
    recipe = ziplora(*command("--joint-weight", 0), cwd=tmp_path)["output"]
    assert json.loads(metadata_of(tmp_path / recipe)["ziplora.recipe"])["options"]["joint-weight"] == 0
    ziplora(*command(), cwd=tmp_path)
    assert json.loads(metadata_of(tmp_path / recipe)["ziplora.recipe"])["options"]["joint-weight"] == 4
    help_text = run_ziplora("merge", "--help").stdout
    assert re.search(r"zip: 0\.0; ssr, zip-solve, route: 4\.0", re.sub(r"\s+", " ", help_text))


@pytest.fixture(scope="module")
def zip_options():
    return ["--images", 1, "--image-steps", 1, "--evaluation-draws", 2]


def test_zip_has_a_term_for_each_joint_prompt(command, zip_options, files, tmp_path):
    third = ["--adapter", f"{files['ink']}:0.5", "--adapter-prompt", "a sks plant"]
    result = ziplora(*command("--joint-weight", 2.5, "--iterations", 1, *zip_options, *third, method="zip", style_prompts=STYLES[:2]), cwd=tmp_path)
    [row] = result["history"]
    own = {name for name in row if name.startswith("loss_")} - {"loss_joint", "loss_joint 2"}
    assert len(own) == 3
    terms = sum(row[name] for name in own) + 2.5 * (row["loss_joint"] + row["loss_joint 2"])
    assert row["loss"] == pytest.approx(terms + 0.01 * row["overlap"] * result["overlap"]["unnormalised"]["before"], rel=1e-5)


def test_zip_learns_under_the_joint_prompt_and_goes_on_where_it_stopped(command, zip_options, tmp_path):
    """Its iterations are tested in tests/parity/test_zip.py."""
    joint = ["--joint-weight", 2.5, "--iterations", 2, *zip_options]
    result = ziplora(*command(*joint, method="zip", style_prompts=STYLES[:2]), cwd=tmp_path)
    assert 'joint: "a sks dog, in szn style"' in texts_of(result, "note")
    assert result["fidelity"].keys() == {"subject", "style", "joint"}
    assert result["overlap"]["mean_of_layers"]["before"] == pytest.approx(
        result["overlap"]["unnormalised"]["before"] / result["learned_layers"])
    for row in result["history"]:
        terms = row["loss_subject"] + row["loss_style"] + 2.5 * row["loss_joint"]
        overlap = 0.01 * row["overlap"] * result["overlap"]["unnormalised"]["before"]
        assert row["loss"] == pytest.approx(terms + overlap, rel=1e-5)
    whole = (tmp_path / "out.safetensors").read_bytes()
    plain = ziplora(*command("--iterations", 2, *zip_options, method="zip", style_prompts=STYLES[:2]), cwd=tmp_path)
    assert plain["fidelity"].keys() == {"subject", "style"} and (tmp_path / "out.safetensors").read_bytes() != whole

    (tmp_path / "out.safetensors").unlink()
    interrupt(command(*joint, method="zip", style_prompts=STYLES[:2]), tmp_path, "zip", 1)
    error = ziplora_fails(4, *command(*joint, "--joint-prompt", "a sks dog by szn", "--resume", method="zip", style_prompts=STYLES[:2]), cwd=tmp_path)
    assert "joint_prompts was" in error["problem"]
    as_adapters = [re.sub("--(subject|style)", "--adapter", str(word))
                   for word in command(*joint, method="zip", style_prompts=STYLES[:2])]
    error = ziplora_fails(4, *as_adapters, "--joint-prompt", "a sks dog, in szn style", "--resume", cwd=tmp_path)
    assert "joint_shares was [0.7,1.0], now it is [1.0,1.0]" in error["problem"]
    ziplora(*command(*joint, "--resume", method="zip", style_prompts=STYLES[:2]), cwd=tmp_path)
    assert (tmp_path / "out.safetensors").read_bytes() == whole


def test_zip_starts_from_the_closed_form(command, zip_options, tmp_path):
    none = [*zip_options, "--iterations", 0]
    done = ziplora(*command(*none, "--start", "solve", "--joint-weight", 4, method="zip"), cwd=tmp_path)
    started = deltas(tmp_path / "out.safetensors")
    assert steps_of(done, "solve")
    ziplora(*command(method="zip-solve", steps=8), cwd=tmp_path)
    assert relative_error(started, deltas(tmp_path / "out.safetensors")) < 1e-6
    ziplora(*command(*none, method="zip"), cwd=tmp_path)
    assert relative_error(started, deltas(tmp_path / "out.safetensors")) > 0.01


def test_a_text_result_names_the_file(command, tmp_path):
    done = run_ziplora(*command(), cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.splitlines()[-1] == "out.safetensors"
