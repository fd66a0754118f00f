"""The help of ziplora-mini, and slips on its command line."""

import subprocess
from pathlib import Path

import pytest
from program import BUILD, LABORATORY_VERBS, run_ziplora

ROOT = Path(__file__).resolve().parents[2]


def test_help_names_every_verb_and_the_exit_codes():
    done = subprocess.run([BUILD / "ziplora-mini", "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and "EXIT STATUS" in done.stdout
    for verb in LABORATORY_VERBS:
        assert f"\n  {verb} " in done.stdout


def test_a_slip_gets_a_proposal():
    done = subprocess.run([BUILD / "ziplora-mini", "pretrian"], capture_output=True, text=True)
    assert done.returncode == 2 and "did you mean 'ziplora-mini pretrain'?" in done.stderr


@pytest.mark.parametrize("verb", sorted(LABORATORY_VERBS))
def test_each_verbs_help_has_an_example(verb):
    done = run_ziplora(verb, "--help")
    assert done.returncode == 0 and done.stderr == ""
    assert f"EXAMPLE\n  ziplora-mini {verb} " in done.stdout and "EXIT STATUS" in done.stdout


def test_report_says_that_its_judge_is_missing_before_it_draws(tmp_path):
    done = run_ziplora("report", "--judge", tmp_path / "none", "-o", tmp_path / "out", cwd=ROOT)
    assert done.returncode == 3 and "none" in done.stderr and "hint" in done.stderr
    assert not (tmp_path / "out").exists()
