"""What tests promise to users, counted while they run, as docs/reliability.md.

    @pytest.mark.promise("A killed run leaves the old file or the new one, never a part.")
    def test_kills(trials, …):
        trials.append("merge killed after 0.31 s")     # one line a trial; a test without is one trial a case

`pytest -m promise --reliability docs/reliability.md` writes the table; `make torture` runs it at full length.
"""

import os
from collections import defaultdict
from datetime import date
from pathlib import Path

HEAD = """# Reliability

What ziplora promises about your files and your machine, and the test that holds it to each promise. `make torture`
breaks it for half an hour and writes this page; `make test` runs all of it at a short length. These counts are of a run at {length}
length on {date}.

| Promise | Test | Trials | Failed |
|---|---|---:|---:|
"""
FULL = os.environ.get("ZIPLORA_TORTURE") == "full"


def row(promise: str, test: str, trials: int, failed: int) -> str:
    return f"| {promise} | `{test}` | {trials} | {failed} |\n"


class Page:
    """Collects reports (in the process that xdist's workers report to) and writes the page."""

    def __init__(self, file: Path):
        self.file = file
        self.trials, self.failed = defaultdict(int), defaultdict(int)

    def pytest_runtest_logreport(self, report):
        properties = dict(report.user_properties)
        if "promise" not in properties or report.skipped or (report.when != "call" and report.passed):
            return
        key = properties["promise"], report.nodeid.split("[")[0]
        self.trials[key] += len(properties.get("trials", "1"))
        self.failed[key] += report.failed

    def pytest_sessionfinish(self):
        head = HEAD.format(length="full" if FULL else "short", date=date.today())
        self.file.write_text(head + "".join(
            row(*key, self.trials[key], self.failed[key]) for key in sorted(self.trials, key=lambda key: key[::-1])))
