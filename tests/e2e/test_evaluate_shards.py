"""`ziplora evaluate` in parts: which part an engine has given, what a killed part, a full disk and two processes on one part
leave, and that gathering makes the tables of one process, or says what they lack."""

import fcntl
import json
import os
import shutil
import signal
import subprocess

import numpy as np
import pytest
from PIL import Image
from program import command_line, events, run_ziplora, texts_of, ziplora, ziplora_fails
from small_disk import disk, fill  # noqa: F401  (disk is a fixture)
from test_evaluate import folder, manifest  # noqa: F401  (fixtures)

METHODS = [{"method": "direct"}, {"method": "ties"}]


@pytest.fixture
def four_pairs(folder, manifest):  # noqa: F811
    """Two subjects, two styles, two contenders beside the three bounds: 20 images, 8 merges."""
    styles = [{"name": name, "lora": str(folder / f"{lora}.safetensors"), "prompt": f"in {name} style",
               "images": str(folder / "ink")} for name, lora in (("ink", "ink"), ("pen", "dog"))]
    return manifest(styles=styles, pairs=[{"subject": subject, "style": style} for subject in ("dog", "cat")
                                          for style in ("ink", "pen")],
                    prompts=["{subject}, {style}"], seeds=[3], methods=METHODS)


@pytest.fixture
def evaluate(folder, four_pairs):  # noqa: F811
    def of(output, *options):
        return ["evaluate", four_pairs, "--base", folder / "base", "--judge", "pixels", "--steps", 2, "--batch-size", 1, "-o",
                output, *options]
    return of


def slurm_array(task):
    """What Slurm 22.05 sets in a task of --array=2-8:2."""
    return os.environ | {f"SLURM_ARRAY_TASK_{name}": str(value) for name, value in
                         {"ID": task, "MIN": 2, "MAX": 8, "STEP": 2, "COUNT": 4}.items()}


