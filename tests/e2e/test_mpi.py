"""`mpirun -np 2 ziplora merge` and `train`: two processes come to what one comes to with the batch of both, one of them
writes, and what one fails or dies of leaves a clear error and a state to go on from."""

import json
import os
import signal
import subprocess

import pytest
import torch
from mpi import ENVIRONMENT, json_lines, mpirun, process_at, require_mpi, start_mpi, ziplora_by
from program import BUILD, ziplora
from safetensors import safe_open
from safetensors.torch import load_file
from small_inputs import make_small_inputs


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    require_mpi()
    return make_small_inputs(tmp_path_factory.mktemp("inputs"))


def merge(inputs, method, output, *options):
    return ["merge", "--method", method, "--subject", inputs / "dog.safetensors", "--style", inputs / "ink.safetensors", "--base",
            inputs / "base", "--joint-prompt", "a sks dog, a sks ink", "--file-dtype", "float32", *options, "-o", output]


def zip_command(inputs, output, *options, iterations=2):
    return merge(inputs, "zip", output, "--iterations", iterations, "--images", 1, "--image-steps", 1, "--evaluation-draws", 1,
                 "--joint-weight", 1, *options)


def distance(file, other) -> float:
    """Relative, of all tensors together."""
    a, b = load_file(file), load_file(other)
    assert a.keys() == b.keys()
    difference = sum((a[name].double() - b[name].double()).square().sum() for name in a)
    return (difference / sum(tensor.double().square().sum() for tensor in b.values())).sqrt().item()


def recipe_of(file):
    with safe_open(file, "pt") as opened:
        return json.loads(opened.metadata()["ziplora.recipe"])


def test_two_processes_learn_the_coefficients_of_one_with_the_batch_of_both(inputs, tmp_path):
    together = ziplora_by(2, *zip_command(inputs, tmp_path / "two.safetensors", "--batch-size", 1))
    alone = ziplora(*zip_command(inputs, tmp_path / "one.safetensors", "--batch-size", 2))
    learned = tmp_path / "two.coefficients.safetensors"
    assert distance(learned, tmp_path / "one.coefficients.safetensors") < 1e-6
    assert (torch.cat(list(load_file(learned).values())) - 1).abs().max() > 0.01
    for name, fidelity in alone["fidelity"].items():  # of one half of the rows it differs by tens of percent
        assert together["fidelity"][name] == pytest.approx(fidelity, rel=1e-3)
    assert [row["loss"] for row in together["history"]] == pytest.approx([row["loss"] for row in alone["history"]], rel=1e-3)
    two, one = recipe_of(tmp_path / "two.safetensors"), recipe_of(tmp_path / "one.safetensors")
    assert two.pop("result") and one.pop("result") and two == one and json.dumps(two).count('"batch-size": 2') == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "one.coefficients.safetensors", "one.safetensors", "two.coefficients.safetensors", "two.safetensors"]


@pytest.mark.parametrize("method, processes, images", [("ssr", 3, 2), ("route", 2, 3), ("zip-solve", 2, 2)])
def test_moments_are_those_of_the_images_of_all(method, processes, images, inputs, tmp_path):
    """Of two images in each context, the third process has none; of three, the second has one."""
    options = ("--context-images", images, "--context-steps", 2)
    ziplora_by(processes, *merge(inputs, method, tmp_path / "two.safetensors", *options))
    ziplora(*merge(inputs, method, tmp_path / "one.safetensors", *options))
    assert distance(tmp_path / "two.safetensors", tmp_path / "one.safetensors") < 1e-6


def train(inputs, output, *options):
    return ["train", inputs / "photos", "--prompt", "a sks dog", "--base", inputs / "base", "--rank", 2, "--iterations", 3,
            "--class-prompt", "a dog", "--prior-images", 2, "--file-dtype", "float32", *options, "-o", output]


def test_two_processes_train_the_lora_of_one_with_the_batch_of_both(inputs, tmp_path):
    two, one = tmp_path / "two", tmp_path / "one"
    result = ziplora_by(2, *train(inputs, "lora.safetensors", "--batch-size", 1, "--checkpoint-every", 2), cwd=make(two))
    ziplora(*train(inputs, "lora.safetensors", "--batch-size", 2, "--checkpoint-every", 2), cwd=make(one))
    assert result["settings"]["batch_size"] == 2
    assert distance(two / "lora.safetensors", one / "lora.safetensors") < 1e-6
    files = [{str(path.relative_to(folder)) for path in folder.rglob("*")} for folder in (two, one)]
    assert files[0] == files[1]


def make(folder):
    folder.mkdir()
    return folder


def test_a_process_that_fails_ends_the_job_with_its_error(inputs, tmp_path):
    """The second learns on images that are not there."""
    good = zip_command(inputs, tmp_path / "out.safetensors")
    bad = [*good[:-2], "--subject-images", tmp_path / "nowhere", *good[-2:]]
    done = subprocess.run([*mpirun(1, good), ":", *mpirun(1, bad)[1:]], capture_output=True, text=True,
                          env=os.environ | ENVIRONMENT)
    errors = [line for line in json_lines(done.stderr) if line["event"] == "error"]
    assert done.returncode != 0 and done.stdout == "" and len(errors) == 2
    assert any("nowhere" in error["where"] for error in errors)
    [told] = [error for error in errors if error["where"] == "process 2 of 2"]
    assert "nowhere" in told["problem"] and told["exit_code"] == 3
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def uninterrupted(inputs, tmp_path_factory):
    output = tmp_path_factory.mktemp("uninterrupted") / "out.safetensors"
    ziplora_by(2, *zip_command(inputs, output, iterations=12))
    return output.with_suffix(".coefficients.safetensors")


@pytest.mark.parametrize("place", [0, 1])
def test_a_job_that_loses_a_process_or_is_told_to_stop_goes_on_where_it_was(place, inputs, uninterrupted, tmp_path):
    """SIGKILL takes the second away; SIGTERM asks the first to stop, as an engine does before the time is up."""
    command = zip_command(inputs, tmp_path / "out.safetensors", iterations=12)
    job = start_mpi(2, *command)
    for line in job.stderr:
        if line.startswith("{") and json.loads(line).get("stage") == "zip" and json.loads(line).get("step") == 3:
            os.kill(process_at(place, job), (signal.SIGTERM, signal.SIGKILL)[place])
            break
    errors = [line for line in json_lines(job.stderr.read()) if line["event"] == "error"]
    assert job.wait() != 0 and "--resume" in errors[-1]["hint"], errors
    assert (tmp_path / "out.merge-state.safetensors").exists() and not (tmp_path / "out.safetensors").exists()
    assert ziplora_by(2, *command, "--resume")["iterations"] == 12
    assert distance(tmp_path / "out.coefficients.safetensors", uninterrupted) == 0
    assert not list(tmp_path.glob("*.merge-state.*"))


def test_a_program_without_mpi_says_so(inputs, tmp_path):
    """That of the wheel: each process would do and write the same."""
    program = BUILD / "python/ziplora/bin/ziplora"
    if not program.exists():
        pytest.skip("the wheel's program is not built")
    done = subprocess.run([program, *map(str, zip_command(inputs, tmp_path / "out.safetensors")), "--json"], capture_output=True,
                          text=True, env=os.environ | {"OMPI_COMM_WORLD_SIZE": "2",
                                                       "LD_LIBRARY_PATH": os.path.dirname(torch.__file__) + "/lib"})
    error = json.loads(done.stderr.splitlines()[-1])
    assert done.returncode == 2 and "without MPI" in error["problem"] and "libopenmpi-dev" in error["hint"]
