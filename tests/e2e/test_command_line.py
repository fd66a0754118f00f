"""What all verbs share: help with exit codes, suggestions for typing errors, --config, --print-config, --json, --report."""

import json
import subprocess
from pathlib import Path

import pytest
import torch
from program import command_line, run_ziplora, ziplora, ziplora_fails
from safetensors.torch import save_file

ROOT = Path(__file__).resolve().parents[2]
VERBS = ["train", "merge", "generate", "evaluate", "inspect", "analyze", "convert"]


def test_help_names_every_verb_and_the_exit_codes():
    done = run_ziplora("--help")
    assert done.returncode == 0 and "EXIT STATUS" in done.stdout
    for verb in VERBS:
        assert f"\n  {verb} " in done.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_each_verbs_help_has_an_example_and_defaults(verb):
    done = run_ziplora(verb, "--help")
    assert done.returncode == 0 and done.stderr == ""
    assert f"EXAMPLE\n  ziplora {verb} " in done.stdout and "EXIT STATUS" in done.stdout


def test_trains_help_tells_the_papers_defaults_and_the_miniatures():
    """They are no defaults of the flags: what is left out is the base's to say."""
    text = " ".join(run_ziplora("train", "--help").stdout.split())
    assert "--rank INT Set the rank of the LoRA (default 64; the miniature: 8)" in text
    assert "--lr FLOAT Set the learning rate (default 5e-05; the miniature: 0.002)" in text
    assert "which the run folder keeps (default 100; the miniature: 12)" in text
    assert "Seed every random draw (default 0)" in text and "Mirror half of the views (default off)" in text
    assert "--optimizer NAME Update the factors by this rule: adam, adamw (default adam)" in text


def test_like_shows_its_settings_in_the_printed_config_and_flags_and_config_win(tmp_path):
    run_ziplora("generate", "a cat face", "--steps", "2", "--seed", "7", "-o", "cat.png", cwd=tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"seed": 8}))
    printed = run_ziplora("generate", "--like", "cat.png", "--config", "config.json", "--guidance-scale", "2", "--print-config",
                          cwd=tmp_path)
    config = json.loads(printed.stdout)
    assert (config["prompt"], config["steps"], config["seed"], config["guidance_scale"]) == (["a cat face"], 2, 8, 2)


@pytest.mark.parametrize("arguments, problem, hint", [
    (["generat"], "unknown command 'generat'", "did you mean 'ziplora generate'?"),
    (["merge", "--subjekt", "a"], "unknown flag '--subjekt'", "did you mean '--subject'?"),
])
def test_typing_errors_get_a_suggestion(arguments, problem, hint):
    error = ziplora_fails(2, *arguments)
    assert error["problem"] == problem and error["hint"] == hint


def test_names_that_begin_with_a_hyphen_stand_after_two(tmp_path):
    done = run_ziplora("inspect", "--json", "--", "-name.safetensors", cwd=tmp_path)
    error = json.loads(done.stderr.splitlines()[-1])
    assert (done.returncode, error["where"]) == (3, "read -name.safetensors"), done.stderr
    error = ziplora_fails(2, "inspect", "-name.safetensors", cwd=tmp_path)
    assert error["problem"].startswith("unknown flag '-")


def run_in_deleted_folder(arguments, tmp_path):
    (tmp_path / "gone").mkdir()
    shell = ["sh", "-c", 'rmdir "$PWD" && exec "$@"', "sh", *command_line(arguments)]
    return subprocess.run(shell, cwd=tmp_path / "gone", capture_output=True, text=True)


@pytest.mark.parametrize("arguments", [["--version"], ["train", "--help"], ["merge", "--print-config", "-o", "a"]])
def test_a_folder_that_was_deleted_is_no_hindrance(arguments, tmp_path):
    done = run_in_deleted_folder(arguments, tmp_path)
    assert done.returncode == 0 and done.stdout, done.stderr


