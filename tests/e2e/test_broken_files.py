"""The program reads broken files: each has its own clear error and the right exit code; no crash, no hang, little memory."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from broken_files import BROKEN, ODD
from broken_files.layers import other_pair
from program import BUILD, events, run_ziplora, ziplora
from safetensors.torch import save_file

SECONDS = 20  # a machine under load; each takes a fraction of one
MEMORY_BYTES = 700 << 20  # LibTorch alone takes about 150 MB


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    path = tmp_path_factory.mktemp("good") / "good.safetensors"
    save_file(other_pair(), path)
    return path


def ids(entry):
    return entry.name


@pytest.mark.parametrize("broken", BROKEN, ids=ids)
def test_it_is_refused_with_its_own_error(broken, good, tmp_path):
    (tmp_path / "broken").mkdir()
    path, out = broken.write(tmp_path / "broken"), tmp_path / "out.safetensors"
    done = run_ziplora("merge", "--subject", good, "--style", path, "--method", "direct", "-o", out, "--json",
                       timeout=SECONDS)
    assert done.returncode == broken.exit_code, done.stderr[-2000:]
    error = events(done)[-1]
    assert error["event"] == "error" and error["exit_code"] == broken.exit_code
    assert error["where"] and error["problem"] and error["hint"]
    assert broken.says in error["problem"] + "\n" + error["hint"], error
    assert len(error["problem"]) < 1500 and (error["problem"] + error["hint"]).replace("\n", "").isprintable()
    assert 0 < done.peak_memory_bytes < MEMORY_BYTES
    assert not out.exists()


def test_inspect_says_the_same_of_each(good, tmp_path):
    """All in one run, so that a file that harms the program shows in the files after it."""
    paths = []
    for n, broken in enumerate(BROKEN):
        (tmp_path / str(n)).mkdir()
        paths.append(broken.write(tmp_path / str(n)))
    done = run_ziplora("inspect", *paths, good, "--json", timeout=600)
    assert done.returncode == BROKEN[0].exit_code
    *reports, last = json.loads(done.stdout)["files"]
    assert last["layers"] == 1 and last["defects"] == []
    wrong = []
    for broken, report in zip(BROKEN, reports, strict=True):
        error = report.get("error")
        said = [error["problem"] + error["hint"]] if error else [d["problem"] + d["hint"] for d in report["defects"]]
        right_code = error is None or error["exit_code"] == broken.exit_code
        if not right_code or not any(broken.says in text for text in said):
            wrong.append((broken.name, error or said))
    assert wrong == []


@pytest.mark.parametrize("odd", ODD, ids=ids)
def test_what_only_looks_wrong_is_taken(odd, good, tmp_path):
    path = odd.write(tmp_path)
    report = ziplora("inspect", path, timeout=SECONDS)["files"][0]
    assert report["layers"] == odd.layers
    assert [d for d in report["defects"] if d["kind"] not in ("dead", "uneven-alpha")] == []
    ziplora("merge", "--subject", good, "--style", path, "--method", "direct", "-o", tmp_path / "out.safetensors",
            timeout=SECONDS)


def test_a_file_that_one_may_not_read(good, tmp_path):
    secret = shutil.copy(good, tmp_path / "secret.safetensors")
    os.chmod(secret, 0)
    # root reads everything unless it gives up that right
    powerless = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    if powerless and subprocess.run([*powerless, "true"], capture_output=True).returncode != 0:
        pytest.skip("setpriv cannot drop root's rights here")
    done = subprocess.run([*powerless, BUILD / "ziplora", "inspect", secret, "--json"], capture_output=True, text=True)
    assert done.returncode == 3, done.stderr
    assert "you do not have permission to read this file" in events(done)[-1]["problem"]


def test_escape_codes_in_names_stay_out_of_the_terminal(tmp_path):
    broken = next(entry for entry in BROKEN if entry.name == "spelling/escape-codes-in-a-name")
    done = run_ziplora("merge", "--subject", broken.write(tmp_path), "--method", "direct", "-o", tmp_path / "out")
    assert "\x1b" not in done.stdout + done.stderr and "\\x1b[2J" in done.stderr


def test_the_corpus_is_as_large_as_promised():
    names = [entry.name for entry in [*BROKEN, *ODD]]
    assert len(BROKEN) >= 200 and len(set(names)) == len(names)
