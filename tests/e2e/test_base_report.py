"""`ziplora base-report` on the embedded base, in a world whose drawings are made up: that it runs whole, says what it
promises, writes its sheets, and gives the same numbers again."""

import json
from pathlib import Path

import pytest
from PIL import Image
from program import ziplora, ziplora_fails

ROOT = Path(__file__).resolve().parents[2]
ATTRIBUTES = {"subject", "style", "background", "second_subject_present"}
WHO = ("base", "autoencoder", "artist")
GROUPS = {"base alone", "subject alone", "others beside the subject", "style alone", "direct", "zip"}


def report(cache, folder, *more):
    return ziplora("base-report", "--cache", cache, "--scenes", 3, "--steps", 2, "-o", folder, *more, cwd=ROOT)


@pytest.fixture(scope="module")
def both(cache, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    (folder / "quick.json").write_text(json.dumps({"iterations": 1, "rank": 2}))
    return folder / "out", report(cache, folder / "out", "--loras", "development", "--lora-subjects", 1,
                                  "--lora-settings", folder / "quick.json")


def shares(part, sides=("base", "artist")):
    return [value for side in sides for key, value in part[side].items()
            if value is not None and key != "similarity"]


def test_both_splits_are_judged_beside_the_artists_own(both):
    folder, result = both
    for split in ("seen", "held_out_pairs"):
        part = result[split]
        assert ATTRIBUTES <= part["base"].keys() == part["autoencoder"].keys() == part["artist"].keys()
        assert all(0 <= share <= 1 for share in shares(part, WHO))
        assert part["frechet_distance"].keys() == {"base", "autoencoder"} and min(part["frechet_distance"].values()) > 0
    sheets = sorted(file.name for file in folder.glob("*.png"))
    assert len(sheets) == 2 and all(min(Image.open(folder / name).size) >= 64 for name in sheets)
    assert json.loads((folder / "report.json").read_text())["seen"] == result["seen"]


@pytest.mark.parametrize("attribute", ["subject", "style"])
@pytest.mark.parametrize("who", WHO)
def test_the_shares_are_of_the_pictures_listed(who, attribute, both):
    for split in ("seen", "held_out_pairs"):
        part = both[1][split]
        pictures = part["pictures"][who]
        assert len(pictures) == both[1]["scenes"]
        right = sum(it["taken_for"][attribute] == it[attribute] for it in pictures)
        assert part[who][attribute] == pytest.approx(right / len(pictures))


def test_loras_are_judged_alone_and_merged(both):
    folder, result = both
    loras = result["loras"]
    assert GROUPS <= loras.keys()
    for group in GROUPS:
        assert all(0 <= share <= 1 for share in shares(loras[group])), group
        assert -1 <= loras[group]["base"]["similarity"] <= 1
    assert list((folder / "loras-development").rglob("*.safetensors"))


def test_the_same_again(both, cache, tmp_path):
    again = report(cache, tmp_path)
    assert all(again[split] == both[1][split] for split in ("seen", "held_out_pairs"))


def test_settings_without_loras_are_refused(cache, tmp_path):
    (tmp_path / "quick.json").write_text("{}")
    error = ziplora_fails(2, "base-report", "--cache", cache, "--lora-settings", tmp_path / "quick.json", "-o", tmp_path / "out", cwd=ROOT)
    assert "--loras development" in error["hint"]
