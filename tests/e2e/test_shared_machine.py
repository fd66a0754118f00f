"""Threads that wait must sleep, or a machine that does other work too is about ten times slower: `merge --method ties` of
two LoRAs with two threads beside two busy loops took 60 to 88 s, and takes 4 to 12. Tested is the setting, not the time."""

import os
import subprocess

import pytest
from program import command_line

SAYS = [{}, {"OMP_WAIT_POLICY": "active"}, {"OMP_WAIT_POLICY": "passive"}, {"GOMP_SPINCOUNT": "infinite"},
        {"GOMP_SPINCOUNT": "1000"}, {"GOMP_SPINCOUNT": ""}, {"GOMP_SPINCOUNTS": "7"}]


def start(*words, **changes):
    kept = {key: value for key, value in os.environ.items() if key not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}
    return subprocess.run(command_line(words), env=kept | changes, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("says", SAYS, ids=str)
def test_libgomp_is_told_to_spin_for_microseconds_whatever_the_environment_says(says):
    """libgomp itself shows what it has read."""
    done = start("--version", OMP_DISPLAY_ENV="verbose", **says)
    assert done.returncode == 0 and "GOMP_SPINCOUNT = '1000'" in done.stderr, done.stderr


def test_nothing_else_is_changed(tmp_path):
    """Words, environment and exit codes reach the program as they were given."""
    done = start("inspect", "no such file.safetensors", "", NO_COLOR="1", ODD="a=b=c")
    assert done.returncode in (2, 3) and "no such file.safetensors" in done.stderr, done.stderr
    named = subprocess.run([*command_line(["--version"])], env={}, capture_output=True, text=True)
    assert named.returncode == 0 and named.stdout == start("--version").stdout
