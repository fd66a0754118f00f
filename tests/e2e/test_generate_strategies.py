"""`generate --strategy` as a user runs it: roles, grids, images that carry their settings, errors. The numbers are in
tests/parity/test_strategies.py."""

import json

import pytest
from program import run_ziplora, texts_of, ziplora
from safetensors.torch import load_file
from test_generate import (  # noqa: F401 (fixtures)
    assert_other_image, assert_same_image, base, cell, enlarged, folder, generate, loras, make_lora, pixels, refused,
    settings_of)

STRATEGIES = ["merged", "switch", "composite", "k-lora", "asymmetric-guidance"]
OPTIONS = {"switch": ("--switch-every", 1), "k-lora": ("--k-lora-beta", 0.25, "--no-k-lora-wrap"),
           "asymmetric-guidance": ("--subject-until", 0.5, "--style-from", 0.25)}


@pytest.fixture
def roles(loras):
    return ("--subject", loras["cat"], "--style", f"{loras['ink']}:0.8")


@pytest.fixture
def latents(generate, tmp_path):
    """The latents of one image, of which those of all strategies differ."""
    def run(*flags):
        generate("a ghost", *flags, "-o", tmp_path / "out.png", "--save-latents", tmp_path / "latents.safetensors")
        return load_file(tmp_path / "latents.safetensors")["latents"]
    return run


def test_help_lists_every_strategy_with_its_paper_and_its_options():
    text = " ".join(run_ziplora("generate", "--help").stdout.split())
    for word in (*STRATEGIES, "arXiv 2402.16843", "arXiv 2502.18461", "arXiv 2602.18936", "--switch-every INT=5",
                 "--k-lora-alpha FLOAT=1.5", "Strategy k-lora"):
        assert word in text, word


def test_each_strategy_draws_another_image(latents, roles):
    drawn = {name: latents("--strategy", name, *roles) for name in STRATEGIES}
    for name in STRATEGIES:
        for other in STRATEGIES[:STRATEGIES.index(name)]:
            assert float((drawn[name] - drawn[other]).norm() / drawn[other].norm()) > 0.01, (name, other)


def test_without_a_strategy_subject_and_style_are_adapters(latents, loras, roles):
    as_adapters = latents("--adapter", loras["cat"], "--adapter", f"{loras['ink']}:0.8")
    assert latents(*roles).equal(as_adapters)
    assert latents(*roles, "--strategy", "merged").equal(as_adapters)


def test_k_lora_says_how_often_it_takes_the_subject(generate, loras, tmp_path):
    """In no layer, where its sizes count for nothing; β is larger than any ratio of sizes."""
    made = generate("a ghost", "--strategy", "k-lora", "--subject", loras["cat"], "--style", loras["ink"], "--k-lora-beta", 1e6,
                    "--no-k-lora-wrap", "-o", tmp_path / "out.png")
    [note] = [text for text in texts_of(made, "note") if "k-lora" in text]
    assert "wear the subject in 0 %" in note and made["strategy"] == "k-lora"
    generate("a ghost", "--adapter", loras["ink"], "-o", tmp_path / "style.png")
    assert_same_image(pixels(tmp_path / "out.png"), pixels(tmp_path / "style.png"))


def test_further_adapters_are_worn_beside_a_choice(generate, base, loras, tmp_path):
    """k-lora chooses between subject and style; a third adapter stays."""
    make_lora(tmp_path / "third.safetensors", base, 5)
    third = ("--adapter", tmp_path / "third.safetensors")
    generate("a ghost", "--strategy", "k-lora", "--subject", loras["cat"], "--style", loras["ink"], *third, "--k-lora-beta", 1e6,
             "--no-k-lora-wrap", "-o", tmp_path / "out.png")
    generate("a ghost", "--adapter", loras["ink"], *third, "-o", tmp_path / "expected.png")
    assert_same_image(pixels(tmp_path / "out.png"), pixels(tmp_path / "expected.png"))


