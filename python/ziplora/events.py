"""What the program tells while it works."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Union


@dataclass(frozen=True)
class Event:
    """One line of the program's progress.

    kind     stage_started, step, stage_finished, preview, note or warning
    stage    of the first four, such as "load" or "denoise"
    step     how many steps of the stage are done; of a preview, how many of its image
    total    how many it has
    metrics  of a step, such as its loss
    seconds  that a finished stage took
    text     of notes and warnings
    row      of a preview: which image of the run
    image    of a preview: the address of a PNG, "data:image/png;base64,…"
    """

    kind: str
    stage: str = ""
    step: int = 0
    total: int = 0
    metrics: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    text: str = ""
    row: int = 0
    image: str = ""

    @staticmethod
    def from_json(line: dict[str, Any]) -> Event:
        known = {name: line[name] for name in Event.__dataclass_fields__ if name in line}
        return Event(kind=line["event"], **known)


Progress = Union[Callable[[Event], None], bool, None]
"""A function that gets each event; True draws a line of progress, False draws none, and None draws it where somebody sees
it: on a terminal and in a notebook.

If the function is an object with a method `waiting`, that is called twice a second while there is no event. What either
of the two raises stops the program and comes out of the verb."""
