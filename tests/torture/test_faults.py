"""The n-th call of one function of libc fails, for every n, in every verb that writes (tests/support/faults)."""

import os
import shutil

import pytest
import torch
from jobs import JOBS, content, put_old_output
from program import BUILD
from reliability import FULL
from safetensors.torch import load

FAULTS = {
    "open": ("EACCES", "EIO"), "read": ("EIO", "EINTR", "short"), "write": ("ENOSPC", "short", "EIO", "EINTR"),
    "fsync": ("EIO", "ENOSPC"), "rename": ("EACCES", "EIO"), "mmap": ("ENOMEM",), "malloc": ("ENOMEM",)}
AT_SHORT_LENGTH = {"write": 2}  # the first ones, of the others the first one
HARMLESS = ("EINTR", "short")  # a caller tries again
ALLOWED = {1, 3, 5}  # failed, input missing, memory or disk exhausted


def places():
    """Every call at full length; else the first ones, then ever sparser."""
    place = 1
    while True:
        yield place
        place += 1 if FULL else place


@pytest.mark.promise("Whatever call that opens, reads, writes, syncs, renames or maps a file, or takes memory, fails, a run "
                     "ends with its exit code and an error that says why; the output is the old one or the whole new one "
                     "(the same to rounding where memory was short), and no temporary stays.")
@pytest.mark.parametrize("function", FAULTS)
@pytest.mark.parametrize("name", JOBS if FULL else ("direct", "train"))
def test_a_failing_call_is_an_error(name, function, inputs, whole, tmp_path, trials):
    job, expected = JOBS[name], whole[name]
    for fault in FAULTS[function] if FULL else FAULTS[function][:AT_SHORT_LENGTH.get(function, 1)]:
        for turn, place in enumerate(places()):
            folder = tmp_path / f"{fault}-{place}"
            shutil.copytree(inputs, folder)
            before = put_old_output(job, folder, expected.content) if turn % 2 == 0 else {}
            done = job.run(folder, env=os.environ | {
                "LD_PRELOAD": str(BUILD / "libfaults.so"), "ZIPLORA_FAULT": f"{function}:{place}:{fault}",
                "ZIPLORA_FAULT_FOLDER": str(folder)})
            if not (folder / "fault.fired").exists():
                assert done.returncode == 0, done.stderr
                break
            trials.append(f"{name}: {fault} at call {place} of {function}")
            check(done, folder / job.output, before, expected.content, fault, trials[-1])
            shutil.rmtree(folder)


def check(done, output, before, expected, fault, trial):
    said = f"{trial}: exit code {done.returncode}: {done.stderr}"
    made = content(output)
    if done.returncode == 0:
        assert made == expected or fault == "ENOMEM" and same_to_rounding(made, expected), said
    else:
        assert fault not in HARMLESS and done.returncode in ALLOWED, said
        assert "error: " in done.stderr and "hint: " in done.stderr, said
        assert made in (before, expected), said
    parts = [path for path in output.parent.rglob("*.part*")]
    assert not parts, f"{said}: left behind: {parts}"


def same_to_rounding(made, expected):
    """Without room for its scratch, LibTorch's oneDNN computes a product another way, and says nothing. What hangs on
    every bit, such as a digest in the metadata, differs, too."""
    assert made.keys() == expected.keys() == {""}
    one, other = (load(files[""]) for files in (made, expected))
    return one.keys() == other.keys() and all(torch.allclose(one[key].float(), other[key].float(), rtol=1e-3, atol=1e-4)
                                              for key in one)
