"""`ziplora generate` as a user runs it: several images in one run, grids, images that carry their settings, errors."""

import hashlib
import json
from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
import torch
from diffusers import UNet2DConditionModel
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from program import run_ziplora, steps_of, texts_of, ziplora, ziplora_fails
from safetensors.torch import load_file, save_file
from tiny_sdxl import make_tiny_sdxl

GAP, CAPTION = 8, 220  # of the sheet, in pixels
ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")


def save_with_settings(file, settings):
    """As anybody can make one."""
    info = PngInfo()
    info.add_text("ziplora", settings)
    Image.new("RGB", (64, 64)).save(file, pnginfo=info)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("generate")


@pytest.fixture(scope="module")
def base(folder):
    return make_tiny_sdxl(folder / "base")


def test_previews_are_events_and_leave_the_image_as_it_is(folder):
    words = ("generate", "a dog", "-n", 2, "--steps", 5, "--batch-size", 2)
    ziplora(*words, "-o", folder / "plain.png")
    made = ziplora(*words, "--preview-every", 2, "-o", folder / "shown.png")
    previews = [event for event in made["events"] if event["event"] == "preview"]
    assert [(event["row"], event["step"], event["total"]) for event in previews] == [(0, 2, 5), (1, 2, 5), (0, 4, 5), (1, 4, 5)]
    for row in (0, 1):
        assert (folder / f"plain-{row + 1}.png").read_bytes() == (folder / f"shown-{row + 1}.png").read_bytes()
        final = pixels(folder / f"plain-{row + 1}.png")
        images = [pixels(BytesIO(b64decode(event["image"].removeprefix("data:image/png;base64,")))) for event in previews if event["row"] == row]
        errors = [np.abs(image - final).mean() for image in images]
        assert images[0].shape == final.shape and errors[1] < errors[0] / 2  # it is what the image comes to
    error = ziplora_fails(2, *words, "--preview-every", -1, "-o", folder / "x.png")
    assert "a preview every -1 steps" in error["problem"]
    plain = run_ziplora("generate", "a dog", "--preview-every", 2, "-o", folder / "x.png")
    assert plain.returncode == 2 and "--json" in plain.stderr


def make_lora(file, base, seed, rank=2, layers=None, metadata=None):
    generator = torch.Generator().manual_seed(seed)
    unet = UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(base / "unet"))
    if layers is None:
        layers = {}
        for name, module in unet.named_modules():
            if name.endswith(ATTENTION):
                layers[name] = (0.4 * torch.randn(rank, module.in_features, generator=generator),
                                0.4 * torch.randn(module.out_features, rank, generator=generator))
    tensors = {}
    for name, (down, up) in layers.items():
        tensors |= {f"unet.{name}.lora_A.weight": down.contiguous(), f"unet.{name}.lora_B.weight": up.contiguous()}
    save_file(tensors, file, metadata)
    return layers


@pytest.fixture(scope="module")
def loras(folder, base):
    files = {"cat": folder / "cat.safetensors", "ink": folder / "ink.safetensors", "both": folder / "both.safetensors"}
    cat, ink = make_lora(files["cat"], base, 1, rank=2), make_lora(files["ink"], base, 2, rank=3)
    both = {name: (torch.cat([cat[name][0], ink[name][0]]), torch.cat([cat[name][1], ink[name][1]], 1)) for name in cat}
    make_lora(files["both"], base, 0, layers=both,
              metadata={"ziplora.split": json.dumps({"roles": ["subject", "style"], "ranks": [2, 3]})})
    return files


@pytest.fixture
def generate(base):
    """Takes four steps with guidance on the tiny base."""
    def run(*arguments, **options):
        return ziplora("generate", *arguments, "--base", base, "--steps", 4, "--guidance-scale", 3, **options)
    return run


def pixels(file):
    return np.asarray(Image.open(file).convert("RGB")).astype(int)


