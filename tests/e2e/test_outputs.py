"""Where outputs go: names that are none, folders, links, pipes and devices, permissions, the longest names, and what a
killed run left behind."""

import fcntl
import os
import stat
import threading

import pytest
from program import events, run_ziplora, ziplora, ziplora_fails
from safetensors.torch import load
from small_inputs import make_small_inputs


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = make_small_inputs(tmp_path_factory.mktemp("inputs"))
    ziplora("convert", "--bake", folder / "dog.safetensors", "--into", folder / "base", "-o", folder / "tuned")
    return folder


WRITERS = ["train", "zip", "merge", "convert", "peft", "extract", "bake", "generate", "latents", "report"]
FOLDERS = ["peft", "bake"]
FLAGS = {"latents": "--save-latents", "report": "--report"}  # of the others: -o


def command(writer, inputs, output, work):
    """Writes to `output`, and what else it needs into the folder `work`."""
    base = ["--base", inputs / "base"]
    dog, ink = inputs / "dog.safetensors", inputs / "ink.safetensors"
    generate = ["generate", "a ghost", *base, "--steps", 1]
    return {
        "train": ["train", inputs / "photos", "--prompt", "a sks dog", *base, "--rank", 2, "--iterations", 1,
                  "--run-folder", work / "run", "-o", output],
        "zip": ["merge", "--method", "zip", "--subject", dog, "--style", ink, "--subject-prompt", "a", "--style-prompt", "b", *base,
                "--iterations", 1, "--images", 1, "--image-steps", 1, "--evaluation-draws", 1, "-o", output],
        "merge": ["merge", "--subject", dog, "--style", ink, *base, "--method", "direct", "-o", output],
        "convert": ["convert", dog, *base, "-o", output],
        "peft": ["convert", dog, *base, "--format", "peft", "-o", output],
        "extract": ["convert", "--extract", inputs / "tuned", "--from", inputs / "base", "--rank", 1, "-o", output],
        "bake": ["convert", "--bake", dog, "--into", inputs / "base", "-o", output],
        "generate": [*generate, "-o", output],
        "latents": [*generate, "-o", work / "image.png", "--save-latents", output],
        "report": ["inspect", dog, *base, "--report", output],
    }[writer]


def name_of(writer):
    return {"generate": "out.png", "report": "out.json"}.get(writer, "out" if writer in FOLDERS else "out.safetensors")


FILES = [writer for writer in WRITERS if writer not in FOLDERS]


def refused_before_the_work(code, arguments, **options):
    done = run_ziplora(*arguments, "--json", **options)
    assert done.returncode == code, done.stderr
    assert not [event for event in events(done) if event["event"] == "step"]
    return events(done)[-1]


@pytest.mark.promise("An empty name is refused before the work.")
@pytest.mark.parametrize("writer", WRITERS)
def test_an_empty_name_is_a_usage_error(writer, inputs, tmp_path):
    error = refused_before_the_work(2, command(writer, inputs, "", tmp_path), cwd=tmp_path)
    assert error["problem"] == f"{FLAGS.get(writer, '--output')}: the name of the file is empty" and error["hint"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("flags", [["--run-folder", ""], ["--config", ""], ["--base", ""]])
def test_any_flag_that_names_a_file_refuses_an_empty_name(flags, inputs, tmp_path):
    error = ziplora_fails(2, *command("train", inputs, tmp_path / "out.safetensors", tmp_path), *flags)
    assert error["problem"] == f"{flags[0]}: the name of the file is empty"


def test_a_config_cannot_name_an_empty_output(inputs, tmp_path):
    (tmp_path / "config.json").write_text('{"output": ""}')
    error = ziplora_fails(2, "convert", inputs / "dog.safetensors", "--config", tmp_path / "config.json")
    assert error["problem"] == "--output: the name of the file is empty"


@pytest.mark.parametrize("ending", ["", "/"])
@pytest.mark.parametrize("writer", [writer for writer in FILES if writer != "convert"])  # which writes into it
def test_a_folder_as_the_output_is_a_usage_error(writer, ending, inputs, tmp_path):
    (tmp_path / name_of(writer)).mkdir()
    (tmp_path / name_of(writer) / "content").touch()
    error = refused_before_the_work(2, command(writer, inputs, f"{tmp_path / name_of(writer)}{ending}", tmp_path))
    assert ("folder" in error["problem"] or ".png" in error["problem"]) and error["hint"]


@pytest.mark.promise("A link that is named as the output stays one; what it leads to is written.")
@pytest.mark.parametrize("writer", WRITERS)
def test_a_link_stays_and_what_it_leads_to_is_written(writer, inputs, tmp_path):
    (tmp_path / "runs").mkdir()
    target, link = tmp_path / "runs" / name_of(writer), tmp_path / name_of(writer)
    link.symlink_to(f"runs/{name_of(writer)}")
    ziplora(*command(writer, inputs, link, tmp_path))
    assert link.is_symlink() and target.exists() and not target.is_symlink()
    assert [file.name for file in (tmp_path / "runs").iterdir()] == [target.name]


@pytest.mark.promise("A device or pipe that is named as the output is written into, never replaced.")
@pytest.mark.parametrize("writer", FILES)
def test_a_device_is_written_into_and_stays(writer, inputs, tmp_path):
    """Through a link, since images must be called .png; and a program that fails here must not replace the device."""
    link = tmp_path / name_of(writer)
    link.symlink_to("/dev/null")
    ziplora(*command(writer, inputs, link, tmp_path))
    assert link.is_symlink() and stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.parametrize("writer", FOLDERS)
def test_a_device_as_an_output_folder_is_refused(writer, inputs, tmp_path):
    (tmp_path / "null").symlink_to("/dev/null")
    error = refused_before_the_work(2, command(writer, inputs, tmp_path / "null", tmp_path))
    assert "the output is a folder" in error["problem"] and (tmp_path / "null").is_symlink()


@pytest.mark.parametrize("writer", ["merge", "convert", "report", "generate", "extract"])
def test_a_pipe_gets_what_a_file_gets(writer, inputs, tmp_path):
    pipe, got = tmp_path / "pipe" / name_of(writer), []  # files tell their name
    pipe.parent.mkdir()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()), daemon=True)
    reader.start()
    ziplora(*command(writer, inputs, pipe, tmp_path))
    reader.join(60)
    assert stat.S_ISFIFO(os.lstat(pipe).st_mode)
    ziplora(*command(writer, inputs, tmp_path / name_of(writer), tmp_path))
    sound = (tmp_path / name_of(writer)).read_bytes()
    if writer in ("report", "generate"):  # which tell the whole path, or how long it took
        assert got and abs(len(got[0]) - len(sound)) < 100 and got[0][:8] == sound[:8]
    else:
        assert got == [sound]


