"""One line of progress that is drawn anew, on terminals and in notebooks."""

from __future__ import annotations

import sys
import time

from ziplora.events import Event

SECONDS_BETWEEN_DRAWINGS = 0.1


def is_seen() -> bool:
    return "ipykernel" in sys.modules or bool(sys.stderr and sys.stderr.isatty())


class ProgressLine:
    def __init__(self) -> None:
        self._width, self._drawn, self._started = 0, 0.0, {}  # type: int, float, dict[str, tuple[float, int]]

    def __call__(self, event: Event) -> None:
        if event.kind == "stage_started":
            self._started.pop(event.stage, None)
        elif event.kind == "step":
            self._draw_step(event, time.monotonic())
        elif event.kind == "note":
            self.clear()
            print(event.text, file=sys.stderr)

    def clear(self) -> None:
        if self._width:
            print("\r" + " " * self._width + "\r", end="", file=sys.stderr, flush=True)
        self._width = 0

    def _draw_step(self, event: Event, now: float) -> None:
        began, first = self._started.setdefault(event.stage, (now, event.step))
        if event.step < event.total and now - self._drawn < SECONDS_BETWEEN_DRAWINGS:
            return
        self._drawn = now
        text = f"{event.stage} {event.step}/{event.total}"
        if event.total > event.step > first:
            text += f"  about {(now - began) / (event.step - first) * (event.total - event.step):.0f} s left"
        text += "".join(f"  {name} {value:.4g}" for name, value in event.metrics.items() if isinstance(value, (int, float)))
        print("\r" + text.ljust(self._width), end="", file=sys.stderr, flush=True)
        self._width = len(text)
