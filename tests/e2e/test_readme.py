"""The README's commands are ones that the program takes: each is parsed by the real thing, and what it promises to be
there is there."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from program import run_ziplora
from test_command_line import VERBS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def indented_commands():
    """The lines of code blocks that are typed, not printed: after "$ ", or in a block without any."""
    for block in re.findall(r"(?:^    .*\n?)+", README, flags=re.MULTILINE):
        lines = [line.strip() for line in block.splitlines()]
        typed = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        yield from typed or [line for line in lines if re.match(r"(make|git|cd|build/ziplora|ziplora) ", line)]


def commands_in_text():
    for text in re.findall(r"`((?:build/)?ziplora [^`]*)`", README):
        if not re.search(r"[<…]", text):
            yield text


COMMANDS = list(indented_commands()) + list(commands_in_text())
OURS = sorted({text for text in COMMANDS if re.match(r"(build/)?ziplora ", text)})
TARGETS = sorted({word for text in COMMANDS + re.findall(r"`(make [\w-]+)`", README)
                  for word in re.findall(r"\bmake ([\w-]+)", text)})


def test_the_commands_are_found():
    verbs = {shlex.split(text, comments=True)[1] for text in OURS}
    assert {"train", "merge", "generate", "inspect"} <= verbs and {"demo", "test"} <= set(TARGETS)


@pytest.mark.parametrize("text", OURS)
def test_ziplora_takes_the_command(text):
    _, *words = shlex.split(text.split(" | ")[0], comments=True)
    done = run_ziplora(*words, "--print-config")
    assert done.returncode == 0, f"{text}\n{done.stderr}"
    assert json.loads(done.stdout)


@pytest.mark.parametrize("target", TARGETS)
def test_make_knows_the_target(target):
    done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("flag", sorted(set(re.findall(r"`(--[a-z-]+)", README))))
def test_every_flag_that_is_named_exists(flag):
    helps = [run_ziplora(verb, "--help").stdout for verb in VERBS]
    assert any(re.search(rf"{flag}\b", text) for text in helps)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\((?!http)([^)#]+)\)", README))))
def test_links_lead_somewhere(path):
    assert (ROOT / path).exists()
