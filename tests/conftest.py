"""Makes what tests share importable: tests/support (models to test on), the probe runner of
tests/parity, and tests/loaders."""

import signal
import sys
from pathlib import Path

for folder in ("support", "parity", "loaders"):
    sys.path.insert(0, str(Path(__file__).parent / folder))

# What is ignored at the start stays ignored in our programs, and nohup or a shell in the background may have had
# these ignored for the whole test run.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
