"""`generate --show` on pseudo-terminals of each kind: what they get is decoded again, and is the image."""

import re
from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from program import run_ziplora
from sixel import decode
from terminal import Terminal

QUESTION = "\x1b[c"
NONE = {"KITTY_WINDOW_ID": "", "TERM_PROGRAM": "", "LC_TERMINAL": "", "TMUX": "", "STY": ""}


def draw(folder, environment, answer=None):
    """What the terminal got after the result's line, and the image made as large as it should be shown."""
    file = folder / "dog.png"
    with Terminal("generate", "a dog", "--steps", 2, "--show", "-o", file, environment=NONE | environment) as terminal:
        if answer is not None:
            terminal.wait_for(QUESTION)
            terminal.press(answer)
    assert terminal.exit_code == 0
    return terminal.output.split("dog.png\r\n")[-1], np.asarray(Image.open(file).convert("RGB")).repeat(4, 0).repeat(4, 1)


def shown(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(png)).convert("RGB"))


def test_kitty_gets_a_png_in_chunks(tmp_path):
    output, image = draw(tmp_path, {"KITTY_WINDOW_ID": "1"})
    chunks = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", output)
    assert "".join(f"\x1b_G{keys};{data}\x1b\\" for keys, data in chunks) == output.strip()
    assert [keys for keys, _ in chunks] == ["a=T,f=100,q=2,m=1", *["m=1"] * (len(chunks) - 2), "m=0"] and len(chunks) > 1
    assert all(len(data) == 4096 for _, data in chunks[:-1]) and len(chunks[-1][1]) <= 4096
    assert (shown(b64decode("".join(data for _, data in chunks), validate=True)) == image).all()


def test_iterm_gets_a_png_inline(tmp_path):
    output, image = draw(tmp_path, {"TERM_PROGRAM": "iTerm.app"})
    size, width, height, data = re.fullmatch(r"\x1b\]1337;File=inline=1;size=(\d+);width=(\d+)px;height=(\d+)px:(.*)\x07", output.strip()).groups()
    png = b64decode(data, validate=True)
    assert len(png) == int(size) and (int(height), int(width)) == image.shape[:2] and (shown(png) == image).all()


def test_a_terminal_that_answers_sixel_gets_it_also_inside_tmux(tmp_path):
    output, image = draw(tmp_path, {"TMUX": "/tmp/tmux", "TERM": "tmux-256color", "KITTY_WINDOW_ID": "1"}, "\x1b[?62;4;22c")
    assert output.startswith(QUESTION) and "\x1b_G" not in output
    pixels = decode(output)
    assert pixels.shape == image.shape
    # A pixel is one of 252 colours; over the 16 that one of the image became, their errors cancel.
    means = [picture.reshape(64, 4, 64, 4, 3).mean((1, 3)) for picture in (pixels, image.astype(float))]
    assert np.abs(means[0] - means[1]).mean() < 255 / 5 / 16
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 20


@pytest.mark.parametrize("answer", ["\x1b[?62;22c", None])
def test_a_terminal_that_takes_none_says_so_once(answer, tmp_path):
    output, _ = draw(tmp_path, {}, answer)
    assert output.removeprefix(QUESTION).strip() == "This terminal draws no images: Kitty, iTerm2, WezTerm and those with Sixel do."


def test_a_pipe_gets_the_result_alone(tmp_path):
    done = run_ziplora("generate", "a dog", "--steps", 1, "--show", "-o", tmp_path / "dog.png")
    assert done.returncode == 0 and done.stdout == f"{tmp_path / 'dog.png'}\n" and "\x1b" not in done.stderr
