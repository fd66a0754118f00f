"""A photo of noise, the same in every run. Pillow's own noise hangs on how much of it the process has drawn before.

    save_noise_photo(tmp_path / "dog.png")
"""

from pathlib import Path

import numpy as np
from PIL import Image


def save_noise_photo(file: Path, side: int = 40) -> None:
    grey = np.random.default_rng(0).normal(128, 50, (side, side)).clip(0, 255).astype(np.uint8)
    Image.fromarray(grey).convert("RGB").save(file)
