"""`cmake --install` makes a prefix that runs from any folder, with the checkout moved away: only LibTorch stays."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from program import BUILD

ROOT = Path(__file__).resolve().parents[2]
# Puts an empty file system over the checkout, in a namespace of the test's own, and lets LibTorch show through.
MOVED_AWAY = """
set -e
mkdir "$1/venv" && mount --bind "$2/.venv" "$1/venv"
mount -t tmpfs tmpfs "$2" && mkdir "$2/.venv" && mount --bind "$1/venv" "$2/.venv"
shift 2
exec "$@"
"""
PHOTO = "demo/subject/1.png"


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """Installed in one folder, then moved to another."""
    folder = tmp_path_factory.mktemp("install")
    subprocess.run(["cmake", "--install", BUILD, "--prefix", folder / "first"], check=True, capture_output=True)
    (folder / "first").rename(folder / "moved")
    return folder / "moved"


@pytest.fixture
def without_checkout(prefix, tmp_path):
    def run(*arguments):
        command = ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--mount", "sh", "-c", MOVED_AWAY,
                   "sh", tmp_path, ROOT, prefix / "bin/ziplora", *map(str, arguments), "--json"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env={"OMP_NUM_THREADS": "1"})

    probe = run("generate", "a ghost", "--steps", 1, "-o", "probe.png")
    if "Operation not permitted" in probe.stderr and not os.environ.get("ZIPLORA_SKIP_NOTHING"):
        pytest.skip("no namespace may be made here")
    return run


def test_the_main_job_runs_without_the_checkout(prefix, without_checkout, tmp_path):
    def ziplora(*arguments):
        done = without_checkout(*arguments)
        (tmp_path / "venv").rmdir()  # the next run mounts there anew
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    (tmp_path / "venv").rmdir()
    photos, quick = prefix / "share/ziplora" / PHOTO, ("--iterations", 1, "--rank", 2)
    ziplora("train", photos, "--prompt", "a sks animal", *quick, "-o", "subject.safetensors")
    ziplora("train", photos, "--prompt", "in szn style", *quick, "-o", "style.safetensors")
    ziplora("merge", "--subject", "subject.safetensors", "--style", "style.safetensors", "-o", "merged.safetensors")
    made = ziplora("generate", "a sks animal, in szn style", "--adapter", "merged.safetensors", "--steps", 1, "--grid",
                   "-o", "grid.png")
    assert Path(made["base"]) == prefix / "share/ziplora/mini"
    assert (tmp_path / "grid.png").stat().st_size > 1000
    assert ziplora("inspect", "merged.safetensors")["defects"] == 0


def test_nothing_but_the_programs_and_their_assets_is_installed(prefix):
    assert {path.name for path in (prefix / "bin").iterdir()} == {"ziplora", "ziplora-studio"}
    assert {path.name for path in prefix.iterdir()} == {"bin", "share"}
    for path in (ROOT / "assets").rglob("*"):
        assert (prefix / "share/ziplora" / path.relative_to(ROOT / "assets")).exists(), path