def assert_same_image(ours, theirs):
    """Except for the last bit, which the order of sums in a larger batch may change."""
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= 1
    assert ours.std() > 10, "a flat image shows nothing"


def assert_other_image(ours, theirs):
    assert np.abs(ours - theirs).mean() > 1


# Several images in one run

def test_prompts_seeds_and_adapters_together_equal_single_runs(generate, loras, tmp_path):
    prompts = ["a ghost", "a red igloo in the rain"]
    many = generate(*prompts, "-n", 2, "--seed", 5, "--adapter", loras["cat"], "--adapter", f"{loras['ink']}:0.5", "-o",
                    tmp_path / "many.png", "--save-latents", tmp_path / "many.safetensors")
    assert many["files"] == [str(tmp_path / f"many-{i}.png") for i in (1, 2, 3, 4)] + [str(tmp_path / "many.safetensors")]
    assert [(p["prompt"], p["seed"]) for p in many["images"]] == [(p, s) for p in prompts for s in (5, 6)]
    latents = load_file(tmp_path / "many.safetensors")["latents"]
    assert latents.shape == (4, 4, 16, 16)
    for i, image in enumerate(many["images"]):
        generate(image["prompt"], "--seed", image["seed"], "--adapter", loras["cat"], "--adapter",
                 f"{loras['ink']}:0.5", "-o", tmp_path / "one.png", "--save-latents", tmp_path / "one.safetensors")
        assert_same_image(pixels(tmp_path / "one.png"), pixels(image["file"]))
        alone = load_file(tmp_path / "one.safetensors")["latents"][0]
        assert float((alone - latents[i]).norm() / alone.norm()) < 1e-4
    for i in range(4):
        for j in range(i):
            assert_other_image(pixels(many["images"][i]["file"]), pixels(many["images"][j]["file"]))


def test_batch_sizes_give_the_same_images(generate, tmp_path):
    for size in (1, 2, 5):
        generate("a ghost", "-n", 5, "--batch-size", size, "--scheduler", "euler-ancestral", "-o",
                 tmp_path / f"size{size}.png")
    for i in range(1, 6):
        for size in (2, 5):
            assert_same_image(pixels(tmp_path / f"size1-{i}.png"), pixels(tmp_path / f"size{size}-{i}.png"))


def test_adapter_strengths(generate, loras, tmp_path):
    def image(*flags):
        generate("a ghost", *flags, "-o", tmp_path / "out.png")
        return pixels(tmp_path / "out.png")

    plain, cat = image(), image("--adapter", loras["cat"])
    assert_other_image(cat, plain)
    assert_same_image(image("--adapter", f"{loras['cat']}:0"), plain)
    assert_same_image(image("--adapter", f"{loras['cat']}:0.25", "--adapter", f"{loras['cat']}:0.75"), cat)
    assert_other_image(image("--adapter", f"{loras['cat']}:-1"), cat)
    assert_same_image(image("--adapter", loras["cat"], "--adapter", loras["ink"]),
                      image("--adapter", loras["both"]))


def test_style_strength_weighs_the_style_side_of_a_merged_file(generate, loras, tmp_path):
    def image(*flags):
        generate("a ghost", *flags, "-o", tmp_path / "out.png")
        return pixels(tmp_path / "out.png")

    merged = ("--adapter", loras["both"])
    assert_same_image(image(*merged, "--style-strength", 0), image("--adapter", loras["cat"]))
    assert_same_image(image(*merged, "--style-strength", 0.5),
                      image("--adapter", loras["cat"], "--adapter", f"{loras['ink']}:0.5"))
    assert_other_image(image(*merged, "--style-strength", 2), image(*merged))


