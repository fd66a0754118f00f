"""`ziplora evaluate` as a user runs it: what it makes equals what `merge` and `generate` make, is made once, and is scored
against what the manifest names."""

import csv
import json
import re
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from diffusers import StableDiffusionXLPipeline
from lora_files import LayerChoice, random_layers, save_kohya
from PIL import Image
from program import BUILD, interrupt, run_ziplora, steps_of, texts_of, ziplora, ziplora_fails
from tiny_sdxl import make_tiny_sdxl

METHODS = [{"method": "direct"}, {"method": "ties", "options": {"density": 0.5}, "style_strengths": [1, 2]},
           {"name": "ssr + joint", "method": "ssr", "options": {"joint-weight": 2, "context-steps": 1}},
           {"name": "switch", "strategy": "switch", "options": {"switch-every": 1}}]
NAMES = ["base alone", "subject alone", "style alone", "direct", "ties (density 0.5)", "ties (density 0.5), style × 2",
         "ssr + joint", "switch"]


def flat_image(file, colour):
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (32, 32), colour).save(file)
    return str(file)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny base, LoRAs of two subjects and one style, images of each, and true images of both pairs."""
    folder = tmp_path_factory.mktemp("evaluate")
    base = make_tiny_sdxl(folder / "base")
    model = StableDiffusionXLPipeline.from_pretrained(base)
    for seed, name in enumerate(("dog", "cat", "ink")):
        save_kohya(folder / f"{name}.safetensors", random_layers(model, LayerChoice(parts=("attn",), seed=seed)), model)
        flat_image(folder / name / "1.png", (80 * seed, 255 - 80 * seed, 128))
    return folder


@pytest.fixture
def manifest(folder, tmp_path):
    """Writes it with changes, and returns its path."""
    def write(**changes):
        content = {
            "subjects": [{"name": name, "lora": str(folder / f"{name}.safetensors"), "prompt": f"a sks {name}",
                          "images": str(folder / name)} for name in ("dog", "cat")],
            "styles": [{"name": "ink", "lora": str(folder / "ink.safetensors"), "prompt": "in szn style",
                        "images": str(folder / "ink"), "own_prompts": ["a rose, in szn style", "a fox, in szn style"]}],
            "prompts": ["{subject}, {style}", "{subject} at night, {style}"], "seeds": [3, 11],
            "pairs": [{"subject": "dog", "style": "ink", "group": "A",
                       "truths": [flat_image(tmp_path / "dog.png", (200, 40, 40)), None]},
                      {"subject": "cat", "style": "ink", "group": "B",
                       "truths": [flat_image(tmp_path / "cat.png", (40, 40, 200)),
                                  flat_image(tmp_path / "cat-night.png", (10, 10, 60))]}],
            "methods": METHODS} | changes
        file = tmp_path / "manifest.json"
        file.write_text(json.dumps(content))
        return file
    return write


@pytest.fixture
def arguments(folder, tmp_path):
    def of(manifest, *options, steps=4):
        return ["evaluate", manifest, "--base", folder / "base", "--judge", "pixels", "--steps", steps, "--batch-size", 3, "-o",
                tmp_path / "out", *options]
    return of


def rows_of(file):
    with open(file, newline="") as lines:
        reader = csv.DictReader(lines)
        assert len(set(reader.fieldnames)) == len(reader.fieldnames)
        return list(reader)


def pixels(file):
    return np.asarray(Image.open(file).convert("RGB"), dtype=int)


def rows_by(table, name):
    return next(row for row in table["rows"] if row["contender"] == name)


def test_every_pair_is_drawn_by_every_contender_and_scored(manifest, arguments, tmp_path):
    result = ziplora(*arguments(manifest()))
    assert [contender["name"] for contender in result["contenders"]] == NAMES
    rows = rows_of(tmp_path / "out/images.csv")
    # one prompt of the dog, two of the cat; two seeds
    assert len(rows) == result["images"] == len(NAMES) * (1 + 2) * 2
    assert {row["seed"] for row in rows} == {"3", "11"} and {row["judge"] for row in rows} == {"pixels, 16 px, bilinear"}
    # of two pairs, ties by two strengths merges twice, since it mixes the sides
    assert result["merged"] == 2 * 4 and result["drawn"] == len({row["file"] for row in rows})
    assert [table["group"] for table in result["tables"]] == ["", "A", "B"]
    for row in rows:
        own = [other for other in rows if other["contender"] == row["contender"] and other["subject"] == row["subject"]]
        group = {"dog": "A", "cat": "B"}[row["subject"]]
        table = next(table for table in result["tables"] if table["group"] == group)
        assert rows_by(table, row["contender"])["likeness"]["mean"] == pytest.approx(
            np.mean([float(other["likeness"]) for other in own]), abs=1e-5)
    everything = rows_by(result["tables"][0], "direct")["likeness"]
    parts = [rows_by(table, "direct")["likeness"]["mean"] for table in result["tables"][1:]]
    assert everything["mean"] == pytest.approx(np.mean(parts)) and everything["low"] == pytest.approx(min(parts))
    assert json.loads((tmp_path / "out/evaluation.json").read_text())["tables"] == result["tables"]


def pixels_cosine(*files):
    a, b = (np.asarray(Image.open(file).convert("RGB").resize((16, 16), Image.BILINEAR), dtype=float) / 127.5 - 1
            for file in files)
    return (a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b)


def test_likeness_and_leak_are_cosines_of_sixteen_by_sixteen_colours(manifest, arguments, folder, tmp_path):
    result = ziplora(*arguments(manifest(), "--only", "direct"))
    leaks = {}
    for row in rows_of(tmp_path / "out/images.csv"):
        drawn, truth = tmp_path / "out" / row["file"], tmp_path / ("cat-night.png" if "night" in row["prompt"] else f"{row['subject']}.png")
        likeness = pixels_cosine(drawn, truth)
        assert float(row["likeness"]) == pytest.approx(likeness, abs=1e-4)
        of_style = pixels_cosine(drawn, folder / "ink/1.png")
        assert abs(of_style - likeness) > 1e-3  # else rounding would decide
        assert float(row["leak"]) == (of_style > likeness)
        leaks.setdefault(row["contender"], {}).setdefault(row["subject"], []).append(of_style > likeness)
    assert {True, False} <= {leak for by_pair in leaks.values() for found in by_pair.values() for leak in found}
    for name, by_pair in leaks.items():
        assert rows_by(result["tables"][0], name)["leak"]["mean"] == pytest.approx(np.mean([np.mean(found) for found in by_pair.values()]))


def test_rows_behind_the_frontier_are_led_in_both(manifest, arguments):
    methods = [{"method": "direct", "style_strengths": [0.5, 1, 2]}, {"method": "direct", "strengths": [0.5, 0.5]}]
    [table] = ziplora(*arguments(manifest(methods=methods), "--group", "A"))["tables"]
    rows = {row["contender"]: row for row in table["rows"]}
    assert all("behind_frontier" not in rows[bound] for bound in ("base alone", "subject alone", "style alone"))
    merges = {name: [row[axis]["mean"] for axis in ("subject_similarity", "style_similarity")]
              for name, row in rows.items() if "behind_frontier" in row}
    assert len(merges) == 4
    for name, (subject, style) in merges.items():
        leads = {other: min(s - subject, t - style) for other, (s, t) in merges.items()}
        assert rows[name]["behind_frontier"] == pytest.approx(max(0, *leads.values()), abs=1e-9)
        assert rows[name].get("led_by") == (max(leads, key=leads.get) if rows[name]["behind_frontier"] else None)


def test_a_papers_protocol_gives_seeds_and_says_what_differs(manifest, arguments, tmp_path):
    file = manifest(prompts=["{subject}, {style}"], pairs=[{"subject": "dog", "style": "ink"}], methods=[{"method": "direct"}])
    content = json.loads(file.read_text())
    del content["seeds"]
    file.write_text(json.dumps(content))
    assert "paper's protocol" in ziplora_fails(3, *arguments(file))["hint"]
    result = ziplora(*arguments(file, "--protocol", "klora", steps=1))
    assert result["seeds"] == list(range(10)) and result["images"] == 10 * 4
    assert result["protocol"]["differences"] == ["18 pairs in the paper, 1 here"]
    assert "2502.18461" in result["protocol"]["source"]
    assert "not as in K-LoRA, arXiv 2502.18461: 18 pairs in the paper, 1 here" in texts_of(result, "warning")
    page, console = in_browser(tmp_path / "out/report.html")
    assert "Not as in K-LoRA, arXiv 2502.18461: 18 pairs in the paper, 1 here." in page and not console
    assert "--protocol klora" in page
    # the manifest's own seeds stay, and differ
    content["seeds"] = [5]
    file.write_text(json.dumps(content))
    printed = run_ziplora(*arguments(file, "--protocol", "klora", steps=1)).stdout
    assert "Not as in K-LoRA, arXiv 2502.18461: 18 pairs in the paper, 1 here; 10 images a pair in the paper, 1 here." in printed


def test_merges_and_images_are_those_of_merge_and_generate(manifest, arguments, folder, tmp_path):
    ziplora(*arguments(manifest()))
    rows = [row for row in rows_of(tmp_path / "out/images.csv") if row["prompt"] == "a sks cat, in szn style"
            and row["seed"] == "11"]
    files = {row["contender"]: tmp_path / "out" / row["file"] for row in rows}
    cat, ink = folder / "cat.safetensors", folder / "ink.safetensors"

    def drawn(*options):
        ziplora("generate", "a sks cat, in szn style", "--base", folder / "base", "--steps", 4, "--seed", 11, *options, "-o",
                tmp_path / "own.png")
        return pixels(tmp_path / "own.png")

    def merged(method, *options, style=""):
        ziplora("merge", "--method", method, "--base", folder / "base", "--subject", cat, "--style", f"{ink}{style}", *options,
                "-o", tmp_path / "own.safetensors")
        return drawn("--adapter", tmp_path / "own.safetensors")

    joint = ["--joint-weight", 2, "--context-steps", 1, "--subject-prompt", "a sks cat", "--style-prompt",
             "a rose, in szn style", "--style-prompt", "a fox, in szn style", "--joint-prompt", "a sks cat, in szn style"]
    expected = {"base alone": drawn(), "subject alone": drawn("--adapter", cat), "style alone": drawn("--adapter", ink),
                "direct": merged("direct"), "ties (density 0.5)": merged("ties", "--density", 0.5),
                "ties (density 0.5), style × 2": merged("ties", "--density", 0.5, style=":2"),
                "ssr + joint": merged("ssr", *joint),
                "switch": drawn("--subject", cat, "--style", ink, "--strategy", "switch", "--switch-every", 1)}
    assert expected.keys() == files.keys()
    for name, image in expected.items():
        assert abs(pixels(files[name]) - image).max() <= 1, name  # rows of a batch of one and of three round apart
    names = list(expected)
    for i, name in enumerate(names):
        for other in names[:i]:
            assert abs(expected[name] - expected[other]).max() > 3, (name, other)


def test_a_ready_file_is_drawn_as_it_is(manifest, arguments, folder, tmp_path):
    """Under the name that the pair has for it; a pair that lacks one is named before any work."""
    content = json.loads(manifest().read_text())
    content["pairs"][0]["files"] = {"joint": str(folder / "cat.safetensors")}
    content["methods"] = [{"file": "joint"}]
    (tmp_path / "manifest.json").write_text(json.dumps(content))
    error = ziplora_fails(3, *arguments(tmp_path / "manifest.json"))
    assert error["where"] == "cat × ink" and "no file 'joint'" in error["problem"] and not list((tmp_path / "out").glob("*/*"))
    result = ziplora(*arguments(tmp_path / "manifest.json", "--group", "A"))
    assert result["merged"] == 0
    [drawn] = [row for row in rows_of(tmp_path / "out" / "images.csv") if row["contender"] == "joint" and row["seed"] == "3"]
    ziplora("generate", drawn["prompt"], "--adapter", folder / "cat.safetensors", "--base", folder / "base", "--seed", 3, "--steps", 4,
            "-o", tmp_path / "own.png")
    assert np.abs(pixels(tmp_path / "own.png") - pixels(tmp_path / "out" / drawn["file"])).max() <= 1


def test_the_miniature_has_its_own_judge_by_whatever_path(manifest, tmp_path):
    miniature = Path(__file__).resolve().parents[2] / "assets/mini"
    for base, exit_code, words in ((miniature, 1, "are missing"), (tmp_path, 2, "no judge is given")):
        done = run_ziplora("evaluate", manifest(), "--base", base, "--gather", "-o", tmp_path / "out")
        assert done.returncode == exit_code and words in done.stderr


def test_own_prompts_are_compared_with_each_lora_alone(manifest, arguments, tmp_path):
    """What is kept of a LoRA that draws alone is all of it; of the base, less."""
    content = json.loads(manifest().read_text())
    pairs = [pair | {"truths": [*pair["truths"], None, None]} for pair in content["pairs"]]
    result = ziplora(*arguments(manifest(pairs=pairs, prompts=[*content["prompts"], "{subject}", "a fox, {style}"]), "--only",
                                "direct"))
    table = result["tables"][0]
    assert rows_by(table, "subject alone")["subject_kept"]["mean"] == pytest.approx(1)
    assert rows_by(table, "style alone")["style_kept"]["mean"] == pytest.approx(1)
    assert rows_by(table, "base alone")["subject_kept"]["mean"] < 0.999
    rows = rows_of(tmp_path / "out/images.csv")
    own = [row for row in rows if row["prompt"] == "a fox, in szn style"]
    assert len(own) == 2 * 2 * 4 and all(row["style_kept"] and not row["likeness"] and not row["subject_kept"] for row in own)
    alone = {row["seed"]: row["file"] for row in own if row["contender"] == "style alone"}
    for row in (row for row in own if row["contender"] == "direct"):
        own, of_lora = (tmp_path / "out" / file for file in (row["file"], alone[row["seed"]]))
        assert float(row["style_kept"]) == pytest.approx(pixels_cosine(own, of_lora), abs=1e-4)


def test_an_image_says_how_it_is_made_again(manifest, arguments, tmp_path):
    ziplora(*arguments(manifest()))
    row = next(row for row in rows_of(tmp_path / "out/images.csv") if row["contender"] == "ssr + joint" and row["seed"] == "3")
    ziplora("generate", "--like", tmp_path / "out" / row["file"], "-o", tmp_path / "again.png")
    assert abs(pixels(tmp_path / "again.png") - pixels(tmp_path / "out" / row["file"])).max() <= 1


def test_what_is_there_is_not_made_again(manifest, arguments, tmp_path):
    first = ziplora(*arguments(manifest(), "--only", "direct"))
    assert first["merged"] == 2 and first["drawn"] > 0
    again = ziplora(*arguments(manifest(), "--only", "direct"))
    assert again["merged"] == again["drawn"] == 0 and again["tables"] == first["tables"]
    # another method costs its own images alone: two pairs, three prompts, two seeds
    more = ziplora(*arguments(manifest(), "--only", "direct", "--only", "switch"))
    assert more["merged"] == 0 and more["drawn"] == 6
    seeds = ziplora(*arguments(manifest(seeds=[3, 11, 12]), "--only", "switch"))
    assert seeds["drawn"] == 3 * 4  # three bounds and the strategy
    other = ziplora(*arguments(manifest(), "--only", "direct", steps=3))
    assert other["merged"] == 0 and other["drawn"] == first["drawn"]


def test_a_changed_lora_is_merged_anew(manifest, arguments, folder, tmp_path):
    copy = tmp_path / "ink.safetensors"
    copy.write_bytes((folder / "ink.safetensors").read_bytes())
    styles = [{"name": "ink", "lora": str(copy), "prompt": "in szn style", "images": str(folder / "ink")}]
    assert ziplora(*arguments(manifest(styles=styles), "--only", "direct"))["merged"] == 2
    assert ziplora(*arguments(manifest(styles=styles), "--only", "direct"))["merged"] == 0
    copy.write_bytes((folder / "cat.safetensors").read_bytes())
    assert ziplora(*arguments(manifest(styles=styles), "--only", "direct"))["merged"] == 2


def test_parts_make_the_whole(manifest, arguments, tmp_path):
    file = manifest()
    for part in (1, 2):
        made = ziplora(*arguments(file, "--shard", f"{part}/2"))
        assert made["tables"] == [] and made["drawn"] > 0 and made["merged"] == 4
        assert not (tmp_path / "out/evaluation.json").exists()
    again = run_ziplora(*arguments(file, "--shard", "1/2"))
    assert again.stdout == "0 merges and 0 images made\n"
    whole = ziplora(*arguments(file))
    assert whole["merged"] == whole["drawn"] == 0 and len(whole["tables"]) == 3


def test_an_interrupted_comparison_goes_on(manifest, arguments, tmp_path):
    stopped = interrupt(arguments(manifest()), tmp_path, "merge and draw", 3)
    assert "run the same command again" in stopped["hint"]
    made = len(list((tmp_path / "out/images").glob("*.png")))
    assert made > 0
    rest = ziplora(*arguments(manifest()))
    assert steps_of(rest, "merge and draw")[-1] == (13, 13)  # of 16
    assert rest["drawn"] == len({row["file"] for row in rows_of(tmp_path / "out/images.csv")}) - made


def test_a_merge_that_is_interrupted_goes_on_where_it_was(manifest, arguments, tmp_path):
    """Not by merge's advice: this verb has no --resume."""
    methods = [{"method": "zip", "options": {"iterations": 150, "images": 1, "image-steps": 1, "evaluation-draws": 1}}]
    command = [*map(str, arguments(manifest(methods=methods), "--group", "A"))]
    process = subprocess.Popen([BUILD / "ziplora", *command, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:  # the base and each LoRA alone come before zip
        if json.loads(line).get("step") == 3:
            break
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    error = json.loads(process.stderr.read().splitlines()[-1])
    assert process.wait() == 130 and error["hint"] == "run the same command again: what is made is kept"
    assert list((tmp_path / "out/merges").glob("*.merge-state.safetensors"))
    assert ziplora(*command)["merged"] == 1 and not list((tmp_path / "out/merges").glob("*.merge-state.safetensors"))


def test_groups_leave_the_others_out(manifest, arguments, tmp_path):
    result = ziplora(*arguments(manifest(), "--only", "direct", "--group", "A"))
    assert result["merged"] == 1 and len(result["tables"]) == 1 and result["tables"][0]["pairs"] == 1


def test_a_group_is_told_as_among_all(manifest, arguments):
    """The true images of other groups stay something that its images may be nearer to."""
    everything = ziplora(*arguments(manifest(), "--only", "direct"))["tables"]
    [alone] = ziplora(*arguments(manifest(), "--only", "direct", "--group", "A"))["tables"]
    [among] = [table for table in everything if table["group"] == "A"]
    assert alone["rows"] == among["rows"] and "subject_told" in alone["rows"][0]


def test_an_image_that_cannot_be_read_is_refused_before_any_work(manifest, arguments, tmp_path):
    file = manifest()
    (tmp_path / "cat.png").write_bytes((tmp_path / "cat.png").read_bytes()[:40])
    for options in ((), ("--shard", "1/2")):
        error = ziplora_fails(3, *arguments(file, *options))
        assert "cat.png" in error["where"] and not list((tmp_path / "out").glob("*/*"))


def test_differences_are_against_the_best_sum(manifest, arguments):
    methods = [{"method": "direct"}, {"method": "direct", "strengths": [0.5, 1]}, {"strategy": "composite"}]
    result = ziplora(*arguments(manifest(methods=methods)))
    table = result["tables"][0]
    best = max(("direct", "direct 0.5, 1"), key=lambda name: rows_by(table, name)["likeness"]["mean"])
    of_likeness = {row["first"]: row for row in table["comparisons"] if row["of"] == "likeness"}
    assert {row["second"] for row in table["comparisons"]} == {best} and set(of_likeness) == {
        "direct", "direct 0.5, 1", "composite"} - {best}
    assert of_likeness["composite"]["difference"]["mean"] == pytest.approx(
        rows_by(table, "composite")["likeness"]["mean"] - rows_by(table, best)["likeness"]["mean"])


def in_browser(page):
    """The page's text after its scripts, and what they wrote on the console."""
    done = subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom",
                           page.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def test_the_report_draws_itself_in_a_browser(manifest, arguments, folder, tmp_path):
    hostile = "</script><b id=hurt>dog</b>"
    subjects = [{"name": hostile if name == "dog" else name, "lora": str(folder / f"{name}.safetensors"),
                 "prompt": f"a sks {name}", "images": str(folder / name)} for name in ("dog", "cat")]
    result = ziplora(*arguments(manifest(subjects=subjects, pairs=[{"subject": hostile, "style": "ink"},
                                                                   {"subject": "cat", "style": "ink"}])))
    page = tmp_path / "out/report.html"
    assert str(page) in result["files"] and page.stat().st_size < 3_000_000
    shown, console = in_browser(page)
    assert console == []
    assert shown.count("<svg") >= 3  # means, subject against style, differences
    assert "<b id=" not in shown and "&lt;/script&gt;" in shown
    for name in NAMES:
        assert f'<th scope="row">{name}</th>' in shown.replace('<th scope="row" colspan', ""), name
    assert shown.count('src="data:image/png;base64,') == 2 * len(NAMES)
    assert "ziplora merge --method ties --density 0.5 --subject SUBJECT --style STYLE -o MERGED" in shown


def test_what_is_told_lies_within_its_chart(manifest, arguments, folder, tmp_path):
    """Subject and style are both told where a second style's true images are known, too."""
    content = json.loads(manifest().read_text())
    styles = [content["styles"][0] | {"name": name} for name in ("ink", "pen")]
    colours = {"dog": (200, 40, 40), "cat": (40, 40, 200)}
    pairs = [{"subject": subject, "style": style, "truths": [
        flat_image(tmp_path / f"{subject}-{style}.png", tuple(c // 2 for c in colour) if style == "pen" else colour), None]}
        for subject, colour in colours.items() for style in ("ink", "pen")]
    result = ziplora(*arguments(manifest(styles=styles, pairs=pairs), "--only", "direct"))
    assert {"subject_told", "style_told"} <= rows_by(result["tables"][0], "direct").keys()
    shown, _ = in_browser(tmp_path / "out/report.html")
    plane = shown[shown.index('id="plane"'):shown.index('id="differences"')]
    places = [(float(x), float(y)) for x, y in re.findall(r'<circle[^>]* cx="([^"]+)" cy="([^"]+)"', plane)]
    assert len(places) == 4 and all(0 <= x <= 760 and 0 <= y <= 560 for x, y in places)


def test_a_console_error_would_be_seen(tmp_path):
    (tmp_path / "broken.html").write_text("<script>nothing.there()</script>")
    assert in_browser(tmp_path / "broken.html")[1]


@pytest.mark.parametrize("changes, options, exit_code, words", [
    ({"methods": [{"method": "drect"}]}, (), 2, "drect"),
    ({"methods": [{"method": "ties", "options": {"densty": 1}}]}, (), 2, "densty"),
    ({"methods": [{"strategy": "asymmetric-guidance"}]}, ("--guidance-scale", 1), 2, "unconditional"),
    ({"subjects": []}, (), 3, "subjects"),
    ({}, ("--only", "zipp"), 2, "zipp"),
    ({}, ("--protocol", "k-lora"), 2, "k-lora"),
    ({}, ("--group", "C"), 2, "'C'"),
    ({}, ("--shard", "3/2"), 2, "part 3 of 2"),
    ({}, ("--shard", "half"), 2, "expected a part"),
    ({}, ("--judge", "nowhere"), 3, "nowhere")])
def test_what_is_wrong_is_said_before_any_work(manifest, arguments, tmp_path, changes, options, exit_code, words):
    error = ziplora_fails(exit_code, *arguments(manifest(**changes), *options))
    assert words in error["where"] + error["problem"] and error["hint"]
    assert not list((tmp_path / "out").glob("*/*"))


def test_a_lora_that_does_not_fit_names_its_pair(manifest, arguments, folder, tmp_path):
    (tmp_path / "broken.safetensors").write_bytes(b"{}")
    styles = [{"name": "ink", "lora": str(tmp_path / "broken.safetensors"), "prompt": "in szn style",
               "images": str(folder / "ink")}]
    error = ziplora_fails(3, *arguments(manifest(styles=styles), "--only", "direct"))
    assert "broken.safetensors" in error["where"]
