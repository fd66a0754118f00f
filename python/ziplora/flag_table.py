"""The flags of a verb as data, for programs that show them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def flag_table(verb: str) -> list[dict[str, Any]]:
    """What `ziplora --print-flags` says of them: name, type, default, choices, help and more."""
    told: dict[str, list[dict[str, Any]]] = json.loads((Path(__file__).parent / "flags.json").read_text(encoding="utf-8"))
    return told[verb]
