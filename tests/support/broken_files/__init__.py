"""Files that are not a LoRA for SDXL, or a broken one. Each has a generator, the exit code and words of its error.

    for broken in BROKEN:
        path = broken.write(folder)      # what to give to ziplora
        broken.exit_code, broken.says    # how merging it ends, and what its error has to say

One module per theme. ODD holds files that look wrong and are sound: every reader has to accept them.
"""

from . import architectures, containers, contents, layers, models, paths, peft_folders
from .kind import BrokenFile, OddFile

BROKEN: list[BrokenFile] = [*containers.BROKEN, *contents.BROKEN, *layers.BROKEN, *architectures.BROKEN, *models.BROKEN,
                            *paths.BROKEN, *peft_folders.BROKEN]
ODD: list[OddFile] = [*containers.ODD, *layers.ODD, *peft_folders.ODD]

__all__ = ["BROKEN", "ODD", "BrokenFile", "OddFile"]
