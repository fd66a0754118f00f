"""Two runs write the same output at the same time."""

import shutil
import subprocess

import pytest
from jobs import JOBS, content
from reliability import FULL

ROUNDS = 20 if FULL else 1


@pytest.mark.promise("Of two runs that write one output at the same time, one whole output stays; a run that cannot go on "
                     "beside the other says so.")
@pytest.mark.parametrize("name", JOBS)
def test_two_writers(name, inputs, whole, tmp_path, trials):
    job, expected = JOBS[name], whole[name]
    for trial in range(ROUNDS):
        folder = tmp_path / str(trial)
        shutil.copytree(inputs, folder)
        trials.append(name)
        both = [subprocess.Popen(job.command(folder), cwd=folder, stderr=subprocess.PIPE, text=True) for _ in range(2)]
        errors = [process.communicate()[1] for process in both]
        codes = sorted(process.returncode for process in both)
        assert codes[0] == 0 and codes[1] in (0, 1, 2, 3), errors
        assert content(folder / job.output) == expected.content
        assert {path.name for path in folder.iterdir()} <= expected.names
        shutil.rmtree(folder)
