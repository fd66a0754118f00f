"""Every flag of every verb with values that nobody means. What comes of it is a result or an error of the user's kind, never
the end by a signal or the exit code that is for our own bugs."""

import json
import os
import shutil
import subprocess

import pytest
from program import run_ziplora
from reliability import FULL

VERBS = {verb["name"]: verb["flags"] for verb in json.loads(run_ziplora("--print-flags").stdout)["verbs"]}
VALUES = {
    "integer": ["-1", "0", "2147483648", "9223372036854775807", "-9223372036854775808", "18446744073709551615"],
    "number": ["-1", "0", "-0.0", "1e-320", "1e30", "1e308", "-1e308"],
    "boolean": [None],
    "string": ["", "x", "/dev/null", ".", "nowhere/x", "empty", "binary", "text.json", "cut.safetensors", "photos", "base",
               "ink.safetensors", "1:2", "a=b", "=", ":", "0,1", "1,nan", "x:nan", "0.5;1", "{", "[]", "{}", "-", "\x1b[2J", "é" * 300]}
OF_THE_USER = {0, 1, 2, 3, 4, 5, 6}
FEWER = 2  # at short length, of the flags one of so many, with one value


def commands(inputs):
    pair = ["--subject", inputs / "dog.safetensors", "--style", inputs / "ink.safetensors"]
    base = ["--base", inputs / "base"]
    learned = ["--images", 1, "--image-steps", 1, "--iterations", 1, "--evaluation-draws", 1]
    merge, merged = ["merge", *pair, *base, "--method"], ["--output", "merged.safetensors"]
    return {
        "train": [["train", inputs / "photos", "--prompt", "a sks dog", *base, "--iterations", 1, "--rank", 2, "--class-prompt", "a dog",
                   "--prior-images", 1, "--output", "trained.safetensors"]],
        "merge": [[*merge, "zip", *learned, *merged], *([*merge, method, "--context-steps", 1, *merged] for method in ("ssr", "route", "zip-solve")),
                  *([*merge, method, *merged] for method in ("direct", "ties", "dare-linear", "block", "lora-optimizer", "knots"))],
        "generate": [["generate", "a ghost", *base, "--steps", 1, "--output", "ghost.png", *more]
                     for more in ([], ["--adapter", inputs / "dog.safetensors"], [*pair, "--strategy", "switch"], ["--grid"])],
        "evaluate": [["evaluate", inputs / "pairs.json", *base, "--judge", "pixels", "--steps", 1, "--output", "pairs"]],
        "inspect": [["inspect", inputs / "dog.safetensors", inputs / "ink.safetensors"]],
        "analyze": [["analyze", inputs / "dog.safetensors", inputs / "ink.safetensors"]],
        "convert": [["convert", inputs / "dog.safetensors", *base, "--output", "converted.safetensors"],
                    ["convert", "--bake", inputs / "dog.safetensors", "--into", inputs / "base", "--output", "baked"],
                    ["convert", "--extract", inputs / "base", "--from", inputs / "base", "--rank", 2, "--output", "extracted.safetensors"]]}


@pytest.fixture(scope="module")
def pairs(inputs):
    """A manifest of one pair beside the inputs."""
    concept = {"name": "dog", "lora": "dog.safetensors", "prompt": "a sks dog", "images": "photos"}
    style = {"name": "ink", "lora": "ink.safetensors", "prompt": "in szn style", "images": "photos"}
    (inputs / "pairs.json").write_text(json.dumps({
        "subjects": [concept], "styles": [style], "prompts": ["{subject}, {style}"], "seeds": [1], "methods": [{"method": "direct"}]}))
    yield inputs
    (inputs / "pairs.json").unlink()


def without(command, flag):
    """What it is usually given."""
    if flag not in command:
        return command
    place = command.index(flag)
    return command[:place] + command[place + 2:]


def put_hostile_files(folder, inputs):
    (folder / "empty").touch()
    (folder / "binary").write_bytes(os.urandom(3000))
    (folder / "text.json").write_text('{"a": [1, {"b": null}]}')
    (folder / "cut.safetensors").write_bytes((inputs / "dog.safetensors").read_bytes()[:500])
    # Copies, since some flags write: what they are given must not be what other runs read.
    for name in ("photos", "base"):
        shutil.copytree(inputs / name, folder / name)
    shutil.copy(inputs / "ink.safetensors", folder)


@pytest.mark.promise("Whatever value a flag is given, a run ends with a result or an error of the user's kind: the exit code of our "
                     "own bugs is for those alone.")
@pytest.mark.parametrize("verb", VERBS)
def test_a_hostile_value_is_no_bug_of_ours(verb, pairs, tmp_path, trials):
    usual = commands(pairs)[verb]
    flags = VERBS[verb] if FULL else VERBS[verb][::FEWER]
    for place, flag in enumerate(flags):
        values = [*VALUES[flag["type"]], *flag["choices"]]
        for turn, value in enumerate(values if FULL else values[place % len(values)::len(values)]):
            folder = tmp_path / f"{place}-{turn}"
            folder.mkdir()
            put_hostile_files(folder, pairs)
            said = value or "" if flag["flag"] is None else flag["flag"] if value is None else f"{flag['flag']}={value}"
            command = without(usual[(place + turn) % len(usual)], flag["flag"])
            trials.append(f"{verb} {said}")
            try:
                done = run_ziplora(*command, said, cwd=folder, timeout=20)
            except subprocess.TimeoutExpired:  # 2 147 483 648 iterations are what was asked for
                continue
            assert done.returncode in OF_THE_USER, f"{trials[-1]}: exit code {done.returncode}: {done.stderr}"
            assert done.returncode == 0 or "error: " in done.stderr, f"{trials[-1]}: {done.stderr}"
