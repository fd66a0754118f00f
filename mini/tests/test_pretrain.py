"""`ziplora-mini pretrain` through every stage, from scratch and from a finished base."""

import filecmp
import json
import shutil
from pathlib import Path

import pytest
import torch
from program import interrupt, ziplora, ziplora_fails
from safetensors.torch import load_file

ROOT = Path(__file__).resolve().parents[2]
STAGES = ("autoencoder", "contrastive", "judge", "unet")
WEIGHTS = "diffusion_pytorch_model.safetensors"


# A quarter of the scenes in each of a batch's four parts, of which one passes through the autoencoder for the judge.
SMALL = ["--batch-size", 16, "--sample-steps", 2]


def once(**counts):
    return ["--validation-scenes", 3, *SMALL] + [word for stage in STAGES for word in (f"--{stage}-iterations", counts.get(stage, 1))]


@pytest.fixture(scope="module")
def made_base(cache, tmp_path_factory):
    """Of one iteration a stage; its judge in ../judges, its run in ../run."""
    folder = tmp_path_factory.mktemp("made")
    ziplora("pretrain", "--cache", cache, "--run-folder", folder / "run", *once(), "--threads", 2, "--sample-every", 1,
            "-o", folder / "mini/", cwd=ROOT)
    return folder / "mini"


def test_from_nothing_to_a_base_that_draws(made_base, tmp_path):
    ziplora("generate", "a ghost", "--base", made_base, "--steps", 1, "-o", tmp_path / "out.png")
    assert (made_base.parent / "judges/clip/config.json").exists() and not (made_base / "judges").exists()
    samples = made_base.parent / "run/samples"
    assert {file.name for file in samples.iterdir()} == {"autoencoder-1.png", "unet-1.png"}


def test_a_base_is_updated_and_its_card_stays(made_base, cache, tmp_path):
    (tmp_path / "mini/unet").mkdir(parents=True)
    for name, text in (("README.md", "the card"), ("unet/config.json", "of another base")):
        (tmp_path / "mini" / name).write_text(text)
    ziplora("pretrain", "--cache", cache, "--run-folder", made_base.parent / "run", *once(), "-o", tmp_path / "mini", cwd=ROOT)
    assert (tmp_path / "mini/README.md").read_text() == "the card"
    for file in [file for file in made_base.rglob("*") if file.is_file()]:
        assert filecmp.cmp(tmp_path / "mini" / file.relative_to(made_base), file, shallow=False), file
    assert {file.name for file in tmp_path.iterdir()} == {"mini", "judges"}


