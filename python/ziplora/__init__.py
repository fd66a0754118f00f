"""Merge a subject LoRA and a style LoRA for SDXL into one ordinary LoRA file.

Each function is a verb of the program `ziplora`, with its flags as keyword arguments:

    import ziplora

    merged = ziplora.merge(subject="dog.safetensors", style="ink.safetensors:0.8", output="dog-in-ink.safetensors")
    merged.load_into(pipe)          # a diffusers pipeline
"""

from ziplora import verbs
from ziplora.built import VERSION as __version__
from ziplora.errors import Error, ZiploraWarning
from ziplora.events import Event, Progress
from ziplora.flag_table import flag_table
from ziplora.result import Result
from ziplora.run import FilePath
from ziplora.verbs import *

__all__ = ["Error", "Event", "FilePath", "Progress", "Result", "ZiploraWarning", "__version__", "flag_table"]
__all__ += verbs.__all__  # in the form that type checkers follow
