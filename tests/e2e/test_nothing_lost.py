"""Whatever ends `train` or `merge --method zip`, what was learned stays: killed at any moment, without room for the
result, with names of any bytes. A resumed run ends with the bytes of one that was never stopped, and a state that is not
exactly as it was written is refused."""

import hashlib
import json
import os
import shlex
import shutil
import signal
import struct

import pytest
from noise_photo import save_noise_photo
from program import act_in_the_middle, interrupt, steps_of, texts_of, ziplora, ziplora_fails
from safetensors import safe_open
from small_disk import disk, fill  # noqa: F401  (disk is a fixture)
from small_inputs import make_small_inputs

OFTEN = ["--checkpoint-minutes", 1e-9]  # after the first iteration, and then whenever saving takes a fiftieth of the time


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return make_small_inputs(tmp_path_factory.mktemp("inputs"))


def training(inputs, *options, output="dog.safetensors", iterations=30, lr=1e-2):
    return ["train", inputs / "photos", "--prompt", "a sks dog", "--base", inputs / "base", "--rank", 2, "--lr", lr,
            "--iterations", iterations, "-o", output, *options]


def merging(inputs, *options, output="out.safetensors", iterations=30):
    return ["merge", "--method", "zip", "--subject", inputs / "dog.safetensors", "--style", inputs / "ink.safetensors",
            "--base", inputs / "base", "--images", 1, "--image-steps", 1, "--evaluation-draws", 1, "--iterations", iterations,
            "-o", output, *options]


@pytest.fixture(scope="module")
def trained(inputs, tmp_path_factory):
    """The bytes that an uninterrupted run writes."""
    folder = tmp_path_factory.mktemp("trained")
    ziplora(*training(inputs), cwd=folder)
    return (folder / "dog.safetensors").read_bytes()


