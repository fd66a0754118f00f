"""Makes what tests share importable: tests/support (models to test on), the probe runner of
tests/parity, tests/loaders, and tests/comfyui. Starts the files that take minutes first, so that no worker ends alone with one."""

import os
import signal
import sys
from pathlib import Path

import pytest

for folder in ("support", "parity", "loaders", "comfyui"):
    sys.path.insert(0, str(Path(__file__).parent / folder))

from reliability import Page  # noqa: E402

# Where pytest sees that it runs in continuous integration, it explains in full how two files of megabytes differ, which
# takes hours. So the tests that must not be skipped there ask a name of ours.
if any([os.environ.pop(name, None) for name in ("CI", "BUILD_NUMBER")]):
    os.environ["ZIPLORA_SKIP_NOTHING"] = "1"

# What is ignored at the start stays ignored in our programs, and nohup or a shell in the background may have had
# these ignored for the whole test run.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

LONGEST = ("test_demo.py", "test_report.py", "test_pretrain.py", "test_train.py")


def pytest_addoption(parser):
    parser.addoption("--reliability", type=Path, help="Write the promises that were tested to this page")


def pytest_configure(config):
    config.addinivalue_line("markers", "promise(text): a sentence of docs/reliability.md that the test holds us to")
    if (page := config.getoption("--reliability")) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Page(page.resolve()))


def pytest_collection_modifyitems(items):
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))
    for item in items:
        if mark := item.get_closest_marker("promise"):
            item.user_properties.append(("promise", mark.args[0]))


@pytest.fixture
def trials(record_property):
    """A list of what was tried; its length is the test's count in docs/reliability.md."""
    tried = []
    record_property("trials", tried)
    return tried