def kill_in_the_middle(arguments, environment, after_step):
    process = subprocess.Popen([*command_line(arguments), "--json"], env=environment, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        event = json.loads(line)
        if event["event"] == "step" and event["step"] == after_step:
            process.kill()
            break
    process.stderr.read()
    assert process.wait() == -signal.SIGKILL


def test_four_tasks_of_an_array_one_killed_and_run_again_make_the_table_of_one_process(evaluate, tmp_path):
    whole = ziplora(*evaluate(tmp_path / "whole"))
    output = tmp_path / "parts"
    for place, task in enumerate((2, 4, 6, 8)):
        if task == 4:
            kill_in_the_middle(evaluate(output), slurm_array(task), after_step=2)
            continue
        done = run_ziplora(*evaluate(output), "--json", env=slurm_array(task))
        assert done.returncode == 0, done.stderr
        result = json.loads(done.stdout) | {"events": events(done)}
        assert f"part {place + 1} of 4: SLURM_ARRAY_TASK_ID={task} of 2-8:2 (Slurm array)" in texts_of(result, "note")
        assert result["tables"] == [] and result["drawn"] == 5
    for image in (output / "images").glob("*.png"):
        Image.open(image).load()
    left = {file.name for file in output.glob("*/*") if file.name.startswith(".")}

    done = run_ziplora(*evaluate(output, "--gather"), "--json")
    error, partial = events(done)[-1], json.loads(done.stdout)
    assert done.returncode == error["exit_code"] == 1 and "dog × pen: " in error["problem"] and "in 1 pairs" in error["problem"]
    assert [table["pairs"] for table in partial["tables"]] == [3] and partial["drawn"] == 0
    missing = sum(row["images"] for row in partial["missing"])
    assert 0 < missing <= 3 and f"{missing} of 20 images are missing" in error["problem"]
    assert {row["subject"] + row["style"] for row in partial["missing"]} == {"dogpen"}

    again = ziplora(*evaluate(output, "--shard", "2/4"))
    assert again["drawn"] == missing
    gathered = ziplora(*evaluate(output, "--gather"))
    assert gathered["drawn"] == gathered["merged"] == 0 and "missing" not in gathered
    assert gathered["tables"] == whole["tables"]
    assert not left & {file.name for file in output.glob("*/*")}  # what the killed one had begun


def test_folders_of_other_machines_are_taken_in(evaluate, tmp_path):
    a, b, both = tmp_path / "a", tmp_path / "b", tmp_path / "both"
    for folder, parts in ((a, ("1/2",)), (b, ("2/2", "1/2"))):
        for part in parts:
            ziplora(*evaluate(folder, "--shard", part))
    shared = sorted((a / "images").glob("*.png"))
    with Image.open(b / "images" / shared[0].name) as image:  # as a machine of another kind might draw it
        Image.fromarray(np.asarray(image) ^ 1).save(b / "images" / shared[0].name)
    (b / "merges/not-ours.safetensors").write_bytes(b"")
    result = ziplora(*evaluate(both, "--gather", "--take-in", a, "--take-in", b))
    assert "4 merges and 10 images taken in, 0 were here already" not in texts_of(result, "note")
    [note] = [text for text in texts_of(result, "note") if "taken in" in text]
    assert note.endswith(f"{len(shared) + len(list((a / 'merges').glob('*.json')))} were here already")
    [warning] = [text for text in texts_of(result, "warning") if "not the same" in text]
    assert warning.startswith("1 of what was here already")
    assert (both / "images" / shared[0].name).read_bytes() == shared[0].read_bytes()
    assert sorted(file.name for file in both.glob("images/*")) == sorted(file.name for file in b.glob("images/*"))
    assert not (both / "merges/not-ours.safetensors").exists()


def test_gathering_never_draws(evaluate, tmp_path):
    done = run_ziplora(*evaluate(tmp_path / "empty", "--gather"), "--json")
    assert done.returncode == 1 and json.loads(done.stdout)["tables"] == []
    assert "20 of 20 images are missing, in 4 pairs" in events(done)[-1]["problem"]
    assert not list((tmp_path / "empty").glob("*/*")) and not (tmp_path / "empty/evaluation.json").exists()


def test_a_part_on_a_full_disk_leaves_nothing_half_written(evaluate, tmp_path, disk):  # noqa: F811
    """The other part has room; the first goes on once it has some, too."""
    output = tmp_path / "out"
    ziplora(*evaluate(output, "--shard", "1/2"))
    (disk.folder / "out").mkdir()
    fill(disk.folder)
    error = ziplora_fails(5, *evaluate(disk.folder / "out", "--shard", "2/2"))
    assert "No space left on device" in error["problem"]
    assert not list((disk.folder / "out").glob("*/*"))
    ziplora(*evaluate(tmp_path / "elsewhere", "--shard", "2/2"))
    assert ziplora(*evaluate(output, "--gather", "--take-in", tmp_path / "elsewhere"))["tables"]


def test_a_merge_that_another_process_makes_is_waited_for(evaluate, tmp_path):
    output = tmp_path / "out"
    arguments = evaluate(output, "--only", "ties", "--shard", "1/4")
    ziplora(*arguments)
    [note] = (output / "merges").glob("*.json")
    made = tmp_path / "made"
    shutil.move(output / "merges", made)
    shutil.rmtree(output / "images")
    (output / "merges").mkdir()
    lock = output / "merges" / f".{note.stem}.lock"
    with open(lock, "w") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        holder.write("4711")
        holder.flush()
        process = subprocess.Popen([*command_line(arguments), "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True)
        for line in process.stderr:
            if "process 4711 makes ties of dog and ink" in line:
                break
        for file in made.iterdir():
            shutil.copy(file, output / "merges")
        lock.unlink()
    stdout, stderr = process.communicate()
    assert process.returncode == 0, stderr
    assert json.loads(stdout)["merged"] == 0 and json.loads(stdout)["drawn"] == 4 and not lock.exists()


@pytest.mark.parametrize("environment, options, words", [
    ({"JOB_COMPLETION_INDEX": "2"}, (), "Kubernetes does not say of how many"),
    ({}, ("--gather", "--shard", "1/2"), "gathering makes none"),
    ({}, ("--take-in", "out"), "to be gathered"),
    ({}, ("--gather", "--take-in", "nowhere"), "no output folder of evaluate")])
def test_slips_are_refused(evaluate, tmp_path, environment, options, words):
    done = run_ziplora(*evaluate(tmp_path / "out", *options), "--json", env=os.environ | environment)
    error = events(done)[-1]
    assert done.returncode == 2 and words in error["problem"] and error["hint"]
    assert not list((tmp_path / "out").glob("*/*"))


def test_one_process_of_a_step_is_the_whole(evaluate, tmp_path):
    environment = os.environ | {"SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "1", "SLURM_NTASKS": "1"}
    done = run_ziplora(*evaluate(tmp_path / "out", "--only", "base alone"), "--json", env=environment)
    assert done.returncode == 0 and len(json.loads(done.stdout)["tables"]) == 1
