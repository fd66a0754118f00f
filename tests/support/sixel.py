"""Reads a Sixel image as a terminal does.

    pixels = decode(output)      # [H, W, 3] of 0…255
"""

import re

import numpy as np


def decode(text: str) -> np.ndarray:
    [(width, height, body)] = re.findall(r'\x1bP0;1;0q"1;1;(\d+);(\d+)(.*?)\x1b\\', text, re.S)
    pixels = np.full((int(height) + 5, int(width), 3), np.nan)
    palette, colour, x, top = {}, None, 0, 0
    for match in re.finditer(r"#(\d+)(?:;2;(\d+);(\d+);(\d+))?|!(\d+)([?-~])|([?-~])|([$-])", body):
        number, red, green, blue, count, repeated, single, move = match.groups()
        if red is not None:
            palette[int(number)] = [int(part) * 2.55 for part in (red, green, blue)]
        elif number is not None:
            colour = palette[int(number)]
        elif move is not None:
            x, top = 0, top + (6 if move == "-" else 0)
        else:
            times, bits = int(count or 1), ord(repeated or single) - ord("?")
            for row in range(6):
                if bits >> row & 1:
                    assert np.isnan(pixels[top + row, x:x + times]).all()  # no pixel is painted twice
                    pixels[top + row, x:x + times] = colour
            x += times
            assert x <= int(width)
    assert "".join(match.group() for match in re.finditer(r"#(\d+)(?:;2;(\d+);(\d+);(\d+))?|!(\d+)([?-~])|([?-~])|([$-])", body)) == body
    assert len(palette) <= 256 and not np.isnan(pixels[:int(height)]).any()
    return pixels[:int(height)]
