"""Makes what tests share importable: tests/support (models to test on) and the probe runner of tests/parity."""

import sys
from pathlib import Path

for folder in ("support", "parity"):
    sys.path.insert(0, str(Path(__file__).parent / folder))
