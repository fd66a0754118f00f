"""stdout and stderr that cannot be written, signals that were ignored, limits: a run does its work whatever becomes of
its messages, and only a result that was asked for on stdout is worth an error."""

import os
import pty
import signal
import subprocess

import pytest
from program import act_in_the_middle, command_line, run_ziplora
from small_inputs import make_small_inputs


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return make_small_inputs(tmp_path_factory.mktemp("inputs"))


def train(inputs, output, iterations=2):
    return ["train", inputs / "photos", "--prompt", "a sks dog", "--base", inputs / "base", "--rank", 2,
            "--iterations", iterations, "--run-folder", output.parent / "run", "-o", output]


def convert(inputs, output):
    return ["convert", inputs / "dog.safetensors", "--base", inputs / "base", "-o", output]


def in_shell(setup, redirections, arguments):
    """As a shell starts the program: `setup; exec program … redirections`."""
    return subprocess.run(["bash", "-c", f'{setup} exec "$@" {redirections}', "bash", *command_line(arguments)],
                          capture_output=True, text=True, timeout=120)


LOST_STDERR = {"a full disk": "2>/dev/full", "closed": "2>&-", "only for reading": "2</dev/null",
               "a pipe that nobody reads": "2> >(exec true)"}


@pytest.mark.promise("A run does its work whatever becomes of its messages: a full disk, a closed stream, a lost pipe.")
@pytest.mark.parametrize("flags", [[], ["--json"], ["--color", "always"]])
@pytest.mark.parametrize("stderr", LOST_STDERR)
def test_messages_that_cannot_be_written_end_no_run(stderr, flags, inputs, tmp_path):
    done = in_shell("", LOST_STDERR[stderr], [*train(inputs, tmp_path / "out.safetensors"), *flags])
    assert done.returncode == 0 and "out.safetensors" in done.stdout
    assert run_ziplora("inspect", tmp_path / "out.safetensors", "--base", inputs / "base").returncode == 0


@pytest.mark.parametrize("stderr", LOST_STDERR)
def test_an_error_that_cannot_be_told_keeps_its_exit_code(stderr):
    assert in_shell("", LOST_STDERR[stderr], ["inspect", "none"]).returncode == 3


@pytest.mark.promise("A result that cannot be written to stdout is an error only after the work is safe.")
@pytest.mark.parametrize("stdout", [">/dev/full", ">&-"])
@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_a_result_that_cannot_be_written_is_exhaustion_after_the_work(stdout, flags, inputs, tmp_path):
    output, report = tmp_path / "out.safetensors", tmp_path / "report.json"
    done = in_shell("", stdout, [*convert(inputs, output), "--report", report, *flags])
    assert done.returncode == 5 and "the result could not be written" in done.stderr
    assert output.exists() and report.exists()


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["train", "--help"], ["generate", "a", "--print-config"]])
def test_help_that_cannot_be_written_is_exhaustion(words):
    assert in_shell("", ">/dev/full", words).returncode == 5


def test_a_reader_that_left_has_what_it_wanted(inputs):
    """As `ziplora inspect … | head`; of JSON, half is nothing."""
    inspect = ["inspect", inputs / "dog.safetensors", "--base", inputs / "base"]
    assert in_shell("", "> >(exec true)", ["--help"]).returncode == 0
    read_end, write_end = os.pipe()
    os.close(read_end)
    for flags, code in ([], 0), (["--json"], 5):
        done = subprocess.run(command_line([*inspect, *flags]), stdout=write_end, stderr=subprocess.PIPE, text=True)
        assert done.returncode == code, done.stderr
    os.close(write_end)


@pytest.mark.promise("No output takes the place of a stream that was closed.")
def test_no_output_takes_the_place_of_a_closed_stream(inputs, tmp_path):
    """All three are closed, and the first file that is opened would get the messages."""
    sound, output = (tmp_path / name / "out.safetensors" for name in "ab")
    for file, redirections in ((sound, ""), (output, "<&- >&- 2>&-")):
        file.parent.mkdir()
        in_shell("", redirections, convert(inputs, file))
    assert output.read_bytes() == sound.read_bytes()


@pytest.mark.promise("A limit on the size of files is an error, not the end of the program.")
def test_a_limit_on_the_size_of_files_is_exhaustion(inputs, tmp_path):
    done = in_shell("ulimit -f 4;", "", [*convert(inputs, tmp_path / "out.safetensors"), "--json"])
    assert done.returncode == 5 and "File too large" in done.stderr and "ulimit -f" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.promise("A hangup saves the state of a run as Ctrl-C does.")
def test_a_hangup_saves_the_state_as_ctrl_c_does(inputs, tmp_path):
    """Twice, as both the shell and the system may send it."""
    command = train(inputs, tmp_path / "out.safetensors", iterations=4000)

    def hang_up(process):
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGHUP)

    error = act_in_the_middle(130, hang_up, command, tmp_path, "train", after_step=1)
    assert "--resume" in error["hint"] and not (tmp_path / "out.safetensors").exists()
    assert list((tmp_path / "run").glob("*.safetensors"))


@pytest.mark.promise("Signals that nohup or a shell ignores stay ignored.")
@pytest.mark.parametrize("ignored", [signal.SIGINT, signal.SIGHUP, signal.SIGTERM])
def test_what_was_ignored_at_the_start_stays_ignored(ignored, inputs, tmp_path):
    """By nohup, or by a shell for its background jobs."""
    command = ["bash", "-c", f'trap "" {ignored.value}; exec "$@"', "bash", *command_line(
        [*train(inputs, tmp_path / "out.safetensors", iterations=20), "--json"])]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if '"step":1,' in line:
            process.send_signal(ignored)
    assert process.wait() == 0 and (tmp_path / "out.safetensors").exists()


@pytest.mark.parametrize("ignored, code", [(False, 130), (True, 5)])
def test_a_terminal_that_is_closed(ignored, code, inputs, tmp_path):
    """The run stops with its state saved, or, where hangups are ignored, goes on to its file; the lost result is then told
    by the exit code."""
    output = tmp_path / "out.safetensors"
    command = list(map(str, command_line(train(inputs, output, iterations=60 if ignored else 4000))))
    process, keyboard = pty.fork()
    if process == 0:
        signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)
        os.execv(command[0], command)
    seen = b""
    while b"train  " not in seen:
        seen += os.read(keyboard, 65536)
    os.close(keyboard)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == code
    assert output.exists() == ignored
    assert ignored or list((tmp_path / "run").glob("*.safetensors"))
