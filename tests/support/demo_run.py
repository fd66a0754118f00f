"""`make demo`, run once for every test that looks at what it leaves.

    def test_it_draws_a_sheet(demo):              # the folder
    def test_what_it_says(demo_run):              # the folder, what it printed, and the commands it ran
"""

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


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory) -> DemoRun:
    if BUILD != ROOT / "build":
        pytest.skip("the demo builds and runs build/ziplora")
    folder = tmp_path_factory.mktemp("demo") / "out"
    done = subprocess.run([ROOT / "tools/demo.sh", folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    commands = [shlex.split(line)[2:] for line in done.stderr.splitlines() if line.startswith("$ ziplora ")]
    return DemoRun(folder, done.stdout, commands)


@pytest.fixture(scope="session")
def demo(demo_run) -> Path:
    return demo_run.folder
