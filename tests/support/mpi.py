"""Starts build/ziplora as several processes of one MPI job.

    result = ziplora_by(2, "merge", "--method", "ssr", …)   # parsed --json of the leader
    process = start_mpi(2, "merge", …)                      # a Popen, with --json
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from program import command_line

# As root, as in a container; and more processes than cores.
ENVIRONMENT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMP_NUM_THREADS": "1",
               "OMPI_MCA_rmaps_base_oversubscribe": "1", "OMPI_MCA_hwloc_base_binding_policy": "none"}


def require_mpi():
    if shutil.which("mpirun"):
        return
    give_up = pytest.fail if os.environ.get("ZIPLORA_SKIP_NOTHING") else pytest.skip
    give_up("mpirun is not here: install openmpi-bin and libopenmpi-dev")


def mpirun(count, arguments) -> list:
    return ["mpirun", "-np", str(count), *map(str, command_line(arguments)), "--json"]


def start_mpi(count, *arguments, **options) -> subprocess.Popen:
    require_mpi()
    return subprocess.Popen(mpirun(count, arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env=os.environ | ENVIRONMENT, **options)


def ziplora_by(count, *arguments, **options) -> dict:
    process = start_mpi(count, *arguments, **options)
    stdout, stderr = process.communicate()
    assert process.returncode == 0, stderr
    return json.loads(stdout)  # of one process


def json_lines(text) -> list[dict]:
    """Those among the lines that are ziplora's."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def process_at(place, job: subprocess.Popen) -> int:
    """The number of the process that has this place in the job."""
    for folder in Path("/proc").iterdir():
        try:
            variables = (folder / "environ").read_bytes().split(b"\0") if folder.name.isdigit() else []
            parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1]) if variables else 0
        except OSError:  # it has just ended
            continue
        if parent == job.pid and f"OMPI_COMM_WORLD_RANK={place}".encode() in variables:
            return int(folder.name)
    raise AssertionError(f"no process {place} of mpirun {job.pid}")
