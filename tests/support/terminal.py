"""Runs build/ziplora on a pseudo-terminal, as a person at a keyboard does.

    with Terminal("generate", "a ghost", …, columns=60) as terminal:
        terminal.wait_for("denoise")
        terminal.press("\\x03")                  # Ctrl-C
    assert terminal.exit_code == 130
"""

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time

from program import BUILD


class Terminal:
    def __init__(self, *arguments, columns=80, environment=None):
        self.arguments, self.columns = [str(argument) for argument in arguments], columns
        self.environment = {**os.environ, "TERM": "xterm", **(environment or {})}
        self.output, self.exit_code = "", None

    def __enter__(self):
        self.process, self.keyboard = pty.fork()
        if self.process == 0:  # the child; its terminal is the pseudo-terminal
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, self.columns, 0, 0))
            os.execve(BUILD / "ziplora", ["ziplora", *self.arguments], self.environment)
        return self

    def read(self, seconds) -> bool:
        """What has come by then; False once the program is gone."""
        if not select.select([self.keyboard], [], [], seconds)[0]:
            return True
        try:
            piece = os.read(self.keyboard, 65536)
        except OSError:  # the other end is closed
            piece = b""
        self.output += piece.decode(errors="replace")
        return bool(piece)

    def wait_for(self, text, seconds=120):
        end = time.monotonic() + seconds
        while text not in self.output:
            assert self.read(1) and time.monotonic() < end, f"no '{text}' in:\n{self.output}"

    def press(self, keys):
        os.write(self.keyboard, keys.encode())

    def __exit__(self, *failure):
        end = time.monotonic() + 120
        while failure == (None, None, None) and self.read(1) and time.monotonic() < end:
            pass
        finished, status = os.waitpid(self.process, os.WNOHANG if failure != (None, None, None) else 0)
        if finished == 0:
            os.kill(self.process, signal.SIGKILL)
            os.waitpid(self.process, 0)
        self.exit_code = os.waitstatus_to_exitcode(status)
        os.close(self.keyboard)