def test_style_strength_in_a_grid_leaves_other_files_unchanged(generate, loras, tmp_path):
    def sheet(*flags, columns=("none", loras["both"], loras["ink"])):
        generate("a ghost", "--grid", *(word for column in columns for word in ("--column", column)), *flags, "-o",
                 tmp_path / "grid.png")
        return pixels(tmp_path / "grid.png")

    plain, weak = sheet(), sheet("--style-strength", 0.5)
    for column in (0, 2):
        assert_same_image(cell(weak, 0, column, 256), cell(plain, 0, column, 256))
    generate("a ghost", "--adapter", loras["both"], "--style-strength", 0.5, "-o", tmp_path / "one.png")
    assert_same_image(cell(weak, 0, 1, 256), enlarged(pixels(tmp_path / "one.png"), 8))
    assert_other_image(cell(weak, 0, 1, 256), cell(plain, 0, 1, 256))


def test_style_strength_needs_a_merge_in_the_grid(refused, loras, tmp_path):
    error = refused(2, "a ghost", "--grid", "--column", "none", "--column", loras["ink"], "--style-strength", 2, "-o",
                    tmp_path / "grid.png")
    assert "ziplora merge" in error["hint"] and not (tmp_path / "grid.png").exists()


def test_style_strength_of_a_merge_whose_inputs_have_other_layers_and_ranks(generate, base, loras, tmp_path):
    """A style for the later blocks alone."""
    part = make_lora(tmp_path / "all.safetensors", base, 3, rank=3)
    part = {name: factors for name, factors in part.items() if name.startswith("up_blocks")}
    assert 0 < len(part) < len(load_file(loras["cat"])) // 2
    make_lora(tmp_path / "part.safetensors", base, 0, layers=part)
    ziplora("merge", "--method", "direct", "--subject", loras["cat"], "--style", tmp_path / "part.safetensors",
            "--base", base, "--file-dtype", "float32", "-o", tmp_path / "merged.safetensors")

    def image(*flags):
        generate("a ghost", *flags, "-o", tmp_path / "out.png")
        return pixels(tmp_path / "out.png")

    merged = ("--adapter", tmp_path / "merged.safetensors")
    assert_same_image(image(*merged, "--style-strength", 0), image("--adapter", loras["cat"]))
    assert_same_image(image(*merged, "--style-strength", 0.5),
                      image("--adapter", loras["cat"], "--adapter", f"{tmp_path / 'part.safetensors'}:0.5"))
    assert_other_image(image(*merged, "--style-strength", 2), image(*merged))


def test_a_long_prompt_warns_once_and_says_what_was_cut(generate, tmp_path):
    result = generate("very " * 20 + "Größe 東京", "-n", 5, "--batch-size", 2, "-o", tmp_path / "out.png")
    warnings = texts_of(result, "warning")
    assert len(warnings) == 1 and "75" in warnings[0] and "größe 東京" in warnings[0], warnings


def test_loading_the_base_is_reported_tensor_by_tensor(generate, base, tmp_path):
    tensors = sum(not name.endswith("position_ids") for file in base.rglob("*.safetensors") for name in load_file(file))
    result = generate("a ghost", "-o", tmp_path / "ghost.png")
    assert steps_of(result, "load") == [(n + 1, tensors) for n in range(tensors)]


def test_initial_noise_by_file_and_by_row(generate, tmp_path):

    noise = torch.randn(2, 4, 16, 16)
    save_file({"latents": noise}, tmp_path / "noise.safetensors")
    two = generate("a ghost", "-n", 2, "--initial-noise", tmp_path / "noise.safetensors", "-o", tmp_path / "two.png")
    generate("a ghost", "--initial-noise", f"{tmp_path / 'noise.safetensors'}:1", "-o", tmp_path / "one.png")
    assert_same_image(pixels(tmp_path / "one.png"), pixels(two["images"][1]["file"]))
    assert_other_image(pixels(tmp_path / "one.png"), pixels(two["images"][0]["file"]))


# Grids

def cell(sheet, row, column, side, heading_lines=1):
    top = 23 * heading_lines + 2 * GAP + row * (side + GAP)
    left = CAPTION + column * (side + GAP)
    return sheet[top:top + side, left:left + side]


