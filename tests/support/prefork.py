"""Runs build/ziplora and its sisters without paying for LibTorch's initialisers each time: one process of each program
has loaded everything and forks a child for each run (prefork/prefork.cpp).

    done = run_preforked(BUILD / "ziplora", ["inspect", "cat.safetensors"], cwd=folder)   # as subprocess.run
    done.peak_memory_bytes

What a run sees is what it would see when started anew, but for the environment, which is the session's: runs that need
another one, a terminal, limits or signals are started for real (program.py).
"""

import os
import signal
import socket
import struct
import subprocess
import tempfile
from pathlib import Path

PRELOADED = "libprefork.so"


def environment() -> dict[str, str]:
    """Without the name of the running test, which pytest puts there: with it, every test would start programs anew."""
    return {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}


class Prefork:
    def __init__(self, program: Path):
        preloaded = program.parent / PRELOADED
        assert program.exists() and preloaded.exists(), f"build {program.name} first, with -DZIPLORA_BUILD_TESTS=ON"
        self.socket, theirs = socket.socketpair()
        self.environment = environment()
        with theirs:
            self.process = subprocess.Popen([program], pass_fds=[theirs.fileno()], env=self.environment | {
                "LD_PRELOAD": str(preloaded), "ZIPLORA_PREFORK_FD": str(theirs.fileno())})

    def receive(self, form):
        data = self.socket.recv(struct.calcsize(form), socket.MSG_WAITALL)
        assert len(data) == struct.calcsize(form), f"{self.process.args[0]} does not run: {self.process.wait()}"
        return struct.unpack(form, data)[0]

    def run(self, arguments, cwd, timeout) -> subprocess.CompletedProcess:
        words = [os.fspath(cwd or os.getcwd()), *arguments]
        request = b"".join(os.fsencode(word) + b"\0" for word in words)
        with open(os.devnull) as stdin, tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
            files = [file.fileno() for file in (stdin, stdout, stderr)]
            socket.send_fds(self.socket, [struct.pack("I", len(request))], files)
            self.socket.sendall(request)
            pid = self.receive("i")
            status = self.wait(pid, arguments, timeout)
            peak_kilobytes = self.receive("q")
            texts = []
            for file in (stdout, stderr):
                file.seek(0)
                texts.append(file.read().decode())
        done = subprocess.CompletedProcess(arguments, os.waitstatus_to_exitcode(status), *texts)
        done.peak_memory_bytes = peak_kilobytes << 10
        return done

    def wait(self, pid, arguments, timeout):
        self.socket.settimeout(timeout)
        try:
            return self.receive("i")
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
            self.socket.settimeout(None)
            self.receive("i"), self.receive("q")
            raise subprocess.TimeoutExpired(arguments, timeout) from None
        finally:
            self.socket.settimeout(None)


PREFORKS: dict[Path, Prefork] = {}


def run_preforked(program: Path, arguments, cwd=None, timeout=None) -> subprocess.CompletedProcess:
    """@param arguments  the program's name as the first one"""
    prefork = PREFORKS.get(program)
    if prefork is None or prefork.environment != environment() or prefork.process.poll() is not None:
        PREFORKS[program] = prefork = Prefork(program)
    return prefork.run([str(argument) for argument in arguments], cwd, timeout)
