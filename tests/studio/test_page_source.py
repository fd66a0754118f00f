"""The page's source: it passes the type checker, names no option that the program lacks, and brings nothing from elsewhere."""

import gzip
import json
import re
import subprocess
from pathlib import Path

from program import run_ziplora

PAGE = Path(__file__).resolve().parents[2] / "studio/page"


def npm(*words):
    done = subprocess.run(["npm", "--silent", *words], cwd=PAGE, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_types_agree():
    npm("run", "check")


def test_the_bundle_is_one_small_file_that_asks_for_nothing_else():
    built = PAGE / "dist/index.html"
    if not built.exists():
        npm("run", "build")
    page = built.read_text()
    assert len(gzip.compress(page.encode())) < 300_000
    assert set(re.findall(r"https?://[\w./-]+", page)) <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xhtml",
                                                           "http://www.w3.org/1998/Math/MathML", "http://www.w3.org/1999/xlink"}
    assert page.count("<script") == page.count('<script nonce="__ZIPLORA_NONCE__"') == 1
    assert page.count("__ZIPLORA_TOKEN__") == 1


def test_the_lock_file_names_no_registry():
    lock = json.loads((PAGE / "package-lock.json").read_text())
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]
    wanted = json.loads((PAGE / "package.json").read_text())
    for group in ("dependencies", "devDependencies"):
        for name, version in wanted[group].items():
            assert lock["packages"][f"node_modules/{name}"]["version"] == version


def test_options_that_the_page_places_are_the_programs():
    flags = {verb["name"]: {flag["name"] for flag in verb["flags"]} for verb in json.loads(run_ziplora("--print-flags").stdout)["verbs"]}
    layout = (PAGE / "src/forms/layout.ts").read_text()
    placed = re.findall(r"^  (\w+): \[(.*)\],$", layout, re.MULTILINE)
    assert len(placed) == 8
    for verb, names in placed:
        assert set(re.findall(r'"(\w+)"', names)) <= flags[verb], verb
    presets = re.findall(r"^    values: \{(.*)\},$", (PAGE / "src/train/presets.ts").read_text(), re.MULTILINE)
    assert len(presets) == 3
    for values in presets:
        assert set(re.findall(r"(\w+):", values)) <= flags["train"]
