"""Numbers of flags are read exactly or refused, and absurd ones are refused before memory is asked for."""

import json
import re

import pytest
from program import run_ziplora, ziplora_fails
from small_inputs import make_small_inputs

VERBS = ["train", "merge", "generate", "convert"]
NO_NUMBER = {"INT": ["nan", "9abc", "1e3", "0x10", "1.5", "99999999999999999999", ""],
             "FLOAT": ["nan", "-inf", "9abc", "1e999", "0x1p3", "1,5", ""]}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return make_small_inputs(tmp_path_factory.mktemp("inputs"))


def numeric_flags(verb):
    """(flag, type) of each, as the verb's help has them."""
    return re.findall(r"^ +(?:-\w,)?(--[\w-]+) U?(INT|FLOAT)\b", run_ziplora(verb, "--help").stdout, re.MULTILINE)


@pytest.mark.promise("Numbers of flags are read exactly or refused.")
@pytest.mark.parametrize("verb", VERBS)
def test_what_is_no_number_is_refused_by_every_flag(verb, tmp_path):
    flags = numeric_flags(verb)
    assert len(flags) >= 2
    for position, (flag, kind) in enumerate(flags):
        values = NO_NUMBER[kind]
        for value in {values[0], values[1 + position % (len(values) - 1)]}:  # every value, at one flag or another
            error = ziplora_fails(2, verb, f"{flag}={value}", "-o", tmp_path / "out.safetensors")
            assert flag in error["where"] + error["problem"], (flag, value, error)


def test_a_leading_zero_is_not_octal():
    printed = json.loads(run_ziplora("generate", "a", "-o", "a.png", "--seed", "010", "--steps", "+08", "--print-config").stdout)
    assert printed["seed"] == 10 and printed["steps"] == 8


@pytest.mark.parametrize("command", [["generate", "a", "-o", "a.png"], ["merge", "-o", "a.safetensors"]])
def test_a_seed_has_64_bits(command):
    """Other programs write such seeds into their files."""
    printed = run_ziplora(*command, "--seed", 2**64 - 1, "--print-config")
    assert printed.returncode == 0 and json.loads(printed.stdout)["seed"] == 2**64 - 1, printed.stderr
    for seed in (-1, 2**64):
        error = ziplora_fails(2, *command, f"--seed={seed}")
        assert f"'{seed}' is not a whole number of at least 0" in error["problem"]


def test_a_config_is_held_to_the_same(tmp_path):
    for settings in ({"seed": -1}, {"guidance_scale": "nan"}, {"steps": "1e3"}, {"steps": 1.5}, {"images": 1e300}):
        (tmp_path / "config.json").write_text(json.dumps(settings))
        ziplora_fails(2, "generate", "a", "-o", tmp_path / "a.png", "--config", tmp_path / "config.json")


ABSURD = {
    "generate --images": 10**9, "generate --height": 8 * 10**8, "generate --width": 8 * 10**15, "generate --steps": 10**9,
    "train --views": 10**9, "train --rank": 10**9, "train --batch-size": 10**9, "train --resolution": 8 * 10**8,
    "train --prior-images": 10**9, "train --gradient-accumulation": 10**15, "train --iterations": 10**18,
    "zip --images": 10**9, "zip --batch-size": 10**9, "zip --evaluation-draws": 10**12, "zip --image-size": 8 * 10**8,
    "zip --image-steps": 10**9, "zip --iterations": 10**18, "generate --initial-noise": "{inputs}/dog.safetensors:9999999999",
}


@pytest.mark.promise("Absurd numbers are refused before memory is asked for.")
@pytest.mark.parametrize("flag", ABSURD)
def test_an_absurd_number_is_refused_before_memory_is_asked_for(flag, inputs, tmp_path):
    verb, name = flag.split()
    base = ["--base", inputs / "base"]
    command = {
        "generate": ["generate", "a", *base, "-o", tmp_path / "out.png"],
        "train": ["train", inputs / "photos", "--prompt", "a", "--class-prompt", "b", "--run-folder", tmp_path / "run", *base,
                  "-o", tmp_path / "out.safetensors"],
        "zip": ["merge", "--method", "zip", "--subject", inputs / "dog.safetensors", "--style", inputs / "ink.safetensors",
                "--subject-prompt", "a", "--style-prompt", "b", *base, "-o", tmp_path / "out.safetensors"],
    }[verb]
    if name != "--steps" and verb == "generate":
        command += ["--steps", 1]
    done = run_ziplora(*command, name, str(ABSURD[flag]).format(inputs=inputs), "--json", timeout=60)
    assert done.returncode in ((2, 3) if name == "--initial-noise" else (2,)), done.stderr
    assert not list(tmp_path.glob("out*"))
