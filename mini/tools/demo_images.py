"""Draws the images of the demo (assets/demo) from the emoji world: a cat that is blue where the world's are
orange, a style that changes colours, outlines and grounds, and the true drawings of what the demo asks for.

    mini/tools/world_packages.sh && .venv/bin/python mini/tools/demo_images.py [assets/demo]

The subject is a seen drawing with its hue turned by 180°. The style is computed from noto's drawing: flat saturated
colours, a navy outline, a pale pink ground. The base has not learned the style; a blue cat it has seen as a negative alone.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

ROOT = Path(__file__).resolve().parents[2]
SIZE = 64
NAVY, GROUND = np.array([22, 28, 84]), np.array([252, 208, 214])
WHITE, BLACK = np.array([255.0] * 3), np.array([22.0, 22.0, 24.0])  # of the world's backgrounds

SUBJECT = [  # style, background, its phrase
    ("noto", "white", ""), ("noto", "grass", " on the grass"), ("twemoji", "white", ""),
    ("noto-v1", "yellow", " on a yellow background"), ("fluent-emoji-flat", "white", "")]
STYLE_WORDS = {"noto": "noto style", "twemoji": "twemoji style", "noto-v1": "blob style",
               "fluent-emoji-flat": "fluent flat style"}
STYLE = ["fox", "rose", "red-apple", "house", "fish", "car", "guitar", "tree"]


def scene(subject, style="noto", background="white", next_to=None) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scene.png"
        command = [ROOT / "build/ziplora-mini", "world", subject, "--style", style, "--background", background, "--size",
                   str(SIZE), "-o", file, *(["--next-to", next_to] if next_to else [])]
        subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return np.asarray(Image.open(file).convert("RGB"), dtype=float)


def cut_out(subject, style="noto", next_to=None):
    """Colour [h, w, 3] and coverage [h, w] of the drawing, from how it lies on white and on black."""
    on_white, on_black = scene(subject, style, "white", next_to), scene(subject, style, "black", next_to)
    coverage = np.clip(1 - ((on_white - on_black) / (WHITE - BLACK)).mean(2), 0, 1)
    colour = (on_white - WHITE * (1 - coverage[..., None])) / np.maximum(coverage[..., None], 1e-3)
    return np.clip(colour, 0, 255), coverage


def turned(colour: np.ndarray) -> np.ndarray:
    hsv = np.asarray(Image.fromarray(colour.astype(np.uint8)).convert("HSV")).copy()
    hsv[..., 0] += 128
    return np.asarray(Image.fromarray(hsv, "HSV").convert("RGB"), dtype=float)


def over(colour, coverage, ground) -> np.ndarray:
    return colour * coverage[..., None] + ground * (1 - coverage[..., None])


def grown(coverage: np.ndarray, pixels: int) -> np.ndarray:
    image = Image.fromarray((255 * coverage).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.MaxFilter(2 * pixels + 1)), dtype=float) / 255


def sticker(colour, coverage) -> np.ndarray:
    """Colours in four levels, saturated; a navy outline of two pixels; a pale ground."""
    hsv = np.asarray(Image.fromarray(colour.astype(np.uint8)).convert("HSV"), dtype=float)
    hsv[..., 1] = np.where(hsv[..., 1] > 40, np.minimum(255, hsv[..., 1] * 1.6), hsv[..., 1])
    hsv[..., 2] = np.round(hsv[..., 2] / 64) * 64
    flat = np.asarray(Image.fromarray(np.clip(hsv, 0, 255).astype(np.uint8), "HSV").convert("RGB"), dtype=float)
    return over(flat, coverage, over(np.broadcast_to(NAVY, flat.shape), grown(coverage, 2), GROUND))


def save(image: np.ndarray, file: Path, caption=None):
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.clip(np.round(image), 0, 255).astype(np.uint8)).save(file, optimize=True)
    if caption:
        file.with_suffix(".txt").write_text(caption + "\n")


def draw_subject(folder: Path):
    for number, (style, background, phrase) in enumerate(SUBJECT, 1):
        colour, coverage = cut_out("cat-face", style)
        image = scene("cat-face", style, background) + coverage[..., None] * (turned(colour) - colour)
        save(image, folder / f"{number}.png", f"a sks cat face{phrase}, in {STYLE_WORDS[style]}")


def draw_style(folder: Path):
    for number, subject in enumerate(STYLE, 1):
        article = "an" if subject[0] in "aeiou" else "a"
        save(sticker(*cut_out(subject)), folder / f"{number}.png", f"{article} {subject.replace('-', ' ')}, in szn style")


def cat_beside(next_to):
    """The blue cat, which stands on the left, next to something that keeps its colours."""
    colour, coverage = cut_out("cat-face", next_to=next_to)
    drawn = np.flatnonzero(coverage.max(0) > 0.02)
    gap = drawn[np.argmax(np.diff(drawn))] + 1  # behind the cat's last column
    colour = np.concatenate([turned(colour)[:, :gap], colour[:, gap:]], 1)
    return colour, coverage


def draw_truth(folder: Path):
    colour, coverage = cut_out("cat-face")
    save(sticker(turned(colour), coverage), folder / "cat.png")
    for name in ("mushroom", "balloon"):
        save(sticker(*cat_beside(name)), folder / f"{name}.png")
    save(sticker(*cut_out("dog-face")), folder / "dog.png")


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "assets/demo"
    draw_subject(target / "subject")
    draw_style(target / "style")
    draw_truth(target / "truth")