def test_roles_of_k_lora_and_asymmetric_guidance_are_not_symmetric(latents, loras):
    swapped = ("--subject", f"{loras['ink']}:0.8", "--style", loras["cat"])
    straight = ("--subject", loras["cat"], "--style", f"{loras['ink']}:0.8")
    for strategy in ("k-lora", "asymmetric-guidance"):
        assert not latents("--strategy", strategy, *straight).allclose(latents("--strategy", strategy, *swapped), rtol=0.01)


# Grids

@pytest.mark.parametrize("strategy", STRATEGIES[1:])
@pytest.mark.parametrize("batch_size", [1, 3])
def test_a_grid_steers_the_columns_of_several_adapters(batch_size, strategy, generate, loras, roles, tmp_path):
    made = generate("a ghost", "a red igloo", "--grid", "--strategy", strategy, *roles, "--batch-size", batch_size, "-o",
                    tmp_path / "grid.png")
    assert made["columns"] == ["base", "cat", "ink × 0.8", f"cat + ink × 0.8, {strategy}"]
    sheet = pixels(tmp_path / "grid.png")
    alone = {0: (), 1: ("--adapter", loras["cat"]), 2: ("--adapter", f"{loras['ink']}:0.8"), 3: ("--strategy", strategy, *roles)}
    for column, flags in alone.items():
        generate("a red igloo", *flags, "-o", tmp_path / "one.png")
        assert_same_image(cell(sheet, 1, column, 256, sheet_lines(sheet)), enlarged(pixels(tmp_path / "one.png"), 8))


def sheet_lines(sheet):
    """Lines of the headings above two rows."""
    return (sheet.shape[0] - 2 * (256 + 8) - 16) // 23


def test_a_column_has_the_roles_of_its_files(generate, loras, roles, tmp_path):
    generate("a ghost", "--grid", "--strategy", "k-lora", *roles, "--column", f"both={loras['ink']}:0.8+{loras['cat']}",
             "--column", "none", "-o", tmp_path / "grid.png")
    generate("a ghost", "--strategy", "k-lora", *roles, "-o", tmp_path / "one.png")
    assert_same_image(cell(pixels(tmp_path / "grid.png"), 0, 0, 256), enlarged(pixels(tmp_path / "one.png"), 8))


# Images that carry their settings

@pytest.mark.parametrize("strategy", STRATEGIES)
def test_like_repeats_an_image_bit_for_bit(strategy, generate, loras, roles, tmp_path):
    generate("a ghost", "--strategy", strategy, *OPTIONS.get(strategy, ()), *roles, "-o", tmp_path / "out.png")
    ziplora("generate", "--like", tmp_path / "out.png", "-o", tmp_path / "again.png")
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "out.png").read_bytes()
    settings = settings_of(tmp_path / "out.png")
    assert settings["subject"] == f"{loras['cat']}:1" and settings["adapter"] == []
    assert settings.get("strategy", "merged") == strategy


def test_an_image_says_the_options_that_it_was_drawn_with(generate, roles, tmp_path):
    """Those at their defaults, too: these may change."""
    generate("a ghost", "--strategy", "k-lora", "--k-lora-beta", 0.25, *roles, "-o", tmp_path / "out.png")
    settings = settings_of(tmp_path / "out.png")
    assert (settings["k_lora_alpha"], settings["k_lora_beta"], settings["k_lora_wrap"]) == (1.5, 0.25, True)


def test_another_strategy_on_the_command_line_wins_over_the_images(generate, roles, tmp_path):
    generate("a ghost", "--strategy", "switch", *roles, "-o", tmp_path / "switch.png")
    ziplora("generate", "--like", tmp_path / "switch.png", "--strategy", "composite", "-o", tmp_path / "other.png")
    generate("a ghost", "--strategy", "composite", *roles, "-o", tmp_path / "composite.png")
    assert (tmp_path / "other.png").read_bytes() == (tmp_path / "composite.png").read_bytes()


