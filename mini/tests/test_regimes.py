"""`ziplora-mini regimes` in a world whose drawings are made up: the folder that it leaves for `ziplora evaluate`, what it
learns from, and that what is there is not made again."""

import json
import os
import shutil
from pathlib import Path

import pytest
from PIL import Image
from program import events, interrupt, run_ziplora, steps_of, ziplora, ziplora_fails
from safetensors import safe_open

ROOT = Path(__file__).resolve().parents[2]
QUICK = {"iterations": 1, "rank": 2, "warmup": 0, "views": 1, "batch_size": 1}


def regimes(cache, folder, *more):
    settings = folder.parent / "quick.json"
    settings.write_text(json.dumps(QUICK))
    return "regimes", "--cache", cache, "--lora-settings", settings, "-o", folder, *more


@pytest.fixture(scope="module")
def made(cache, tmp_path_factory):
    folder = tmp_path_factory.mktemp("regimes") / "out"
    return folder, ziplora(*regimes(cache, folder, "--groups", "B", "--subjects", 1), cwd=ROOT)


def manifest_of(folder):
    return json.loads((folder / "manifest.json").read_text())


def with_lora(entries):
    return {entry["name"]: entry for entry in entries if "lora" in entry}


def metadata(file):
    with safe_open(file, "pt") as lora:
        return lora.metadata()


def test_the_manifest_names_what_is_there(made):
    folder, result = made
    manifest = manifest_of(folder)
    subjects, styles = with_lora(manifest["subjects"]), with_lora(manifest["styles"])
    assert len(subjects) == 1 and len(styles) == 6 and result["trained"] == result["loras"] == 7 and result["pairs"] == 6
    for entry in [*subjects.values(), *styles.values()]:
        assert metadata(folder / entry["lora"])["ss_num_train_images"] == str(len(list((folder / entry["images"]).glob("*.png"))))
    for pair in manifest["pairs"]:
        for truth in pair["truths"]:
            assert truth is None or Image.open(folder / truth).size == (64, 64)
    assert {pair["group"] for pair in manifest["pairs"]} == {"A", "B", "B, seed 2", "C"}
    looks = {entry["name"] for entry in manifest["styles"] if entry["prompt"] != "in szn style"}
    assert looks and sum(pair["style"] not in looks for pair in manifest["pairs"]) == 120 + 120 + 30 + 48


def test_one_lora_of_both_is_trained_for_each_pair(made, cache, tmp_path):
    folder = tmp_path / "out"
    shutil.copytree(made[0], folder)
    result = ziplora(*regimes(cache, folder, "--groups", "B", "--subjects", 1, "--together"), cwd=ROOT)
    assert result["trained"] == 6
    pairs = json.loads((folder / "together.json").read_text())["pairs"]
    files = [pair["files"]["together"] for pair in pairs if pair["group"] == "B, together"]
    assert len(files) == 6 and {metadata(folder / file)["ss_num_train_images"] for file in files} == {"62"}
    assert manifest_of(folder)["pairs"][0]["group"] == "B"


def test_seeds_and_own_prompts_are_said(made, cache):
    folder, _ = made
    before = manifest_of(folder)
    ziplora(*regimes(cache, folder, "--groups", "B", "--subjects", 1, "--seeds", 2, "--own-prompts"), cwd=ROOT)
    manifest = manifest_of(folder)
    assert before["seeds"] == [0, 1, 2, 3] and manifest["seeds"] == [0, 1]
    assert manifest["prompts"] == [*before["prompts"], "{subject}", "a rose, {style}"]
    assert [pair["truths"] for pair in manifest["pairs"]] == [[*pair["truths"], None, None] for pair in before["pairs"]]
    assert manifest | {name: before[name] for name in ("seeds", "prompts", "pairs")} == before


