import sys
from pathlib import Path

for folder in ("support", "parity"):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / folder))

from made_up_world import cache  # noqa: E402, F401  (a fixture)
