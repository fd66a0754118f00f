"""Runs a verb of the program with --json, and passes on what it tells."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import threading
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import IO, Any, Union

from ziplora.errors import Error, ZiploraWarning
from ziplora.events import Event, Progress
from ziplora.program import cannot_start, program_and_environment
from ziplora.progress_line import ProgressLine, is_seen
from ziplora.result import Result

FilePath = Union[str, os.PathLike[str]]


@dataclass(frozen=True)
class Flag:
    """A flag as the program has it; of a positional, `on` is empty. `off` is what turns a switch off, if anything does."""

    name: str
    on: str
    off: str = ""

    def words(self, value: Any) -> list[str]:
        if value is None:
            return []
        if isinstance(value, bool):
            word = self.on if value else self.off
            return [word] if word else []
        values = [value] if isinstance(value, (str, os.PathLike)) or not isinstance(value, Iterable) else list(value)
        texts = [os.fspath(one) if isinstance(one, os.PathLike) else str(one) for one in values]
        return [f"{self.on}={text}" for text in texts] if self.on else texts


def command_words(flags: Sequence[Flag], values: dict[str, Any]) -> list[str]:
    words = [word for flag in flags if flag.on for word in flag.words(values[flag.name])]
    # Names that begin with a hyphen are names behind "--".
    return [*words, "--", *(word for flag in flags if not flag.on for word in flag.words(values[flag.name]))]


SECONDS_OF_WAITING = 0.5


class _Listener:
    """Reads the events of stderr, each a line of JSON; other lines are those of the loader and of libraries."""

    def __init__(self, progress: Progress, stderr: IO[str]) -> None:
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=self._pump, args=(stderr,), daemon=True).start()
        self._waiting = getattr(progress, "waiting", None)
        line = ProgressLine() if progress is True or (progress is None and is_seen()) else None
        self._tell = progress if callable(progress) else line
        self._line, self.error, self.stray = line, None, []  # type: ProgressLine | None, dict[str, Any] | None, list[str]

    def _pump(self, stderr: IO[str]) -> None:
        for text in stderr:
            self._lines.put(text)
        self._lines.put(None)

    def _next_line(self, quietly: bool) -> str | None:
        while True:
            try:
                return self._lines.get(timeout=None if quietly or not self._waiting else SECONDS_OF_WAITING)
            except queue.Empty:
                self._waiting()

    def read(self, quietly: bool = False) -> None:
        """To the end of stderr; quietly, it calls nobody."""
        while (text := self._next_line(quietly)) is not None:
            try:
                said = json.loads(text)
                kind = said["event"]
            except (ValueError, TypeError, KeyError):
                self.stray.append(text)
                continue
            if kind == "error":
                self.error = said
            elif not quietly:
                self._hear(Event.from_json(said))

    def _hear(self, event: Event) -> None:
        if event.kind == "warning":
            self.clear()
            warnings.warn(event.text, ZiploraWarning, stacklevel=5)  # of the call to the verb
        if self._tell:
            self._tell(event)

    def clear(self) -> None:
        if self._line:
            self._line.clear()


def _error_of(process: subprocess.Popen[str], listener: _Listener, printed: str) -> Error:
    code, said = process.returncode, listener.error
    result = json.loads(printed) if printed.startswith("{") else None
    if said:
        return Error(said["kind"], said["where"], said["problem"], said["hint"], exit_code=code, result=result)
    stray = "".join(listener.stray[-5:]).strip()
    if code < 0:
        name = signal.Signals(-code).name
        return Error("failed", "run ziplora", f"the program was ended by {name}" + (f": {stray}" if stray else ""),
                     "SIGKILL often means that no memory was left" if code == -signal.SIGKILL else "", exit_code=code)
    return Error("failed", "run ziplora", stray or f"the program ended with exit code {code}",
                 "pip install --force-reinstall ziplora" if "shared libraries" in stray or "symbol" in stray else "",
                 exit_code=code)


def _stop(process: subprocess.Popen[str], listener: _Listener) -> None:
    """Asks the program to stop at its next step, where it leaves what can be resumed. A second Ctrl-C ends it."""
    try:
        process.terminate()
        listener.read(quietly=True)
        process.wait()
    except KeyboardInterrupt:
        process.kill()
        process.wait()


def run(verb: str, flags: Sequence[Flag], values: dict[str, Any], progress: Progress = None) -> Result:
    """Runs a verb to its end; `ziplora.merge` and its like call it.

    @throws Error             what the program refused
    @throws KeyboardInterrupt after Ctrl-C, once the program has stopped; its cause is an Error whose hint says how to go on
    """
    program, environment = program_and_environment()
    command = [str(program), verb, "--json", *command_words(flags, values)]
    printed: list[str] = []
    try:
        # In a session of its own Ctrl-C reaches it through us alone; the second one would kill it at once.
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=environment, encoding="utf-8", errors="replace", start_new_session=True)
    except OSError as refused:
        raise cannot_start(program, refused.strerror or str(refused)) from refused
    with process:
        assert process.stdout and process.stderr
        listener = _Listener(progress, process.stderr)
        reader = threading.Thread(target=lambda out: printed.append(out.read()), args=(process.stdout,), daemon=True)
        reader.start()
        try:
            listener.read()
            process.wait()
        except BaseException as reason:
            _stop(process, listener)
            if isinstance(reason, KeyboardInterrupt) and listener.error:
                raise KeyboardInterrupt(listener.error["hint"]) from _error_of(process, listener, "")
            raise
        finally:
            listener.clear()
            reader.join()
    if process.returncode != 0:
        raise _error_of(process, listener, printed[0])
    return Result(verb, json.loads(printed[0]))
