"""A file system of 64 KiB, of its own, for outputs that find no room; the fixture `disk` is one in tmp_path.

    with small_disk(tmp_path / "disk") as disk:   # None where the system allows nobody to mount one
        fill(disk.folder)
        disk.make_read_only()

Root mounts it. Anybody else does so in a namespace of their own, which a process that waits keeps open; from outside
its files are under /proc/<pid>/root.
"""

import os
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass
class SmallDisk:
    folder: Path  # to write to
    mount_point: Path  # the same in the namespace that `enter` goes to
    enter: tuple = ()

    def make_read_only(self):
        # The mount, not the file system, which no namespace of a user may change.
        subprocess.run([*self.enter, "mount", "-o", "remount,bind,ro", self.mount_point], check=True)


MOUNT = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs"]


@contextmanager
def small_disk(mount_point):
    mount_point.mkdir()
    if subprocess.run([*MOUNT, mount_point], capture_output=True).returncode == 0:
        try:
            yield SmallDisk(mount_point, mount_point)
        finally:
            subprocess.run(["umount", mount_point], check=True)
        return
    namespace = ["unshare", "--map-root-user", "--mount"]
    # cat waits for the end of its input, which leaving the block brings about.
    shell = ["sh", "-c", f'{" ".join(MOUNT)} "$0" && echo mounted && exec cat', mount_point]
    with subprocess.Popen([*namespace, *shell], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as holder:
        if holder.stdout.readline() != "mounted\n":
            yield None
            return
        enter = ("nsenter", "--target", str(holder.pid), "--user", "--mount", "--preserve-credentials")
        yield SmallDisk(Path(f"/proc/{holder.pid}/root{mount_point}"), mount_point, enter)


@pytest.fixture
def disk(tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        if disk is None:
            give_up = pytest.fail if os.environ.get("ZIPLORA_SKIP_NOTHING") else pytest.skip
            give_up("neither root nor a namespace of the user's own may mount a small file system here")
        yield disk


def fill(folder):
    with open(folder / "filler", "wb", buffering=0) as filler:
        while True:
            try:
                filler.write(bytes(4096))
            except OSError:
                return