def dark(area):
    """The share of pixels that letters cover."""
    return float((area.min(axis=2) < 100).mean())


def enlarged(image, factor):
    return image.repeat(factor, 0).repeat(factor, 1)


def test_a_grid_compares_base_adapters_and_all_together(generate, loras, tmp_path):
    flags = ("--adapter", loras["cat"], "--adapter", f"{loras['ink']}:0.5", "--height", 64, "--width", 64)
    made = generate("a ghost", "a red igloo", "-n", 2, "--grid", *flags, "-o", tmp_path / "grid.png")
    assert made["columns"] == ["base", "cat", "ink × 0.5", "cat + ink × 0.5"]
    assert made["files"] == [str(tmp_path / "grid.png")] and len(made["images"]) == 16
    sheet = pixels(tmp_path / "grid.png")
    side = 64 * 4
    assert sheet.shape == (23 + 2 * GAP + 4 * (side + GAP), CAPTION + 4 * (side + GAP), 3)
    generate("a red igloo", "--seed", 1, *flags, "-o", tmp_path / "one.png")
    assert_same_image(cell(sheet, 3, 3, side), enlarged(pixels(tmp_path / "one.png"), 4))
    generate("a ghost", "--height", 64, "--width", 64, "-o", tmp_path / "base.png")
    assert_same_image(cell(sheet, 0, 0, side), enlarged(pixels(tmp_path / "base.png"), 4))
    for column in range(4):  # every heading and caption has letters in it
        assert 0.005 < dark(sheet[:23 + 2 * GAP, CAPTION + column * (side + GAP):][:, :side]) < 0.3
    for row in range(4):
        assert 0.002 < dark(sheet[23 + 2 * GAP + row * (side + GAP):][:side, :CAPTION]) < 0.3


def test_named_columns_and_given_images(generate, loras, tmp_path):
    colours = {"red": (255, 0, 0), "blue": (0, 0, 255)}
    for name, colour in colours.items():
        Image.new("RGB", (64, 64), colour).save(tmp_path / f"{name}.png")
    made = generate(
        "a ghost", "a red igloo", "a cart", "--grid", "--column", "no adapter=none", "--column",
        f"sum={loras['cat']}:0.5+{loras['ink']}", "--column", loras["ink"], "--image-column",
        f"true drawing={tmp_path / 'red.png'},,{tmp_path / 'blue.png'}", "-o", tmp_path / "grid.png")
    assert made["columns"] == ["no adapter", "sum", "ink", "true drawing"]
    sheet = pixels(tmp_path / "grid.png")
    assert (cell(sheet, 0, 3, 256) == colours["red"]).all()
    assert (cell(sheet, 1, 3, 256) == 255).all()
    assert (cell(sheet, 2, 3, 256) == colours["blue"]).all()
    generate("a cart", "--adapter", f"{loras['cat']}:0.5", "--adapter", loras["ink"], "-o", tmp_path / "one.png")
    assert_same_image(cell(sheet, 2, 1, 256), enlarged(pixels(tmp_path / "one.png"), 8))


def test_a_given_image_per_prompt_stands_beside_each_of_its_seeds(generate, tmp_path):
    Image.new("RGB", (20, 20), (0, 128, 0)).save(tmp_path / "green.png")
    generate("a ghost", "a cart", "-n", 2, "--grid", "--image-column", f"truth={tmp_path / 'green.png'},", "-o",
             tmp_path / "grid.png")
    sheet = pixels(tmp_path / "grid.png")
    side = 260  # 13 × 20 px, the larger box; the generated images have 8 × 32 px
    for row in range(4):
        expected = (0, 128, 0) if row < 2 else 255
        assert (cell(sheet, row, 1, side) == expected).all()