def test_ziplora_evaluates_it(made, tmp_path):
    """By one of the contenders of `make evidence`, all of which are known."""
    folder, _ = made
    manifest = manifest_of(folder) | {"seeds": [0]}
    (folder / "slice.json").write_text(json.dumps(manifest))
    result = ziplora("evaluate", folder / "slice.json", "--methods", ROOT / "mini/assets/contenders.json", "--only",
                     "direct 0.7, 1", "--steps", 1, "-o", tmp_path / "out")
    [first, *_] = result["tables"]
    assert first["pairs"] == 6 and result["merged"] == 6
    assert {row["contender"] for row in first["rows"]} == {"base alone", "subject alone", "style alone", "direct 0.7, 1"}
    assert all({"likeness", "subject_told", "style_told", "harmonic_mean"} <= row.keys() for row in first["rows"])
    assert len({table["judge"] for table in result["tables"]}) == 2


def test_progress_counts_the_iterations_of_all(made):
    loras = made[1]["trained"]
    assert steps_of(made[1], "LoRAs") == [(n * QUICK["iterations"], loras * QUICK["iterations"]) for n in range(1, loras + 1)]


def test_each_lora_learns_what_its_regime_shows(made):
    folder, _ = made
    manifest = manifest_of(folder)
    [subject] = with_lora(manifest["subjects"]).values()
    captions = [file.read_text() for file in (folder / subject["images"]).glob("*.txt")]
    assert len(captions) == 5 and all(caption.startswith(subject["prompt"]) for caption in captions)
    for style in with_lora(manifest["styles"]).values():
        captions = [file.read_text() for file in (folder / style["images"]).glob("*.txt")]
        assert len(set(captions)) == 32 and all(caption.endswith(", in szn style\n") for caption in captions)


def test_what_is_there_is_not_made_again(made, cache):
    folder, _ = made
    before = {file: file.stat().st_mtime_ns for file in folder.glob("loras/*")}
    recipe = (folder / "recipe.json").read_bytes()
    more = ziplora(*regimes(cache, folder, "--groups", "C,A", "--subjects", 1, "--shard", "1/7"), cwd=ROOT)
    after = {file: file.stat().st_mtime_ns for file in folder.glob("loras/*")}
    assert after.items() >= before.items() and more["trained"] == len(after) - len(before) > 0
    assert more["loras"] == len(after) and (folder / "recipe.json").read_bytes() == recipe


def test_two_shards_share_the_work(cache, tmp_path):
    shards = [ziplora(*regimes(cache, tmp_path / "out", "--groups", "B", "--subjects", 1, "--shard", f"{i}/2"), cwd=ROOT)
              for i in (1, 2)]
    assert [shard["trained"] for shard in shards] == [4, 3] and shards[1]["pairs"] == 6


def test_an_interrupted_run_goes_on_within_a_training(cache, tmp_path):
    arguments = regimes(cache, tmp_path / "out", "--groups", "B", "--subjects", 1)
    (tmp_path / "quick.json").write_text(json.dumps(QUICK | {"iterations": 40}))
    error = interrupt(arguments, ROOT, "LoRAs", after_step=5)
    assert "run the same command again" in error["hint"]
    [checkpoint] = tmp_path.rglob("checkpoint*")
    done = run_ziplora(*arguments, "--shard", "1/7", "--json", cwd=ROOT)
    assert done.returncode == 0 and not checkpoint.exists()
    assert steps_of({"events": events(done)}, "LoRAs")[0][0] > 5


def test_the_part_is_the_engines_unless_it_is_said(made, cache):
    """Slurm's --array=1,5: nothing says which of the two task 5 is."""
    folder, _ = made
    environment = os.environ | {f"SLURM_ARRAY_TASK_{name}": value for name, value in
                                {"ID": "5", "MIN": "1", "MAX": "5", "STEP": "1", "COUNT": "2"}.items()}
    arguments = regimes(cache, folder, "--groups", "B", "--subjects", 1)
    refused = run_ziplora(*arguments, "--json", cwd=ROOT, env=environment)
    assert refused.returncode == 2 and "has gaps" in events(refused)[-1]["problem"]
    assert run_ziplora(*arguments, "--shard", "1/2", cwd=ROOT, env=environment).returncode == 0


@pytest.mark.parametrize("more, words", [(("--half", "report"), "recipe.json"), (("--groups", "E"), "E"),
                                         (("--shard", "2/1"), "2/1")], ids=str)
def test_slips_are_refused(more, words, made, cache):
    error = ziplora_fails(2, *regimes(cache, made[0], *more), cwd=ROOT)
    assert words in error["problem"] and error["hint"]
