"""`make demo`, run once for every test that looks at what it leaves, in whichever worker of pytest-xdist.

    def test_it_draws_a_sheet(demo):              # the folder
    def test_what_it_says(demo_run):              # the folder, what it printed, and the commands it ran
"""

import fcntl
import json
import os
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from program import BUILD

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class DemoRun:
    folder: Path
    printed: str
    commands: list[list[str]]  # the words of each, without "ziplora"


def folder_of_all_workers(tmp_path_factory) -> Path:
    """pytest-xdist gives each worker a folder of its own inside it."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory) -> DemoRun:
    if BUILD != ROOT / "build":
        pytest.skip("the demo builds and runs build/ziplora")
    place = folder_of_all_workers(tmp_path_factory) / "demo"
    place.mkdir(exist_ok=True)
    with open(place / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # who comes second waits for the first one's run
        if not (place / "run.json").exists():
            done = subprocess.run([ROOT / "tools/demo.sh", place / "out"], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            commands = [shlex.split(line)[2:] for line in done.stderr.splitlines() if line.startswith("$ ziplora ")]
            (place / "run.json").write_text(json.dumps([done.stdout, commands]))
    printed, commands = json.loads((place / "run.json").read_text())
    return DemoRun(place / "out", printed, commands)


@pytest.fixture(scope="session")
def demo(demo_run) -> Path:
    return demo_run.folder