@pytest.mark.parametrize("writer", ["train", "zip"])  # which ask for room before the work
def test_a_pipe_of_the_shell_has_room(writer, inputs, tmp_path):
    """As `-o >(sha256sum)` names it: in /dev/fd, a folder without any space."""
    reading, writing = os.pipe()
    got = []
    with os.fdopen(reading, "rb") as pipe:
        reader = threading.Thread(target=lambda: got.append(pipe.read()), daemon=True)
        reader.start()
        done = run_ziplora(*command(writer, inputs, f"/dev/fd/{writing}", tmp_path), pass_fds=[writing])
        os.close(writing)
        reader.join(60)
    assert done.returncode == 0, done.stderr
    assert len(load(got[0])) > 0


def test_a_full_device_is_exhaustion(inputs, tmp_path):
    error = ziplora_fails(5, *command("convert", inputs, "/dev/full", tmp_path))
    assert "No space left" in error["problem"] and stat.S_ISCHR(os.stat("/dev/full").st_mode)


@pytest.mark.promise("New files have the umask's permissions; those of an old file stay.")
@pytest.mark.parametrize("writer", WRITERS)
def test_permissions_follow_the_umask_and_those_of_an_old_file_stay(writer, inputs, tmp_path):
    output = tmp_path / name_of(writer)
    before = os.umask(0o027)
    try:
        done = run_ziplora(*command(writer, inputs, output, tmp_path), env=os.environ)  # started with this umask
        assert done.returncode == 0, done.stderr
        assert stat.S_IMODE(output.stat().st_mode) == (0o750 if writer in FOLDERS else 0o640)
        if writer in FILES:
            output.chmod(0o600)
            ziplora(*command(writer, inputs, output, tmp_path))
            assert stat.S_IMODE(output.stat().st_mode) == 0o600
    finally:
        os.umask(before)


@pytest.mark.promise("The longest names that the file system allows work.")
@pytest.mark.parametrize("writer", WRITERS)
def test_the_longest_name_works(writer, inputs, tmp_path):
    ending = os.path.splitext(name_of(writer))[1]
    output = tmp_path / ("n" * (255 - len(ending)) + ending)
    ziplora(*command(writer, inputs, output, tmp_path))
    assert output.exists()


def test_the_number_of_an_image_counts_for_the_length_of_its_name(inputs, tmp_path):
    error = refused_before_the_work(1, [*command("generate", inputs, tmp_path / ("n" * 251 + ".png"), tmp_path), "-n", 10])
    assert "File name too long" in error["problem"]


@pytest.mark.parametrize("writer", WRITERS)
def test_a_longer_name_is_refused_before_the_work(writer, inputs, tmp_path):
    output = tmp_path / ("n" * 256 + os.path.splitext(name_of(writer))[1])
    error = refused_before_the_work(1, command(writer, inputs, output, tmp_path))
    assert "File name too long" in error["problem"] and "shorter name" in error["hint"]


def test_what_a_killed_run_left_is_removed_by_the_next(inputs, tmp_path):
    dead, living, folder = (tmp_path / f".ziplora-{name * 12}.part" for name in "abc")
    dead.write_text("half")
    living.write_text("half")
    folder.mkdir()
    (folder / "unet.safetensors").write_text("half")
    with open(living, "r+b") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)  # as a run that is still at work holds it
        ziplora(*command("convert", inputs, tmp_path / "out.safetensors", tmp_path))
        assert sorted(file.name for file in tmp_path.iterdir()) == [living.name, "out.safetensors"]
    ziplora(*command("report", inputs, tmp_path / "out.json", tmp_path))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out.json", "out.safetensors"]
