"""What the program refuses, and why."""

from __future__ import annotations

from typing import Any


class Error(Exception):
    """An error of the program.

    kind       failed, usage, input, incompatible, exhausted, non-finite, below-threshold, internal or interrupted
    exit_code  the program's, for the same
    where      operation and file, or argument
    problem    what was found and what was expected
    hint       a step that mends it; may be empty
    result     what was printed all the same, such as the report of `inspect(check=True)`; else None
    """

    def __init__(self, kind: str, where: str, problem: str, hint: str = "", *, exit_code: int = 1,
                 result: dict[str, Any] | None = None) -> None:
        super().__init__(f"{where}: {problem}" + (f" ({hint})" if hint else ""))
        self.kind, self.where, self.problem, self.hint = kind, where, problem, hint
        self.exit_code, self.result = exit_code, result


class ZiploraWarning(UserWarning):
    """What the program warns of."""