def test_like_repeats_a_grid(generate, loras, roles, tmp_path):
    generate("a ghost", "--grid", "--strategy", "k-lora", "--no-k-lora-wrap", *roles, "--column", "none", "--column",
             f"{loras['cat']}:0.5+{loras['ink']}", "-o", tmp_path / "grid.png")
    ziplora("generate", "--like", tmp_path / "grid.png", "-o", tmp_path / "again.png")
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "grid.png").read_bytes()


def test_a_printed_config_runs(base, roles, tmp_path):
    flags = ("generate", "a ghost", "--base", base, "--steps", 2, "--strategy", "switch", "--switch-every", 1, *roles, "-o",
             tmp_path / "out.png")
    ziplora(*flags)
    config = json.loads(run_ziplora(*flags, "--print-config").stdout)
    (tmp_path / "config.json").write_text(json.dumps(config | {"output": str(tmp_path / "again.png")}))
    ziplora("generate", "--config", tmp_path / "config.json")
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "out.png").read_bytes()


# Errors

CAT, INK = ("--subject", "{cat}"), ("--style", "{ink}")


@pytest.mark.parametrize("flags, problem, hint", [
    (("--strategy", "swich", *CAT, *INK), "there is no 'swich'", "did you mean 'switch'?"),
    (("--strategy", "switch"), "no image wears more than one", "--adapter FILE"),
    (("--strategy", "switch", *CAT), "no image wears more than one", "--style FILE"),
    (("--strategy", "composite", *CAT, "--style", "{ink}:0"), "no image wears more than one", "--adapter FILE"),
    (("--strategy", "switch", "--grid", *CAT, *INK, "--column", "{cat}"), "no image wears more than one", "--adapter FILE"),
    (("--strategy", "k-lora", *CAT, "--adapter", "{ink}"), "is the style", "--style FILE"),
    (("--strategy", "asymmetric-guidance", "--adapter", "{cat}", "--adapter", "{ink}"), "is the subject", "--subject FILE"),
    (("--strategy", "k-lora", "--grid", *CAT, *INK, "--column", "{cat}+{both}"), "is the style", "--style FILE"),
    (("--strategy", "asymmetric-guidance", *CAT, *INK, "--guidance-scale", 1), "a guidance scale of 1 has none",
     "raise --guidance-scale"),
    (("--strategy", "switch", *CAT, "--style", "{cat}"), "the same file is the subject", "name two files"),
    (("--strategy", "switch", *CAT, *INK, "--switch-every", 0), "0 is too small; the minimum is 1", "the default is 5"),
    (("--strategy", "switch", *CAT, *INK, "--k-lora-beta", 1), "it is an option of k-lora", "choose the strategy k-lora"),
    (("--k-lora-alpha", 2, *CAT, *INK), "it is an option of k-lora", "choose the strategy k-lora"),
    (("--strategy", "k-lora", *CAT, *INK, "--k-lora-beta", "much"), "'much' is not a finite number", "ziplora generate --help"),
])
def test_errors_say_what_to_do(flags, problem, hint, refused, loras, tmp_path):
    error = refused(2, "a ghost", *(str(flag).format(**loras) for flag in flags), "-o", tmp_path / "out.png")
    assert problem in error["problem"] and hint in error["hint"], error


def test_adapters_of_unlike_layers_leave_k_lora_nothing_to_choose(refused, base, loras, tmp_path):
    part = make_lora(tmp_path / "all.safetensors", base, 3)
    for name, blocks in (("up", "up_blocks"), ("down", "down_blocks")):
        make_lora(tmp_path / f"{name}.safetensors", base, 0,
                  layers={layer: pair for layer, pair in part.items() if layer.startswith(blocks)})
    error = refused(4, "a ghost", "--strategy", "k-lora", "--subject", tmp_path / "up.safetensors", "--style",
                    tmp_path / "down.safetensors", "-o", tmp_path / "out.png")
    assert "no layer of the attention in common" in error["problem"] and "merged" in error["hint"]
