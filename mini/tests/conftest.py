import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests/support"))

from made_up_world import cache  # noqa: E402, F401  (a fixture)
