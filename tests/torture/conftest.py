import shutil
import time
from dataclasses import dataclass

import pytest
from jobs import JOBS, content
from small_inputs import make_small_inputs


@dataclass
class Whole:
    """What a job makes when nothing disturbs it."""
    content: dict
    names: set  # of all that then lies in its folder
    seconds: float


@pytest.fixture(scope="session")
def inputs(tmp_path_factory):
    return make_small_inputs(tmp_path_factory.mktemp("torture"))


@pytest.fixture(scope="session")
def whole(inputs, tmp_path_factory):
    return {name: run_whole(job, inputs, tmp_path_factory.mktemp("whole") / name) for name, job in JOBS.items()}


def run_whole(job, inputs, folder):
    shutil.copytree(inputs, folder)
    started = time.monotonic()
    done = job.run(folder)
    assert done.returncode == 0, done.stderr
    return Whole(content(folder / job.output), {path.name for path in folder.iterdir()}, time.monotonic() - started)
