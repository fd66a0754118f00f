"""`ziplora-mini report` on the miniature base, in a world whose drawings are made up: that it runs whole, says what it
promises, writes its sheets, and gives the same numbers again."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from embedded_base import open_pipeline
from PIL import Image
from program import events, interrupt, run_ziplora, steps_of, ziplora, ziplora_fails

ROOT = Path(__file__).resolve().parents[2]
ATTRIBUTES = {"subject", "style", "background", "second_subject_present"}
WHO = ("base", "autoencoder", "artist")
GROUPS = {"base alone", "subject alone", "others beside the subject", "style alone", "direct", "zip",
          "direct, style × 1.5", "zip, style × 1.5"}


STEPS, VALIDATION_SCENES = 2, 8
ZIP = {"iterations": 3, "image-steps": 2}


def report(cache, folder, *more):
    return ziplora("report", "--cache", cache, "--scenes", 3, "--steps", STEPS, "--validation-scenes", VALIDATION_SCENES,
                   "-o", folder, *more, cwd=ROOT)


@pytest.fixture(scope="module")
def both(cache, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    (folder / "quick.json").write_text(json.dumps({"iterations": 1, "rank": 2, "warmup": 0, "lr": 0.02}))
    (folder / "zip.json").write_text(json.dumps(ZIP))
    return folder / "out", report(cache, folder / "out", "--loras", "development", "--lora-subjects", 1,
                                  "--lora-settings", folder / "quick.json", "--zip-options", folder / "zip.json",
                                  "--style-strength", 1, "--style-strength", 1.5)


STYLES = {style["id"]: style for style in json.loads((ROOT / "mini/assets/styles.json").read_text())["styles"]}


def keeps_background(style):
    return STYLES[style].get("keeps_background", True)


def is_share_of(share, count):
    """Whether so many images can give that share; none give null."""
    return share is None if count == 0 else 0 <= share <= 1 and share * count == pytest.approx(round(share * count), abs=1e-4)


def test_both_splits_are_judged_beside_the_artists_own(both):
    folder, result = both
    for split in ("seen", "held_out_pairs"):
        part = result[split]
        assert ATTRIBUTES <= part["base"].keys() == part["autoencoder"].keys() == part["artist"].keys()
        for who in WHO:
            images = part["images"][who]
            asked = {name: len(images) for name in part[who]} | {
                "background": sum(keeps_background(image["style"]) for image in images),
                "second_subject": (pairs := sum(" next to " in image["prompt"] for image in images)),
                "second_subject_present": pairs}
            for name, share in part[who].items():
                assert is_share_of(share, asked[name]), f"{split}, {who}: {name} is {share} of {asked[name]} images"
        assert part["frechet_distance"].keys() == {"base", "autoencoder"} and min(part["frechet_distance"].values()) > 0
    sheets = sorted(file.name for file in folder.glob("*.png"))
    assert len(sheets) == 2 and all(min(Image.open(folder / name).size) >= 64 for name in sheets)
    assert json.loads((folder / "report.json").read_text())["seen"] == result["seen"]


@torch.no_grad()
def test_how_far_a_styles_words_move_the_prompt_is_what_transformers_says(both):
    styles = json.loads((ROOT / "mini/assets/styles.json").read_text())["styles"]
    known = [style["phrases"][0] for style in styles if style["role"] == "seen"]
    pipeline = open_pipeline()
    pooled = pipeline.encode_prompt(["a cat face"] + [f"a cat face, in {words}" for words in known], device="cpu",
                                    num_images_per_prompt=1, do_classifier_free_guidance=False)[2]
    moved = (pooled[1:] - pooled[0]).norm(dim=1) / pooled[0].norm()
    said = both[1]["parts"]["prompt_moved_by_style"]
    assert said["known"] == pytest.approx(moved.mean().item(), rel=1e-3)
    assert 0.6 < said["invented"] / said["known"] < 1.2, "the encoders pass over an invented word, or hear nothing else"


@pytest.mark.parametrize("attribute", ["subject", "style"])
@pytest.mark.parametrize("who", WHO)
def test_the_shares_are_of_the_images_listed(who, attribute, both):
    for split in ("seen", "held_out_pairs"):
        part = both[1][split]
        images = part["images"][who]
        assert len(images) == both[1]["scenes"]
        right = sum(it["taken_for"][attribute] == it[attribute] for it in images)
        assert part[who][attribute] == pytest.approx(right / len(images))


def images_asked(group, style):
    """Of one subject: three backgrounds for each style that shows one, without backgrounds of six seen subjects."""
    if group in ("style alone", "others beside the subject"):
        return 6
    return 3 if keeps_background(style) or group in ("base alone", "subject alone") else 1


def test_loras_are_judged_alone_and_merged(both):
    folder, result = both
    loras = result["loras"]
    assert loras.keys() == GROUPS
    for name, group in loras.items():
        asked = {style: images_asked(name, style) for style in group["by_style"]}
        assert group["images"] == sum(asked.values())
        for marks, styles in [(group["base"], asked), (group["artist"], asked)] + [
                (marks, [style]) for style, marks in group["by_style"].items()]:
            count = sum(asked[style] for style in styles)
            with_background = sum(asked[style] for style in styles if keeps_background(style))
            assert is_share_of(marks["subject"], count) and is_share_of(marks["style"], count), name
            assert is_share_of(marks.get("background"), with_background), name
            assert -1 <= marks["similarity"] <= 1 + 1e-6
        for mark in ("subject", "style", "similarity"):
            mean = sum(asked[style] * marks[mark] for style, marks in group["by_style"].items()) / group["images"]
            assert group["base"][mark] == pytest.approx(mean, abs=1e-6), f"{name}: {mark}"
    for group in ("zip", "zip, style × 1.5"):
        assert loras[group]["by_style"].keys() == {"fluent-emoji", "duotone"}
    assert loras["zip, style × 1.5"]["base"]["similarity"] != loras["zip"]["base"]["similarity"]
    assert loras["subject alone"]["by_style"].keys() == {"twemoji", "emojione", "blueprint", "watercolour"}
    assert list((folder / "loras-development").rglob("*.safetensors"))
    overview = Image.open(folder / "loras-development/overview.png")
    assert overview.width > 6 * 128 and 128 < overview.height < 256, "one subject beside its LoRA's images and four merges'"


def test_loras_are_made_and_drawn_with_the_settings_that_are_asked_for(both):
    folder, result = both
    assert {total for _, total in steps_of(result, "zip")} == {ZIP["iterations"]}
    assert {total for _, total in steps_of(result, "denoise")} == {STEPS, 2 * STEPS}  # of up to eight images, or of twelve
    recipe = json.loads((folder / "loras-development/recipe.json").read_text())
    assert recipe["steps"] == STEPS and recipe["zip_options"].items() >= ZIP.items()
    assert result["validation_scenes"] == VALIDATION_SCENES and len(result["parts"]["unet_error"]) == 5


def lora_report(cache, folder, quick, half="development", seed=0):
    zip_options = folder / "zip.json"
    zip_options.write_text(json.dumps(ZIP))
    return "report", "--cache", cache, "--scenes", 2, "--steps", STEPS, "--validation-scenes", VALIDATION_SCENES, \
        "-o", folder / "out", "--loras", half, "--lora-subjects", 1, "--lora-settings", quick, "--zip-options", zip_options, \
        "--seed", seed, "--style-strength", 1, "--style-strength", 1.5


@pytest.fixture
def quick(both, tmp_path):
    shutil.copytree(both[0] / "loras-development", tmp_path / "out/loras-development")
    return both[0].parent / "quick.json"


def files_of(folder):
    """Of the LoRAs and of what they drew."""
    files = [*folder.rglob("*.safetensors"), *folder.rglob("drawn/*/*.png")]
    return {file: file.stat().st_mtime_ns for file in files if not file.stem.endswith("coefficients")}


def test_what_an_earlier_report_made_is_not_made_again(both, cache, quick, tmp_path):
    """Each kind of file that an interrupted one lacks: a LoRA, a merge, images."""
    loras = tmp_path / "out/loras-development"
    [subject] = [file for file in loras.glob("*.safetensors") if file.name.count(".") == 1 and
                 (loras / f"drawn/subject alone/{file.stem}-1.png").exists()]
    lost = [subject, next(loras.glob("*.zip.safetensors")), loras / f"drawn/subject alone/{subject.stem}-2.png"]
    drawn = Image.open(lost[2]).tobytes()
    for file in lost:
        file.unlink()
    kept = {file: time for file, time in files_of(loras).items() if file.parent.name != "subject alone"}
    again = ziplora(*lora_report(cache, tmp_path, quick), cwd=ROOT)
    assert again["loras"] == both[1]["loras"]
    assert len(kept) > 10 and files_of(loras).items() >= kept.items()
    assert all(file.exists() for file in lost) and Image.open(lost[2]).tobytes() == drawn


@pytest.mark.parametrize("change", [{"seed": 1}, {"half": "report"}], ids=str)
def test_an_earlier_report_of_something_else_is_left_alone(change, cache, quick, tmp_path):
    folder = tmp_path / "out" / f"loras-{change.get('half', 'development')}"
    (tmp_path / "out/loras-development").rename(folder)
    before = files_of(folder)
    error = ziplora_fails(2, *lora_report(cache, tmp_path, quick, **change), cwd=ROOT)
    assert "recipe.json" in error["problem"] and "-o" in error["hint"] and files_of(folder) == before


def test_a_folder_that_does_not_say_what_it_holds_is_left_alone(cache, quick, tmp_path):
    (tmp_path / "out/loras-development/recipe.json").unlink()
    error = ziplora_fails(2, *lora_report(cache, tmp_path, quick), cwd=ROOT)
    assert "no recipe.json" in error["problem"]


def test_an_interrupted_report_goes_on_within_a_training(cache, tmp_path):
    (tmp_path / "slow.json").write_text(json.dumps({"iterations": 40, "rank": 2, "batch_size": 1}))
    arguments = lora_report(cache, tmp_path, tmp_path / "slow.json")
    error = interrupt(arguments, ROOT, "train", after_step=5)
    assert "run the same command again" in error["hint"]
    [checkpoint] = tmp_path.rglob("checkpoint*")
    done = run_ziplora(*arguments, "--json", cwd=ROOT)
    assert done.returncode == 0
    assert steps_of({"events": events(done)}, "train")[0][0] > 5


def test_the_same_again(both, cache, tmp_path):
    again = report(cache, tmp_path)
    assert all(again[split] == both[1][split] for split in ("seen", "held_out_pairs"))


def test_settings_without_loras_are_refused(cache, tmp_path):
    (tmp_path / "quick.json").write_text("{}")
    error = ziplora_fails(2, "report", "--cache", cache, "--lora-settings", tmp_path / "quick.json", "-o", tmp_path / "out", cwd=ROOT)
    assert "--loras development" in error["hint"]
    error = ziplora_fails(2, "report", "--cache", cache, "--zip-options", tmp_path / "quick.json", "-o", tmp_path / "out", cwd=ROOT)
    assert "--zip-options" in error["problem"] and "--loras development" in error["hint"]
    error = ziplora_fails(2, "report", "--cache", cache, "--style-strength", 2, "-o", tmp_path / "out", cwd=ROOT)
    assert "--loras development" in error["hint"]