def test_long_labels_stay_in_their_place(generate, loras, tmp_path):
    long_name = "averylongwordwithoutanyspaces" * 2
    generate("word " * 60, "--grid", "--column", f"{long_name}=none", "--column", f"two words={loras['ink']}", "-o",
             tmp_path / "grid.png")
    sheet = pixels(tmp_path / "grid.png")
    lines = (sheet.shape[0] - 256 - GAP - 2 * GAP) // 23
    assert lines >= 2
    heading = sheet[:23 * lines + 2 * GAP]
    assert dark(heading[:, CAPTION + 256:CAPTION + 256 + GAP]) == 0, "the first heading runs into the second"
    assert dark(heading[:, CAPTION:CAPTION + 256]) > 0.02
    assert dark(sheet[23 * lines + 2 * GAP:][:256, CAPTION - GAP:CAPTION]) == 0, "the caption runs into the image"


# The settings that an image carries

def settings_of(file):
    return json.loads(Image.open(file).text["ziplora"])


def test_text_chunks(generate, loras, tmp_path):
    generate("a „ghost“ — 幽霊", "--adapter", f"{loras['cat']}:0.5", "--seed", 3, "--negative-prompt", "blur", "-o",
             tmp_path / "out.png")
    text = Image.open(tmp_path / "out.png").text
    assert text["parameters"] == ("a „ghost“ — 幽霊 <lora:cat:0.5>\nNegative prompt: blur\n"
                                  "Steps: 4, Sampler: base, CFG scale: 3, Seed: 3, Size: 32x32")
    settings = settings_of(tmp_path / "out.png")
    assert settings["prompt"] == ["a „ghost“ — 幽霊"] and settings["seed"] == 3
    assert settings["adapter"] == [f"{loras['cat']}:0.5"]


def test_like_repeats_an_image_bit_for_bit(generate, loras, tmp_path):
    save_file({"latents": torch.randn(3, 4, 12, 16)}, tmp_path / "noise.safetensors")
    made = generate("a ghost", "-n", 3, "--batch-size", 1, "--seed", 9, "--adapter", f"{loras['both']}:0.9",
                    "--style-strength", 0.3, "--negative-prompt", "", "--guidance-rescale", 0.4, "--scheduler", "dpm++-2m",
                    "--karras", "--height", 24, "--width", 32, "--initial-noise", tmp_path / "noise.safetensors", "-o",
                    tmp_path / "out.png")
    for image in made["images"]:
        again = ziplora("generate", "--like", image["file"], "-o", tmp_path / "again.png")
        assert (tmp_path / "again.png").read_bytes() == open(image["file"], "rb").read()
        assert again["images"][0]["seed"] == image["seed"]
    ziplora("generate", "--like", made["images"][0]["file"], "--steps", 2, "-o", tmp_path / "other.png")
    assert settings_of(tmp_path / "other.png") == settings_of(made["images"][0]["file"]) | {"steps": 2}
    assert_other_image(pixels(tmp_path / "other.png"), pixels(made["images"][0]["file"]))


def test_an_image_decoded_in_tiles_is_nearly_the_same_and_says_so(generate, tmp_path):
    generate("a dog", "--height", 64, "--width", 96, "-o", tmp_path / "whole.png")
    generate("a dog", "--height", 64, "--width", 96, "--vae-tiling", "-o", tmp_path / "tiled.png")
    whole, tiled = (np.asarray(Image.open(tmp_path / f"{name}.png"), float) for name in ("whole", "tiled"))
    assert 0 < np.abs(whole - tiled).mean() < 0.2 * np.abs(whole - whole.mean()).mean()
    ziplora("generate", "--like", tmp_path / "tiled.png", "-o", tmp_path / "again.png")
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "tiled.png").read_bytes()


def test_like_takes_the_miniature_where_none_was_named(tmp_path):
    """In the next clone its folder has another path."""
    ziplora("generate", "a cat face", "--steps", 2, "-o", tmp_path / "out.png")
    assert "base" not in settings_of(tmp_path / "out.png")
    ziplora("generate", "--like", tmp_path / "out.png", "-o", tmp_path / "again.png")
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "out.png").read_bytes()


