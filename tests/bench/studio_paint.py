"""How long the studio's page takes to appear from a warm server, what it weighs, and what the idle server holds.

    .venv/bin/python tests/bench/studio_paint.py [LOADS]        # medians of ten loads, each in a fresh context of headless Chromium

Wall-clock times grow with what else the machine does, so the CPU time of the page's own thread stands beside them."""

import gzip
import statistics
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from playwright.sync_api import sync_playwright  # noqa: E402
from studio_client import Studio  # noqa: E402
from studio_page import chromium_of  # noqa: E402

TIMES = """() => {
  const [navigation] = performance.getEntriesByType('navigation');
  const paint = name => performance.getEntriesByName(name)[0].startTime;
  return {'first byte': navigation.responseStart, 'page received': navigation.responseEnd,
          'first paint': paint('first-paint'), 'first contentful paint': paint('first-contentful-paint')};
}"""


def load(browser, address: str) -> dict[str, float]:
    """Milliseconds since the navigation began."""
    page = browser.new_context().new_page()
    page.goto(address)
    page.get_by_role("heading", level=1).wait_for()
    page.wait_for_function("() => performance.getEntriesByName('first-contentful-paint').length > 0")
    times = page.evaluate(TIMES)
    page.context.close()
    return times


def cpu_until_paint(browser, address: str) -> dict[str, float]:
    """Milliseconds of CPU of the page's own thread. The API never answers, so that nothing follows the first paint."""
    page = browser.new_context().new_page()
    page.add_init_script("fetch = () => new Promise(() => undefined); EventSource = class {}")
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto(address, wait_until="commit")
    page.wait_for_function("() => performance.getEntriesByName('first-contentful-paint').length > 0")
    measured = {metric["name"]: metric["value"] for metric in session.send("Performance.getMetrics")["metrics"]}
    page.context.close()
    return {"CPU until painted": 1000 * measured["TaskDuration"], "of which scripts": 1000 * measured["ScriptDuration"]}


def resident_mb(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1000


def main() -> None:
    loads = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with tempfile.TemporaryDirectory() as folder, Studio(Path(folder) / "data") as studio, sync_playwright() as playwright:
        browser = chromium_of(playwright)
        load(browser, studio.address)  # the server asks the program for its flags, the browser starts its processes
        runs = [load(browser, studio.address) | cpu_until_paint(browser, studio.address) for _ in range(loads)]
        page = urllib.request.urlopen(studio.address).read()
        browser.close()
        time.sleep(1)
        print(f"medians of {loads} loads, ms")
        for name in runs[0]:
            values = sorted(run[name] for run in runs)
            print(f"  {name:28} {statistics.median(values):7.1f}   {values[0]:.1f} … {values[-1]:.1f}")
        print(f"page {len(page) / 1000:.0f} kB, {len(gzip.compress(page)) / 1000:.0f} kB compressed; idle server {resident_mb(studio.process.pid):.1f} MB")


if __name__ == "__main__":
    main()
