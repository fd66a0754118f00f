"""Makes what tests share importable: tests/support (models to test on), the probe runner of
tests/parity, and tests/loaders."""

import sys
from pathlib import Path

for folder in ("support", "parity", "loaders"):
    sys.path.insert(0, str(Path(__file__).parent / folder))