def test_like_warns_of_an_adapter_that_has_changed(generate, base, tmp_path):
    lora, other = tmp_path / "cat.safetensors", tmp_path / "dog.safetensors"
    make_lora(lora, base, 1), make_lora(other, base, 2)
    generate("a ghost", "--adapter", lora, "--adapter", f"{other}:0.5", "-o", tmp_path / "out.png")

    def warnings():
        again = ziplora("generate", "--like", tmp_path / "out.png", "-o", tmp_path / "again.png")
        return [text for text in texts_of(again, "warning") if "sha256" in text]

    assert warnings() == []
    before = hashlib.sha256(lora.read_bytes()).hexdigest()
    make_lora(lora, base, 3)
    [warning] = warnings()
    assert str(lora) in warning and before in warning and hashlib.sha256(lora.read_bytes()).hexdigest() in warning


def test_like_repeats_an_image_that_was_made_in_a_batch(generate, tmp_path):
    made = generate("a ghost", "a cart", "-n", 2, "-o", tmp_path / "out.png")
    for image in made["images"]:
        ziplora("generate", "--like", image["file"], "-o", tmp_path / "again.png")
        assert_same_image(pixels(tmp_path / "again.png"), pixels(image["file"]))


@pytest.mark.parametrize("settings", [{"save_latents": "victim"}, {"output": "victim.png"}, {"report": "victim"},
                                      {"config": "victim"}, {"\x1b[31mx": 1}])
def test_an_image_sets_nothing_but_what_generate_writes_into_one(settings, tmp_path):
    """Least of all where files are written."""
    save_with_settings(tmp_path / "evil.png", json.dumps({"prompt": ["a fox"], "steps": 1} | settings))
    error = ziplora_fails(3, "generate", "--like", "evil.png", "-o", "mine.png", cwd=tmp_path)
    assert "which ziplora writes into no image" in error["problem"] and error["problem"].isprintable()
    assert "that 'ziplora generate' wrote" in error["hint"]
    assert [file.name for file in tmp_path.iterdir()] == ["evil.png"]


@pytest.mark.parametrize("flag", ["--like", "--config"])
def test_settings_that_nest_without_end_are_an_error(flag, tmp_path):
    deep = '{"prompt":' + "[" * 100_000 + '"x"' + "]" * 100_000 + "}"
    save_with_settings(tmp_path / "like.png", deep)
    (tmp_path / "config.json").write_text(deep)
    file = {"--like": "like.png", "--config": "config.json"}[flag]
    error = ziplora_fails(3, "generate", flag, file, "-o", "mine.png", cwd=tmp_path)
    assert error["where"] == f"generate: {flag} {file}" and error["hint"]


def test_like_repeats_a_grid(generate, loras, tmp_path):
    Image.new("RGB", (64, 64), (255, 0, 0)).save(tmp_path / "red.png")
    generate("a ghost", "a cart", "-n", 2, "--grid", "--column", "plain=none", "--column", f"{loras['cat']}:0.5+{loras['ink']}",
             "--image-column", f"true drawing={tmp_path / 'red.png'},", "-o", tmp_path / "grid.png")
    ziplora("generate", "--like", tmp_path / "grid.png", "-o", tmp_path / "again.png")
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "grid.png").read_bytes()


# Errors

@pytest.fixture
def refused(base, tmp_path):
    """Runs into an error and checks that no new file is left in the folder."""
    def run(code, *arguments, with_base=True):
        before = sorted(tmp_path.rglob("*"))
        error = ziplora_fails(code, "generate", *arguments, *(("--base", base) if with_base else ()))
        assert sorted(tmp_path.rglob("*")) == before
        return error
    return run


