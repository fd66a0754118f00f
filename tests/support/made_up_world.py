"""An emoji world with made-up drawings: the real ones are npm packages that only making the base needs.

    from made_up_world import cache   # in a conftest.py: the fixture, for `ziplora-mini … --cache`
"""

import json
import zlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """A disc of a colour of its own for every drawing of the catalogue."""
    folder = tmp_path_factory.mktemp("world")
    catalogue = json.loads((ROOT / "mini/assets/subjects.json").read_text())
    for package in catalogue["packages"]:
        names = {subject["icons"][package] for subject in catalogue["subjects"] if package in subject["icons"]}
        place = folder / "node_modules/@iconify-json" / package
        place.mkdir(parents=True)
        icons = {name: {"body": f'<circle cx="8" cy="8" r="7" fill="#{zlib.crc32(name.encode()) % 0xffffff:06x}"/>'} for name in names}
        (place / "icons.json").write_text(json.dumps({"icons": icons}))
        (place / "info.json").write_text(json.dumps({"author": {"name": "nobody"}, "license": {"spdx": "MIT"}}))
    return folder
