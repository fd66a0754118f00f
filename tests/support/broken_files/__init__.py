"""Files that are no LoRA for SDXL, or a broken one: generators, each with the exit code and the words of its error.

    for broken in BROKEN:
        path = broken.write(folder)      # what to give to ziplora
        broken.exit_code, broken.says    # what merging it ends with, and what its error has to say

One module a theme. ODD holds files that look wrong and are sound: every reader has to take them.
"""

from . import architectures, containers, contents, layers, models, paths, peft_folders
from .kind import BrokenFile, OddFile

BROKEN: list[BrokenFile] = [*containers.BROKEN, *contents.BROKEN, *layers.BROKEN, *architectures.BROKEN, *models.BROKEN,
                            *paths.BROKEN, *peft_folders.BROKEN]
ODD: list[OddFile] = [*containers.ODD, *layers.ODD, *peft_folders.ODD]

__all__ = ["BROKEN", "ODD", "BrokenFile", "OddFile"]