def test_an_unknown_scheduler_proposes_the_nearest(refused, tmp_path):
    error = refused(2, "a ghost", "--scheduler", "eular", "-o", tmp_path / "out.png")
    assert "there is no 'eular'" in error["problem"] and error["hint"] == "did you mean 'euler'?"


@pytest.mark.parametrize("flags, code, problem, hint", [  # {} is the folder
    (("-o", "{}/out.jpg"), 2, "the name does not end in .png", "give -o OUT.png"),
    (("-o", "{}"), 2, "the name does not end in .png", "give -o OUT.png"),
    (("-o", "{}/missing/out.png"), 1, "the folder {}/missing does not exist", "mkdir -p {}/missing"),
    (("-o", "/proc/out.png"), 1, "cannot create a file in /proc", "a folder that you can write to"),
    (("-o", "{}/out.png", "--save-latents", "{}/missing/x.safetensors"), 1, "the folder {}/missing does not exist",
     "mkdir -p {}/missing"),
    ((), 2, "--output is required", "add -o OUT.png"),
    (("-o", "{}/out.png", "-n", "0"), 2, "0 images per prompt", "--images 1"),
    (("-o", "{}/out.png", "--steps", "0"), 2, "0 steps, expected 1 to 1000", "25 steps"),
    (("-o", "{}/out.png", "--height", "30"), 2, "30 × 32 pixels", "multiples of 8, for example 32"),
    (("-o", "{}/out.png", "--guidance-rescale", "2"), 2, "guidance rescale 2, expected 0 to 1", "0.7"),
    (("-o", "{}/out.png", "--scheduler", "ddim", "--karras"), 2, "cannot use Karras sigmas", "for example euler"),
    (("-o", "{}/out.png", "--adapter", "{}/none.safetensors"), 3, "there is no such file", "spelling of the path"),
    (("-o", "{}/out.png", "--adapter", "cat.safetensors:strong"), 2, "'strong' after the colon is not a number",
     "for example --adapter cat.safetensors:0.8"),
    (("-o", "{}/out.png", "--style-strength", "0.5"), 2, "no adapter has a style side", "add --adapter FILE"),
    (("-o", "{}/out.png", "--column", "none"), 2, "columns need a grid", "add --grid"),
    (("-o", "{}/out.png", "--image-column", "a={}/x.png"), 2, "there is no grid", "add --grid"),
    (("-o", "{}/out.png", "--grid", "--image-column", "a.png"), 2, "expected LABEL=FILE", "for example --image-column"),
    (("-o", "{}/out.png", "--grid", "--image-column", "a=,,"), 2, "3 images are given, the grid has 1 rows",
     "one file per row"),
    (("-o", "{}/out.png", "--grid", "--image-column", "a={}/no.png"), 3, "there is no such file", "spelling of the path"),
    (("-o", "{}/out.png", "--initial-noise", "{}/no.safetensors"), 3, "there is no such file", "spelling of the path"),
    (("-o", "{}/out.png", "--like", "{}/no.png"), 3, "there is no such file", "spelling of the path"),
    (("-o", "{}/out.png", "--sead", "1"), 2, "unknown flag '--sead'", "did you mean '--seed'?"),
])
def test_errors_say_what_to_do(flags, code, problem, hint, refused, tmp_path):
    """Problem and hint alone: the error's `where` repeats the argument."""
    error = refused(code, "a ghost", *(flag.format(tmp_path) for flag in flags))
    assert problem.format(tmp_path) in error["problem"]
    assert hint.format(tmp_path) in error["hint"]


@pytest.mark.parametrize("flag, file", [("--adapter", "none.safetensors"), ("--initial-noise", "no.safetensors"),
                                        ("--like", "no.png"), ("--image-column", "a={}/no.png")])
def test_a_missing_file_is_named(flag, file, refused, tmp_path):
    grid = ("--grid",) if flag == "--image-column" else ()
    value = file.format(tmp_path) if "{}" in file else tmp_path / file
    error = refused(3, "a ghost", *grid, flag, value, "-o", tmp_path / "out.png")
    assert error["where"].endswith(str(value).removeprefix("a="))


