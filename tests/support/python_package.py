"""The Python package as the build folder has it, importable: `import ziplora` after this module."""

import sys

from program import BUILD

FOLDER = BUILD / "python"
sys.path.insert(0, str(FOLDER))
