"""SIGKILL at random moments of every verb that writes: what an out-of-memory killer, a cluster's scheduler or a pulled
plug does."""

import os
import random
import shutil
import subprocess
import time

import pytest
from jobs import JOBS, content, put_old_output
from reliability import FULL

KILLS = 100 if FULL else 3


@pytest.mark.promise("A killed run leaves nothing, the old output or the whole new one under the output's name, and the "
                     "next run finishes, to the same bytes, and removes what the dead one left.")
@pytest.mark.parametrize("name", JOBS)
def test_a_kill_loses_and_leaves_nothing(name, inputs, whole, tmp_path, trials):
    job, expected = JOBS[name], whole[name]
    seed = int(os.environ.get("ZIPLORA_TORTURE_SEED", time.time_ns() % 1_000_000))
    moments = random.Random(seed)
    for trial in range(KILLS):
        folder = tmp_path / str(trial)
        shutil.copytree(inputs, folder)
        before = put_old_output(job, folder, expected.content) if trial % 2 == 0 else {}
        moment = moments.uniform(0, expected.seconds)
        trials.append(f"{name} killed after {moment:.3f} s (seed {seed})")
        process = subprocess.Popen(job.command(folder), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(moment)
        process.kill()
        process.wait()
        assert content(folder / job.output) in (before, expected.content), trials[-1]
        finish(job, folder, expected, trials[-1])
        shutil.rmtree(folder)


def finish(job, folder, expected, trial):
    """Runs the command again, from the state that the dead run has saved if it says that there is one."""
    had_finished = (folder / job.output).is_dir()
    again = job.run(folder)
    if had_finished:  # killed between its last rename and its end; a folder is not overwritten
        assert again.returncode == 2 and "not overwritten" in again.stderr, f"{trial}: {again.stderr}"
    elif again.returncode != 0 and job.resume and "--resume" in again.stderr:
        again = job.run(folder, *job.resume)
    assert had_finished or again.returncode == 0, f"{trial}: {again.stderr}"
    assert content(folder / job.output) == expected.content, trial
    left = {path.name for path in folder.iterdir()} - expected.names
    assert not left, f"{trial}: left behind: {left}"