def test_an_absent_prompt_is_an_error(refused, tmp_path):
    assert "prompt" in refused(2, "-o", tmp_path / "out.png")["problem"]


def test_a_missing_base_is_an_error(refused, tmp_path):
    error = refused(3, "a ghost", "--base", tmp_path / "nowhere", "-o", tmp_path / "out.png", with_base=False)
    assert "nowhere" in error["where"]


def test_a_missing_weight_file_of_the_base_is_named(refused, tmp_path):
    folder = make_tiny_sdxl(tmp_path / "base")
    (folder / "vae/diffusion_pytorch_model.safetensors").unlink()
    error = refused(3, "a ghost", "--base", folder, "-o", tmp_path / "out.png", with_base=False)
    assert "vae/diffusion_pytorch_model.safetensors" in error["where"]


def test_an_adapter_without_a_recorded_split_has_no_style_to_weigh(refused, loras, tmp_path):
    error = refused(4, "a ghost", "--adapter", loras["cat"], "--style-strength", 0.5, "-o", tmp_path / "out.png")
    assert "merge the inputs again" in error["hint"]


@pytest.mark.parametrize("split", ['{"roles": "style", "ranks": [2]}', '{"roles": ["style"], "ranks": [true]}',
                                   '{"roles": [1], "ranks": [2]}', '{"roles": ["style"], "ranks": [-2]}', "[]", "{"])
def test_a_malformed_split_is_an_error(refused, base, tmp_path, split):
    make_lora(tmp_path / "odd.safetensors", base, 1, metadata={"ziplora.split": split})
    error = refused(4, "a ghost", "--adapter", tmp_path / "odd.safetensors", "--style-strength", 0.5, "-o",
                    tmp_path / "out.png")
    assert "which of its ranks" in error["problem"]


def test_noise_of_another_shape_is_an_error(refused, tmp_path):
    save_file({"latents": torch.zeros(2, 4, 16, 16)}, tmp_path / "noise.safetensors")
    noise = ("--initial-noise", tmp_path / "noise.safetensors", "-o", tmp_path / "out.png")
    assert "[2, 4, 16, 16], expected [1, 4, 16, 16]" in refused(4, "a ghost", *noise)["problem"]
    noise = ("--initial-noise", f"{tmp_path / 'noise.safetensors'}:2", "-o", tmp_path / "out.png")
    assert "row 2" in refused(2, "a ghost", *noise)["problem"]


def test_an_adapter_of_another_model_is_refused(refused, base, tmp_path):
    make_lora(tmp_path / "wide.safetensors", base, 1,
              layers={"down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q": (torch.zeros(2, 640), torch.zeros(640, 2))})
    error = refused(4, "a ghost", "--adapter", tmp_path / "wide.safetensors", "-o", tmp_path / "out.png")
    assert "640" in error["problem"]


def test_an_old_image_stays_when_the_run_fails(base, tmp_path):
    (tmp_path / "out.png").write_bytes(b"old")
    ziplora_fails(3, "generate", "x", "--base", base, "--adapter", tmp_path / "no.safetensors", "-o", tmp_path / "out.png")
    assert (tmp_path / "out.png").read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1


def test_plain_output_names_the_files(base, tmp_path):
    done = run_ziplora("generate", "a ghost", "--base", base, "--steps", 2, "-n", 2, "-o", tmp_path / "out.png")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [str(tmp_path / "out-1.png"), str(tmp_path / "out-2.png")]


def test_help_lists_every_scheduler_and_the_exit_codes():
    text = run_ziplora("generate", "--help").stdout
    for word in ("ddim", "euler-ancestral", "dpm++-2m", "lcm", "--image-column", "EXIT STATUS", "EXAMPLE"):
        assert word in text