@pytest.fixture(scope="module")
def merged(inputs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("merged")
    ziplora(*merging(inputs), cwd=folder)
    return contents(folder)


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def kill(process):
    process.send_signal(signal.SIGKILL)


# By time

def test_checkpoints_by_time_change_nothing_and_go_when_the_result_is_safe(inputs, trained, merged, tmp_path):
    for folder in ("train", "zip"):
        (tmp_path / folder).mkdir()
    ziplora(*training(inputs, *OFTEN), cwd=tmp_path / "train")
    assert contents(tmp_path / "train") == {"dog.safetensors": trained}
    ziplora(*merging(inputs, *OFTEN), cwd=tmp_path / "zip")
    assert contents(tmp_path / "zip") == merged


def test_checkpoints_that_were_asked_for_stay(inputs, trained, tmp_path):
    ziplora(*training(inputs, *OFTEN, "--checkpoint-every", 10), cwd=tmp_path)
    assert (tmp_path / "dog.safetensors").read_bytes() == trained
    assert sorted(file.name for file in (tmp_path / "runs/dog").glob("*.safetensors")) == [
        f"checkpoint-0000{n}.safetensors" for n in (10, 20, 30)]


@pytest.mark.promise("A killed training goes on where it last saved, to the same bytes.")
def test_a_killed_training_goes_on_where_it_was(inputs, trained, tmp_path):
    run = tmp_path / "runs/dog"
    act_in_the_middle(-9, kill, training(inputs, *OFTEN), tmp_path, "train", after_step=12)
    last = sorted(run.glob("checkpoint-*.safetensors"))[-1]
    assert not (tmp_path / "dog.safetensors").exists()
    error = ziplora_fails(2, *training(inputs, *OFTEN), cwd=tmp_path)
    assert "earlier run" in error["problem"] and "--resume runs/dog" in error["hint"]
    result = ziplora("train", "--resume", "runs/dog", cwd=tmp_path)
    assert steps_of(result, "train")[0][0] == int(last.stem.split("-")[1]) + 1 > 1
    assert (tmp_path / "dog.safetensors").read_bytes() == trained
    assert not list(run.glob("checkpoint-*.safetensors"))
    ziplora(*training(inputs, *OFTEN), cwd=tmp_path)


@pytest.mark.promise("A killed zip goes on where it last saved, to the same bytes.")
def test_a_killed_merge_goes_on_where_it_was(inputs, merged, tmp_path):
    act_in_the_middle(-9, kill, merging(inputs, *OFTEN), tmp_path, "zip", after_step=12)
    state = tmp_path / "out.merge-state.safetensors"
    assert state.exists() and not (tmp_path / "out.safetensors").exists()
    before = state.read_bytes()
    error = ziplora_fails(2, *merging(inputs), cwd=tmp_path)
    assert "interrupted merge" in error["problem"] and "--resume" in error["hint"] and state.read_bytes() == before
    result = ziplora(*merging(inputs), "--resume", cwd=tmp_path)
    assert 1 < result["history"][0]["iteration"] <= 30
    assert contents(tmp_path) == merged


def test_a_checkpoint_by_time_that_finds_no_room_does_not_end_the_run(inputs, trained, tmp_path):
    (tmp_path / "runs").write_text("not a folder")
    result = ziplora(*training(inputs, *OFTEN), cwd=tmp_path)
    warnings = texts_of(result, "warning")
    assert warnings and "training goes on" in warnings[0]
    assert (tmp_path / "dog.safetensors").read_bytes() == trained


# The last write

def hinted(error) -> list[str]:
    return shlex.split(error["hint"].split("go on with: ziplora ")[1])


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@pytest.mark.promise("A training whose output folder has gone is kept, and the error says how to finish it.")
def test_a_training_whose_folder_is_gone_is_not_lost(inputs, trained, tmp_path):
    (tmp_path / "loras").mkdir()
    error = act_in_the_middle(1, lambda process: (tmp_path / "loras").rmdir(),
                              training(inputs, output="loras/dog.safetensors"), tmp_path, "train", after_step=1)
    assert error["hint"].startswith("mkdir -p loras; 30 iterations are kept; ")
    assert hinted(error) == ["train", "--resume", "runs/dog"]
    (tmp_path / "loras").mkdir()
    result = ziplora(*hinted(error), cwd=tmp_path)
    assert steps_of(result, "train") == [] and (tmp_path / "loras/dog.safetensors").read_bytes() == trained
    assert not list(tmp_path.glob("runs/dog/*.safetensors"))


def test_where_the_run_folder_has_no_room_either_the_training_is_kept_elsewhere(inputs, trained, temporary, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    error = act_in_the_middle(1, lambda process: work.rmdir(), training(inputs, output=work / "dog.safetensors"), work,
                              "train", after_step=1)
    command = hinted(error)
    assert command[2].startswith(str(temporary / "ziplora-kept.")) and command[3:] == ["-o", str(work / "dog.safetensors")]
    work.mkdir()
    assert steps_of(ziplora(*command, cwd=tmp_path), "train") == []
    assert (work / "dog.safetensors").read_bytes() == trained


@pytest.mark.promise("A full disk at the last write costs no iteration.")
def test_a_full_disk_costs_no_iteration(inputs, trained, disk, tmp_path):
    error = act_in_the_middle(5, lambda process: fill(disk.folder),
                              training(inputs, output=disk.folder / "dog.safetensors"), tmp_path, "train", after_step=1)
    assert "No space left on device" in error["problem"]
    assert hinted(error)[:3] == ["train", "--resume", "runs/dog"]
    result = ziplora("train", "--resume", "runs/dog", "-o", "dog.safetensors", cwd=tmp_path)
    assert steps_of(result, "train") == [] and (tmp_path / "dog.safetensors").read_bytes() == trained


@pytest.mark.promise("A merge whose output folder has gone is kept, and the error says how to finish it.")
def test_a_merge_whose_folder_is_gone_is_not_lost(inputs, merged, temporary, tmp_path):
    (tmp_path / "loras").mkdir()
    command = merging(inputs, output="loras/out.safetensors")
    error = act_in_the_middle(1, lambda process: (tmp_path / "loras").rmdir(), command, tmp_path, "zip", after_step=1)
    (kept,) = temporary.glob("ziplora-kept.*/out.merge-state.safetensors")
    assert f"the merge state is in {kept}; move it to loras/out.merge-state.safetensors" in error["hint"]
    (tmp_path / "loras").mkdir()
    shutil.move(kept, tmp_path / "loras")
    assert ziplora(*command, "--resume", cwd=tmp_path)["history"] == []
    assert contents(tmp_path / "loras") == merged


# Values and names

@pytest.mark.parametrize("lr", [1e-6, 1e-12])
def test_factors_too_small_for_half_precision_are_written_all_the_same(inputs, tmp_path, lr):
    result = ziplora(*training(inputs, iterations=2, lr=lr), cwd=tmp_path)
    warnings = texts_of(result, "warning")
    with safe_open(tmp_path / "dog.safetensors", "pt") as file:
        factors = [file.get_tensor(name) for name in file.keys() if "alpha" not in name]
    in_float32 = str(factors[0].dtype) == "torch.float32"
    assert in_float32 == any("written in float32" in warning for warning in warnings)
    assert in_float32 or lr > 1e-10
    assert all(factor.any() for factor in factors)


def bytes_path(folder, name: bytes) -> str:
    return os.fsdecode(os.fsencode(folder) + b"/" + name)


def test_names_of_any_bytes_are_trained_on_written_and_resumed(inputs, trained, tmp_path):
    photos, output = bytes_path(tmp_path, b"ph\xf6tos"), bytes_path(tmp_path, b"caf\xe9.safetensors")
    shutil.copytree(inputs / "photos", photos)
    command = ["train", photos, "--prompt", "a sks dog", "--base", inputs / "base", "--rank", 2,
               "--iterations", 12, "-o", output]
    ziplora(*command, cwd=tmp_path)
    whole = open(output, "rb").read()
    header = json.loads(whole[8:8 + struct.unpack("<Q", whole[:8])[0]])["__metadata__"]
    assert header["ss_output_name"] == "caf\ufffd"
    os.unlink(output)
    interrupt(command, tmp_path, "train", after_step=4)
    run = bytes_path(tmp_path, b"runs/caf\xe9")
    (tmp_path / "others").mkdir()
    save_noise_photo(tmp_path / "others/a.png", side=41)
    error = ziplora_fails(4, "train", tmp_path / "others", "--resume", run, cwd=tmp_path)
    assert "ph\ufffdtos" in error["problem"]
    ziplora("train", "--resume", run, cwd=tmp_path)
    assert open(output, "rb").read() == whole


# What is resumed is what was written

def damaged(whole: bytes):
    """Single bits all over the file, and zeroed pages."""
    for k in range(36):
        place = k * (len(whole) - 1) // 35
        yield f"bit {k % 8} of byte {place}", whole[:place] + bytes([whole[place] ^ 1 << k % 8]) + whole[place + 1:]
    for page in range(0, len(whole), max(4096, len(whole) // 8 // 4096 * 4096)):
        zeroed = whole[:page] + bytes(len(whole[page:page + 4096])) + whole[page + 4096:]
        if zeroed != whole:
            yield f"page at {page}", zeroed


@pytest.mark.promise("A checkpoint in which any bit has changed is refused.")
def test_a_damaged_checkpoint_is_refused(inputs, tmp_path):
    interrupt(training(inputs), tmp_path, "train", after_step=4)
    (file,) = (tmp_path / "runs/dog").glob("checkpoint-*.safetensors")
    for what, content in damaged(file.read_bytes()):
        file.write_bytes(content)
        error = ziplora_fails(3, "train", "--resume", file, cwd=tmp_path)
        assert error["hint"], what
    assert not (tmp_path / "dog.safetensors").exists()


@pytest.mark.promise("A merge state in which any bit has changed is refused.")
def test_a_damaged_merge_state_is_refused(inputs, tmp_path):
    interrupt(merging(inputs), tmp_path, "zip", after_step=4)
    file = tmp_path / "out.merge-state.safetensors"
    for what, content in damaged(file.read_bytes()):
        file.write_bytes(content)
        error = ziplora_fails(3, *merging(inputs), "--resume", cwd=tmp_path)
        assert error["hint"], what
    assert not (tmp_path / "out.safetensors").exists()


SEAL = "ziplora.seal_sha256"


def reseal(file, change):
    """Writes the file anew with its metadata changed, as one that knows the format could."""
    whole = file.read_bytes()
    size = struct.unpack("<Q", whole[:8])[0]
    header = json.loads(whole[8:8 + size])
    change(header["__metadata__"])

    def start(seal):
        header["__metadata__"][SEAL] = seal
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        text += b" " * (-len(text) % 8)
        return struct.pack("<Q", len(text)) + text

    data = whole[8 + size:]
    file.write_bytes(start(hashlib.sha256(start("0" * 64) + data).hexdigest()) + data)


@pytest.fixture
def checkpoint(inputs, tmp_path):
    interrupt(training(inputs), tmp_path, "train", after_step=4)
    (file,) = (tmp_path / "runs/dog").glob("checkpoint-*.safetensors")
    return file


@pytest.mark.parametrize("iteration", ["-5", "1e3", "9abc", "", "+5", " 5", "5 ", "99999999999999999999", "0x5"])
def test_a_number_that_is_none_is_refused(checkpoint, tmp_path, iteration):
    reseal(checkpoint, lambda metadata: metadata.update({"ziplora.iteration": iteration}))
    error = ziplora_fails(3, "train", "--resume", checkpoint, cwd=tmp_path)
    assert f"iteration '{iteration}'" in error["problem"] and error["hint"]


@pytest.mark.parametrize("settings", ["", "[]", "{}", "[" * 100000, '{"prompt": 5}'])
def test_settings_that_are_none_are_refused(checkpoint, tmp_path, settings):
    reseal(checkpoint, lambda metadata: metadata.update({"ziplora.settings": settings}))
    ziplora_fails(3, "train", "--resume", checkpoint, cwd=tmp_path)


def test_a_checkpoint_without_a_digest_is_refused(checkpoint, tmp_path):
    def strip(metadata):
        metadata["ziplora.format"] = "ziplora.training_checkpoint.1"
    reseal(checkpoint, strip)
    ziplora_fails(3, "train", "--resume", checkpoint, cwd=tmp_path)
    checkpoint.write_bytes(checkpoint.read_bytes().replace(SEAL.encode(), b"ziplora.xeal_sha256"))
    assert "no digest" in ziplora_fails(3, "train", "--resume", checkpoint, cwd=tmp_path)["problem"]


@pytest.mark.promise("A checkpoint does not decide where we write.")
def test_a_checkpoint_does_not_say_where_to_write(checkpoint, trained, tmp_path):
    """Elsewhere, or over another kind of file, only if the command line says so, too."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    work = tmp_path / "runs/dog/.."
    precious = tmp_path / "runs/precious.key"
    precious.write_text("of the user")
    (work / "link").symlink_to(elsewhere)

    def tell(output):
        def change(metadata):
            settings = json.loads(metadata["ziplora.settings"])
            settings["output"] = str(output)
            metadata["ziplora.settings"] = json.dumps(settings, separators=(",", ":"))
        reseal(checkpoint, change)

    for output in (elsewhere / "a.safetensors", work / "link/a.safetensors", precious, "../elsewhere/a.safetensors"):
        tell(output)
        error = ziplora_fails(2, "train", "--resume", checkpoint, cwd=work)
        assert error["hint"].endswith(f"-o {output}")
    assert list(elsewhere.iterdir()) == [] and precious.read_text() == "of the user"
    ziplora("train", "--resume", checkpoint, "-o", elsewhere / "dog.safetensors", cwd=work)
    assert (elsewhere / "dog.safetensors").read_bytes() == trained


@pytest.mark.promise("Two trainings do not share a run folder.")
def test_a_second_run_in_the_same_folder_is_told_who_is_there(inputs, tmp_path):
    command = training(inputs, "--run-folder", "run", iterations=2000)
    found = []

    def second(process):
        found.append((process.pid, ziplora_fails(1, *command, cwd=tmp_path)))
        process.send_signal(signal.SIGINT)

    act_in_the_middle(130, second, command, tmp_path, "train", after_step=1)
    (pid, error), = found
    assert f"process {pid} is working in it" in error["problem"] and "--run-folder" in error["hint"]
    assert not (tmp_path / "run/.lock").exists()
