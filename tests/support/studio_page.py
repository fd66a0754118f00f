"""The studio's page in headless Chromium: `ziplora studio` on a fresh data folder, and a browser that looks at it.

    with studio_at(tmp_path) as studio, browser_at(studio.address) as page:
        page.get_by_role("link", name="Merge").click()
"""

import base64
import json
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright
from program import command_line

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "studio/page/node_modules/axe-core/axe.min.js"
expect.set_options(timeout=30_000)  # a machine may be busy with other tests
SERIOUS = ("serious", "critical")


@dataclass
class Studio:
    address: str
    data: Path


@contextmanager
def studio_at(data: Path, *arguments):
    """The program itself; what it says besides its address goes to data/../stderr.txt."""
    data.parent.mkdir(parents=True, exist_ok=True)
    with open(data.parent / "stderr.txt", "w") as said:
        process = subprocess.Popen([*command_line(["studio", "--no-browser", "--json", "--data", data, *arguments])],
                                   stdout=subprocess.PIPE, stderr=said, text=True)
        try:
            first = process.stdout.readline()
            assert first, (data.parent / "stderr.txt").read_text()
            yield Studio(json.loads(first)["address"], data)
        finally:
            process.terminate()
            process.wait(timeout=60)


@dataclass
class Watched:
    """A page, what its console said amiss, and where its requests went."""
    page: Page
    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def watch(self):
        self.page.on("console", lambda message: message.type in ("error", "warning")
                     and self.complaints.append(f"{message.text} {message.location['url']}"))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.hosts.add(request.url.split("/")[2] if "://" in request.url else "data:"))


def chromium_of(playwright) -> Browser:
    chromium = shutil.which("chromium")
    assert chromium, "Debian's chromium is missing: tools/setup.sh referee"
    return playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])


@contextmanager
def browser_at(address: str, width=1280, height=900):
    with sync_playwright() as playwright:
        browser = chromium_of(playwright)
        watched = Watched(browser.new_page(viewport={"width": width, "height": height}, accept_downloads=True))
        watched.watch()
        watched.page.goto(address)
        watched.page.get_by_role("heading", level=1).wait_for()
        yield watched
        browser.close()


def drop(page: Page, selector: str, *files: Path):
    """Drops files on an element, as a hand does from a file manager."""
    data = page.evaluate_handle("() => new DataTransfer()")
    for file in files:
        page.evaluate("""([data, name, base64]) => {
            data.items.add(new File([Uint8Array.from(atob(base64), letter => letter.charCodeAt(0))], name))
        }""", [data, file.name, base64.b64encode(file.read_bytes()).decode()])
    for kind in ("dragenter", "dragover", "drop"):
        page.dispatch_event(selector, kind, {"dataTransfer": data})


def findings(page: Page) -> list[str]:
    """What axe-core finds that is serious or critical: the rule, and where."""
    page.evaluate(AXE.read_text() + "; undefined")
    result = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [f"{found['id']}: {node['html'][:160]} {node['failureSummary']}" for found in result["violations"]
            if found["impact"] in SERIOUS for node in found["nodes"]]