def records(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_the_course_is_recorded(made_base):
    """Before the UNet's first update and at its sample."""
    before, after = records(made_base.parent / "run/unet.validation.jsonl")
    assert (before["iteration"], after["iteration"]) == (0, 1)
    for line in (before, after):
        assert line["scenes"] == 3 and line["frechet_distance"] > 0
        assert line["error"].keys() == {"200", "400", "600", "800", "950"} and all(e > 0 for e in line["error"].values())
    for stage in ("autoencoder", "text encoders", "judge", "unet"):
        [line] = records(made_base.parent / f"run/{stage}.metrics.jsonl")
        assert line["seconds"] > 0 and line["lr"] > 0, stage


@pytest.mark.parametrize("record", ["metrics", "validation"])
def test_a_record_that_the_disk_has_no_room_for_stops_the_run(record, made_base, cache, tmp_path):
    (tmp_path / f"unet.{record}.jsonl").symlink_to("/dev/full")
    error = ziplora_fails(5, "pretrain", "--cache", cache, "--from", made_base, "--run-folder", tmp_path, *once(judge=0),
                          "--sample-every", 1, cwd=ROOT)
    assert error["where"].endswith(f"unet.{record}.jsonl") and "free some space" in error["hint"]


def test_the_parts_of_what_was_trained_are_measured(made_base, cache, tmp_path):
    report = ziplora("report", "--cache", cache, "--base", made_base, "--judge", made_base.parent / "judges/clip",
                     "--scenes", 3, "--steps", 1, "--validation-scenes", 8, "-o", tmp_path, cwd=ROOT)
    parts = report["parts"]
    assert parts["autoencoder"]["noto"]["psnr_db"] > 0 and parts["bytes"] > 40e6
    assert parts["load_seconds"] > 0 and parts["seconds_per_image"] > 0 and 0 <= parts["nearest_caption"]["share"] <= 1


def test_a_finished_run_is_not_repeated(made_base, cache):
    stamps = {file: file.stat().st_mtime_ns for file in (made_base.parent / "run").rglob("*.safetensors")}
    ziplora("pretrain", "--cache", cache, "--run-folder", made_base.parent / "run", *once(), cwd=ROOT)
    assert stamps == {file: file.stat().st_mtime_ns for file in (made_base.parent / "run").rglob("*.safetensors")}


def test_from_a_base_its_judge_and_its_unet_go_on(made_base, cache, tmp_path):
    """The slash at the end is what a shell's completion writes."""
    ziplora("pretrain", "--cache", cache, "--from", f"{made_base}/", "--run-folder", tmp_path / "run", *once(judge=2, unet=0),
            "-o", tmp_path / "mini", cwd=ROOT)
    weights = "model.safetensors"
    before, after = load_file(made_base.parent / "judges/clip" / weights), load_file(tmp_path / "judges/clip" / weights)
    assert before.keys() == after.keys() and any((before[key] != after[key]).any() for key in before)
    for part in ("unet/diffusion_pytorch_model.safetensors", "text_encoder_2/model.safetensors"):
        same, kept = load_file(made_base / part), load_file(tmp_path / "mini" / part)
        assert all((same[key] == kept[key]).all() for key in same), part


def test_tokens_of_no_caption_lie_where_this_program_puts_them(cache, tmp_path):
    """In the miniature: from it, with nothing to train, come its own text encoders."""
    ziplora("pretrain", "--cache", cache, "--from", ROOT / "assets/mini", "--run-folder", tmp_path / "run",
            *once(judge=0, unet=0), "-o", tmp_path / "mini", cwd=ROOT)
    for part in ("text_encoder", "text_encoder_2"):
        file = f"{part}/model.safetensors"
        ours, committed = load_file(tmp_path / "mini" / file), load_file(ROOT / "assets/mini" / file)
        assert ours.keys() == committed.keys()
        for name, weight in committed.items():
            # To the last place of float16: matrix products of another processor may round the other way.
            last_place = torch.clamp(weight.float().abs(), min=2**-14) * 2**-10
            assert ((ours[name].float() - weight.float()).abs() <= last_place).all(), f"{part}: {name}"


def test_looking_at_samples_changes_nothing(made_base, cache, tmp_path):
    """They are drawn in the middle of training, with averaged weights in the model's place."""
    for every in (1, 1000):
        ziplora("pretrain", "--cache", cache, "--from", made_base, "--run-folder", tmp_path / f"{every}", "--judge-iterations", 0,
                "--unet-iterations", 2, "--sample-every", every, "--validation-scenes", 3, *SMALL, cwd=ROOT)
    assert len(list((tmp_path / "1/samples").iterdir())) == 2
    seen, unseen = (load_file(tmp_path / f"{every}/unet.checkpoint.safetensors") for every in (1, 1000))
    assert seen.keys() == unseen.keys() and all((seen[key] == unseen[key]).all() for key in seen)


def iterations(run, stage):
    return [line["iteration"] for line in records(run / f"{stage}.metrics.jsonl")]


def test_an_interrupted_unet_resumes_to_the_same_weights(made_base, cache, tmp_path):
    """Exported, which rounds, and as they are. Of a high rate, since four iterations of the warm-up are few."""
    def command(folder):
        return ["pretrain", "--cache", cache, "--from", made_base, "--run-folder", folder / "run",
                "--judge-iterations", 0, "--unet-iterations", 4, "--unet-learning-rate", 0.1, "--threads", 2,
                "--sample-every", 0, "--validation-scenes", 0, *SMALL, "-o", folder / "mini"]

    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir(), parts.mkdir()
    ziplora(*command(whole), cwd=ROOT)
    error = interrupt(command(parts), ROOT, "unet", after_step=1)
    assert error["where"] == "pretrain unet" and "of 4 iterations" in error["problem"]
    assert "same command again" in error["hint"] and not (parts / "mini").exists()
    ziplora(*command(parts), cwd=ROOT)
    assert iterations(parts / "run", "unet") == [0, 1, 2, 3], "an iteration was lost or repeated"
    for file in (f"mini/unet/{WEIGHTS}", f"run/base/unet/{WEIGHTS}"):
        assert (parts / file).read_bytes() == (whole / file).read_bytes(), file
    before, after = load_file(made_base / "unet" / WEIGHTS), load_file(whole / "mini/unet" / WEIGHTS)
    assert any((before[key] != after[key]).any() for key in before), "nothing was learned"


def test_an_interrupted_autoencoder_resumes_to_the_same_weights(cache, tmp_path):
    """Both runs are stopped in the stage after it, which begins once the autoencoder is written."""
    def command(folder):
        return ["pretrain", "--cache", cache, "--run-folder", folder, "--autoencoder-iterations", 30,
                "--contrastive-iterations", 2, "--sample-every", 0, *SMALL]

    whole, parts = tmp_path / "whole", tmp_path / "parts"
    interrupt(command(whole), ROOT, "text encoders", after_step=1)
    error = interrupt(command(parts), ROOT, "autoencoder", after_step=3)
    assert error["where"] == "pretrain autoencoder" and "of 30 iterations" in error["problem"]
    assert not (parts / "base/vae").exists()
    interrupt(command(parts), ROOT, "text encoders", after_step=1)
    assert iterations(parts, "autoencoder") == list(range(30)), "an iteration was lost or repeated"
    for file in (WEIGHTS, "config.json"):  # the latter has the measured scaling factor
        assert (parts / "base/vae" / file).read_bytes() == (whole / "base/vae" / file).read_bytes(), file


TEXT_ENCODERS = [f"base/{part}/model.safetensors" for part in ("text_encoder", "text_encoder_2")]
JUDGE = [f"judge/{part}model.safetensors" for part in ("", "attributes/")]


@pytest.mark.parametrize("stage, option, files", [
    ("text encoders", "contrastive", TEXT_ENCODERS + JUDGE), ("judge", "judge", JUDGE)], ids=["text-encoders", "judge"])
def test_interrupted_text_encoders_and_judge_resume_to_the_same_weights(stage, option, files, made_base, cache, tmp_path):
    """From the stages before them, which are done."""
    before, whole, parts = made_base.parent / "run", tmp_path / "whole", tmp_path / "parts"
    for folder in (whole, parts):
        for part in ("base", "judge"):
            shutil.copytree(before / part, folder / part)
        if option == "contrastive":
            shutil.rmtree(folder / "base/text_encoder_2")

    def command(folder):
        return ["pretrain", "--cache", cache, "--run-folder", folder, "--threads", 2, "--sample-every", 0,
                *once(**{"judge": 0, "unet": 0, option: 3})]

    ziplora(*command(whole), cwd=ROOT)
    error = interrupt(command(parts), ROOT, stage, after_step=1)
    assert error["where"] == f"pretrain {stage}" and "of 3 iterations" in error["problem"]
    ziplora(*command(parts), cwd=ROOT)
    assert iterations(parts, stage) == [0, 1, 2], "an iteration was lost or repeated"
    for file in files:
        assert (parts / file).read_bytes() == (whole / file).read_bytes(), file
        assert (whole / file).read_bytes() != (before / file).read_bytes(), f"nothing was learned in {file}"


def test_a_batch_that_four_parts_cannot_share_is_refused(cache, tmp_path):
    error = ziplora_fails(2, "pretrain", "--cache", cache, "--run-folder", tmp_path, "--batch-size", 18, cwd=ROOT)
    assert "18 scenes" in error["problem"] and "multiple of 4" in error["hint"]


def test_a_base_without_a_judge_says_so(made_base, cache, tmp_path):
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone/mini").symlink_to(made_base)
    error = ziplora_fails(3, "pretrain", "--cache", cache, "--from", tmp_path / "alone/mini", "--run-folder",
                          tmp_path / "run", *once(unet=0), cwd=ROOT)
    assert "no judge" in error["problem"] and "--judge-iterations 0" in error["hint"]