def test_what_is_written_into_a_deleted_folder_goes_nowhere_else(tmp_path):
    layer = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k"
    save_file({f"{layer}.lora_down.weight": torch.ones(1, 2048), f"{layer}.lora_up.weight": torch.ones(640, 1)},
              tmp_path / "dog.safetensors")
    output = Path(f"{tmp_path.name}.safetensors")
    done = run_in_deleted_folder(["convert", tmp_path / "dog.safetensors", "-o", output], tmp_path)
    elsewhere = Path("/") / output
    found = elsewhere.exists()
    elsewhere.unlink(missing_ok=True)
    assert done.returncode == 1 and not found, done.stderr


def test_an_error_of_parsing_is_json_too():
    error = ziplora_fails(2, "generate", "a ghost", "--steps", "many", "-o", "ghost.png")
    assert "--steps" in error["problem"]


def test_a_printed_config_runs_again_unchanged(tmp_path):
    flags = ["generate", "a ghost", "--steps", "7", "--adapter", "a.safetensors:0.5", "-o", "ghost.png"]
    printed = json.loads(run_ziplora(*flags, "--print-config").stdout)
    assert printed["steps"] == 7 and printed["adapter"] == ["a.safetensors:0.5"]
    (tmp_path / "config.json").write_text(json.dumps(printed))
    again = run_ziplora("generate", "--config", tmp_path / "config.json", "--print-config")
    assert json.loads(again.stdout) == printed
    wins = run_ziplora("generate", "--config", tmp_path / "config.json", "--steps", "9", "--print-config")
    assert json.loads(wins.stdout) == printed | {"steps": 9}


def test_the_report_is_the_json_result(tmp_path):
    import torch
    from safetensors.torch import save_file
    target = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q"
    save_file({f"{target}.lora_down.weight": torch.randn(2, 640), f"{target}.lora_up.weight": torch.randn(640, 2),
               f"{target}.alpha": torch.tensor(2.0)}, tmp_path / "lora.safetensors")
    result = ziplora("inspect", tmp_path / "lora.safetensors", "--report", tmp_path / "report.json")
    del result["events"]
    assert json.loads((tmp_path / "report.json").read_text()) == result
    nowhere = tmp_path / "missing" / "report.json"
    ziplora_fails(1, "inspect", tmp_path / "lora.safetensors", "--report", nowhere)
    assert str(nowhere) in ziplora_fails(1, "inspect", tmp_path / "none", "--report", nowhere)["where"], "the work came first"


BRACKETED = ["[a fox, in ink]", "[a]", "a [fox]", "[]", "[[a], b]"]


@pytest.mark.parametrize("prompt", BRACKETED)
def test_a_prompt_in_brackets_stays_one_prompt(prompt, tmp_path):
    printed = json.loads(run_ziplora("generate", prompt, "another", "-o", "x.png", "--print-config").stdout)
    assert printed["prompt"] == [prompt, "another"]
    (tmp_path / "config.json").write_text(json.dumps(printed))
    again = json.loads(run_ziplora("generate", "--config", tmp_path / "config.json", "--print-config").stdout)
    assert again["prompt"] == [prompt, "another"]


@pytest.mark.parametrize("flag, verb", [("--adapter-prompt", "merge"), ("--subject-prompt", "merge"),
                                        ("--prompt", "train"), ("--negative-prompt", "generate")])
def test_options_in_brackets_stay_whole(flag, verb):
    for words in ([flag, "[a fox, in ink]"], [f"{flag}=[a fox, in ink]"]):
        printed = json.loads(run_ziplora(verb, *words, "-o", "x", "--print-config").stdout)
        value = printed[flag.strip("-").replace("-", "_")]
        assert value in ("[a fox, in ink]", ["[a fox, in ink]"])


def test_an_unknown_word_in_brackets_is_shown_as_it_was_typed():
    assert ziplora_fails(2, "[generate]")["problem"] == "unknown command '[generate]'"
