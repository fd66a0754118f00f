"""What a person at a terminal sees: a progress line with the time left, colours and Ctrl-C; and what a log file gets."""

import re

import pytest
from program import run_ziplora
from terminal import Terminal
from tiny_sdxl import make_tiny_sdxl

RED, END, CLEAR = "\x1b[31m", "\x1b[0m", "\x1b[K"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return make_tiny_sdxl(tmp_path_factory.mktemp("base"))


@pytest.fixture
def draw(base, tmp_path):
    """Runs long enough for several redraws of the line, of which there are at most ten a second."""
    return ["generate", "a ghost", "--base", base, "--steps", 400, "-o", tmp_path / "ghost.png"]


def progress_lines(output):
    return [line.removesuffix(CLEAR) for line in re.findall(r"\r([^\r\n]*\x1b\[K)", output) if line != CLEAR]


def test_one_line_is_redrawn_with_the_time_left(draw, tmp_path):
    with Terminal(*draw, columns=60) as terminal:
        pass
    assert terminal.exit_code == 0 and (tmp_path / "ghost.png").exists()
    lines = progress_lines(terminal.output)
    assert len(lines) >= 3
    steps = [int(found[1]) for line in lines if (found := re.search(r"  (\d+)/400", line))]
    assert steps == sorted(set(steps))
    assert any(re.search(r"  \d+/400  \d+( s|:\d\d min) left", line) for line in lines)
    assert terminal.output.rstrip().endswith("ghost.png"), "the result comes last, on a line of its own"


def test_the_line_fits_the_window(draw):
    with Terminal(*draw, columns=24) as terminal:
        pass
    lines = progress_lines(terminal.output)
    assert lines and max(map(len, lines)) <= 23  # one more would wrap in some terminals


def test_ctrl_c_stops_at_the_next_step_and_leaves_nothing(draw, tmp_path):
    with Terminal(*draw) as terminal:
        terminal.wait_for("/400")
        terminal.press("\x03")
    assert terminal.exit_code == 130
    assert f"{RED}error:{END}" in terminal.output
    assert list(tmp_path.iterdir()) == []
    after_line = terminal.output.rsplit(CLEAR, 1)[1]
    assert "error:" in after_line, "the progress line is cleared before the error"


@pytest.mark.parametrize("flags, environment, coloured", [
    ((), {}, True), ((), {"NO_COLOR": "1"}, False), (("--color", "never"), {}, False),
    (("--color", "always"), {"NO_COLOR": "1"}, True)])
def test_colours_of_errors(flags, environment, coloured):
    with Terminal("inspect", "missing.safetensors", *flags, environment=environment) as terminal:
        pass
    assert terminal.exit_code == 3
    assert (RED in terminal.output) == coloured and "\nhint: " in terminal.output.replace("\r\n", "\n")


def test_a_log_gets_no_control_characters(draw):
    done = run_ziplora(*draw)
    assert done.returncode == 0
    assert "\r" not in done.stderr and "\x1b" not in done.stderr
    assert "  0 s\n" not in done.stderr, "a stage of less than a second, such as loading the tiny base, gets no line"
    assert done.stdout.strip().endswith("ghost.png")


def test_quiet_says_nothing_at_all(draw):
    with Terminal(*draw, "--quiet") as terminal:
        pass
    assert terminal.output.splitlines() == [str(draw[-1])]
