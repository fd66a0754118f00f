"""Runs build/ziplora as a user does, or build/ziplora-mini for the verbs that are its.

    result = ziplora("generate", "a ghost", "--base", folder, "-o", tmp_path / "ghost.png")   # parsed --json
    error = ziplora_fails(2, "generate", "a ghost", "--scheduler", "eular", "-o", tmp_path / "ghost.png")
"""

import json
import os
import signal
import subprocess
from pathlib import Path

from prefork import run_preforked

BUILD = Path(os.environ.get("ZIPLORA_BUILD", Path(__file__).resolve().parents[2] / "build"))


LABORATORY_VERBS = {"world", "pretrain", "report", "regimes"}


def command_line(arguments) -> list:
    laboratory = bool(arguments) and arguments[0] in LABORATORY_VERBS
    return [BUILD / ("ziplora-mini" if laboratory else "ziplora"), *map(str, arguments)]


def run_ziplora(*arguments, **options) -> subprocess.CompletedProcess:
    """Options are those of subprocess.run; `cwd` and `timeout` alone need no program started anew."""
    if options.keys() <= {"cwd", "timeout"}:
        program, *words = command_line(arguments)
        return run_preforked(program, [program, *words], **options)
    return subprocess.run(command_line(arguments), capture_output=True, text=True, **options)


def events(done: subprocess.CompletedProcess) -> list[dict]:
    return [json.loads(line) for line in done.stderr.splitlines()]


def steps_of(result: dict, stage: str) -> list[tuple[int, int]]:
    """(step, total) of each step that was reported of a stage."""
    return [(event["step"], event["total"]) for event in result["events"]
            if event["event"] == "step" and event["stage"] == stage]


def texts_of(result: dict, kind: str) -> list[str]:
    """What was said in events of a kind, which is "note" or "warning"."""
    return [event["text"] for event in result["events"] if event["event"] == kind]


def ziplora(*arguments, **options) -> dict:
    """The result that --json prints. `events` in it are those of stderr."""
    done = run_ziplora(*arguments, "--json", **options)
    assert done.returncode == 0, f"exit code {done.returncode}:\n{done.stderr}"
    return json.loads(done.stdout) | {"events": events(done)}


def ziplora_fails(exit_code: int, *arguments, **options) -> dict:
    """The error event (where, problem, hint); nothing may be on stdout."""
    done = run_ziplora(*arguments, "--json", **options)
    assert done.returncode == exit_code, f"exit code {done.returncode}:\n{done.stderr}"
    assert done.stdout == ""
    error = events(done)[-1]
    assert error["event"] == "error" and error["exit_code"] == exit_code
    return error


def act_in_the_middle(exit_code: int, action, arguments, folder, stage: str, after_step: int) -> dict:
    """Calls action(process) once a step of the stage is reported, upon which the program fails. Returns the error event."""
    process = subprocess.Popen([*command_line(arguments), "--json"], cwd=folder,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    event = {}
    for line in process.stderr:
        event = json.loads(line)
        if event["event"] == "step" and event["stage"] == stage and event["step"] == after_step:
            action(process)
    assert process.wait() == exit_code and process.stdout.read() == ""
    return event


def interrupt(arguments, folder, stage: str, after_step: int) -> dict:
    """Sends Ctrl-C then."""
    return act_in_the_middle(130, lambda process: process.send_signal(signal.SIGINT), arguments, folder, stage, after_step)
