"""`--print-flags` tells programs what `--help` tells people: each verb, each flag, with its type and default."""

import json

import pytest
import torch
from program import run_ziplora, ziplora_fails
from test_command_line import VERBS

SAID = json.loads(run_ziplora("--print-flags").stdout)
FLAGS = {verb["name"]: verb["flags"] for verb in SAID["verbs"]}
FRAME = {"json", "report", "quiet", "verbose", "color", "config", "print_config", "help"}


def test_it_names_the_verbs_in_the_order_of_the_help():
    assert list(FLAGS) == VERBS


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_the_flags_of_its_help_and_none_of_the_frames(verb):
    text = run_ziplora(verb, "--help").stdout
    for flag in FLAGS[verb]:
        assert (flag["flag"] or f"\n  {flag['name']} ") in text
        assert flag["help"] and flag["type"] in ("boolean", "integer", "number", "string")
    assert not FRAME & {flag["name"] for flag in FLAGS[verb]}


@pytest.mark.parametrize("verb", VERBS)
def test_names_and_defaults_are_those_of_a_config(verb):
    config = json.loads(run_ziplora(verb, "--print-config").stdout)
    told = {flag["name"]: flag["default"] for flag in FLAGS[verb]}
    told.pop("like", None)  # names settings, and is none
    assert told == config


def test_types_forms_and_what_must_be_given():
    merge, generate = ({flag["name"]: flag for flag in FLAGS[verb]} for verb in ("merge", "generate"))
    assert (merge["output"]["flag"], merge["output"]["short_flag"], merge["output"]["required"]) == ("--output", "-o", True)
    assert (merge["seed"]["type"], merge["seed"]["default"], merge["seed"]["repeats"]) == ("integer", 0, False)
    assert (merge["subject_prompt"]["value_name"], merge["subject_prompt"]["repeats"]) == ("PROMPT", True)
    assert (generate["prompt"]["flag"], generate["prompt"]["repeats"]) == (None, True)
    assert (generate["karras"]["type"], generate["karras"]["off_flag"]) == ("boolean", "--no-karras")
    assert "like" in generate and generate["guidance_scale"]["type"] == "number"


def test_choices_are_the_rows_of_a_table():
    merge, convert = ({flag["name"]: flag for flag in FLAGS[verb]} for verb in ("merge", "convert"))
    known = ziplora_fails(2, "merge", "--method", "none", "--subject", "a", "-o", "b")["problem"].partition("known: ")[2]
    assert merge["method"]["choices"] == known.split(", ")
    assert convert["format"]["choices"][:2] == ["kohya", "kohya-diffusers"] and merge["rank"]["choices"] == []


def test_version_tells_which_torch_is_loaded():
    text = run_ziplora("--version").stdout
    assert text == f"ziplora {SAID['version']}, torch {torch.__version__} in {torch.__path__[0]}\n"
    assert SAID["torch"] == torch.__version__
