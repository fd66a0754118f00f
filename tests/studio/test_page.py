"""The studio's six pages in a real browser on the embedded base, from a fresh start, as one person's first hour.

The tests share one studio and stand in the order of that hour: who runs one alone runs those before it, too."""

import re
from pathlib import Path

import pytest
import torch
from PIL import Image
from playwright.sync_api import Error, Page, expect
from program import ziplora
from safetensors.torch import save_file
from studio_page import browser_at, drop, findings, studio_at

DEMO = Path(__file__).resolve().parents[2] / "assets/demo"
PAGES = ("library", "merge", "generate", "generate/compare", "generate/grid", "train", "judge", "judge/compare", "jobs")
A_JOB = 120_000  # ms that a job of two steps may take on a busy machine


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("studio")


@pytest.fixture(scope="module")
def loras(place) -> Path:
    """A subject and a style, as short as training can be."""
    (place / "loras").mkdir()
    for name, prompt in (("cat", "a sks cat face"), ("ink", "a fox, in szn style")):
        ziplora("train", DEMO / ("subject" if name == "cat" else "style"), "--prompt", prompt, "--iterations", 2,
                "--run-folder", place / f"run-{name}", "-o", place / "loras" / f"{name}.safetensors")
    return place / "loras"


@pytest.fixture(scope="module")
def studio(place):
    with studio_at(place / "data") as studio:
        yield studio


@pytest.fixture(scope="module")
def watched(studio):
    with browser_at(studio.address) as watched:
        yield watched


@pytest.fixture
def page(watched) -> Page:
    return watched.page


@pytest.fixture
def refusals(watched):
    """For tests in which the server refuses something: the browser itself says so in its console."""
    before = len(watched.complaints)
    yield
    said = watched.complaints[before:]
    assert said and all("the server responded with a status of 4" in text for text in said)
    del watched.complaints[before:]


# notes whether the words stood on the page at any moment
WATCH_FOR = """words => {
    window.seen = false
    new MutationObserver(() => { window.seen ||= document.body.innerText.includes(words) }).observe(document.body, {childList: true, subtree: true, characterData: true})
}"""


def visit(page: Page, where: str):
    page.evaluate("where => { location.hash = '/' + where }", where)
    page.wait_for_function("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")


def region(page: Page, name: str):
    return page.get_by_role("region", name=name, exact=True)


def test_a_fresh_start_says_what_to_do_next(page):
    expect(page.get_by_role("heading", name="How it goes")).to_be_visible()
    visit(page, "merge")
    expect(page.get_by_role("button", name="Merge", exact=True)).to_be_disabled()
    expect(page.get_by_text("Choose a file for each LoRA above")).to_be_visible()
    visit(page, "judge/compare")
    expect(page.get_by_role("link", name="put both into the library")).to_be_visible()
    visit(page, "judge")
    expect(page.get_by_role("heading", name="Nothing to judge yet")).to_be_visible()
    visit(page, "jobs")
    expect(page.get_by_role("heading", name="No jobs yet")).to_be_visible()


def test_library_shows_what_a_dropped_file_is(page, loras):
    visit(page, "library")
    drop(page, ".drop", loras / "cat.safetensors", loras / "ink.safetensors")
    card = page.get_by_role("listitem").filter(has=page.get_by_role("button", name="cat : show details"))
    for words in ("LoRA", "rank 8", "a sks cat face"):
        expect(card).to_contain_text(words)
    expect(page.locator(".adapter")).to_have_count(2)
    page.get_by_role("searchbox").fill("szn")
    expect(page.locator(".adapter")).to_have_count(1)
    page.get_by_role("searchbox").fill("")
    card.get_by_role("button", name="show details").click()
    expect(page.get_by_role("dialog")).to_contain_text("ComfyUI")
    expect(page.get_by_role("dialog").get_by_role("button", name="Draw with it")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_library_refuses_a_pickle_by_name(page, place, refusals):
    (place / "old.ckpt").write_bytes(b"\x80\x02}q\x00.")
    drop(page, ".drop", place / "old.ckpt")
    expect(page.get_by_role("alert")).to_contain_text("old.ckpt")
    page.get_by_role("button", name="Dismiss").click()
    expect(page.locator(".adapter")).to_have_count(2)


def test_refusals_name_the_file_s_own_page_and_stay_on_theirs(page, refusals):
    drop(page, ".drop", DEMO / "subject/1.png")
    expect(page.get_by_role("alert")).to_contain_text("Drop it on the page Train")
    visit(page, "train")
    expect(page.get_by_role("heading", level=1, name="Train")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    visit(page, "library")


def test_library_reads_a_folder_where_it_lies(page, place, loras, refusals):
    page.get_by_text("Read a folder").click()
    page.get_by_label("Folder on this machine").fill(str(place / "nowhere"))
    page.get_by_role("button", name="Add folder").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Folder on this machine").fill(str(loras))
    page.get_by_role("button", name="Add folder").click()
    expect(page.locator(".adapter")).to_have_count(4)
    page.get_by_role("button", name="Leave out").click()
    expect(page.locator(".adapter")).to_have_count(2)
    assert sorted(path.name for path in loras.iterdir()) == ["cat.safetensors", "ink.safetensors"]


def choose(page: Page, slot: str, file: str):
    region(page, slot).get_by_role("combobox").select_option(label=file)
    expect(region(page, slot).locator(".chosen")).to_contain_text(file)


def test_merge_writes_a_file_and_shows_it_beside_the_direct_merge(page, place):
    visit(page, "merge")
    choose(page, "Subject", "cat")
    choose(page, "Style", "ink")
    page.get_by_label("Method", exact=True).select_option("direct")
    expect(page.get_by_text("direct: the exact sum")).to_be_visible()
    page.evaluate(WATCH_FOR, "No program that we know")
    page.get_by_role("button", name="Merge", exact=True).click()
    result = region(page, "Result")
    with page.expect_download(timeout=A_JOB) as download:
        result.get_by_role("link", name="Download").click(timeout=A_JOB)
    download.value.save_as(place / "merged.safetensors")
    assert ziplora("inspect", place / "merged.safetensors")["files"][0]["recipe"]["method"] == "direct"
    expect(result.get_by_role("heading", level=2)).to_have_text("cat-in-ink-direct")
    expect(result).to_contain_text("Loads in")
    assert not page.evaluate("() => window.seen")  # not even while the file is looked into


def test_learning_shows_its_curves_also_after_a_reload(page, place):
    page.get_by_label("Method", exact=True).select_option("zip")
    page.get_by_label("Iterations", exact=True).fill("4")
    page.get_by_text("More options").click()
    page.get_by_label("Images", exact=True).fill("1")
    page.get_by_label("Image steps").fill("2")
    page.get_by_label("Evaluation draws").fill("1")
    page.get_by_role("button", name=re.compile("^Merge")).click()
    result = region(page, "Result")
    expect(result.get_by_role("link", name="Download")).to_be_visible(timeout=A_JOB)
    sheet = region(page, "Images beside the direct merge")
    expect(sheet.locator("img").first).to_be_visible(timeout=A_JOB)
    page.reload()
    for curve in ("Loss", "Overlap", "Fidelity"):
        expect(page.get_by_role("img", name=curve)).to_be_visible()
    expect(sheet.locator("img").first).to_be_visible()
    page.screenshot(path=place / "merge.png", full_page=True)


def test_generate_draws_and_keeps_every_setting(page, place):
    visit(page, "generate")
    page.get_by_label("Prompt", exact=True).fill("a cat face")
    page.get_by_label("Add a LoRA").select_option(label="cat")
    page.get_by_label("Strength of cat, as a number").fill("0.5")
    page.get_by_label("Steps", exact=True).fill("2")
    page.get_by_label("Images", exact=True).fill("2")
    page.get_by_role("button", name="Draw", exact=True).click()
    latest = region(page, "Latest images").get_by_role("button", name="Open:")
    expect(latest).to_have_count(2, timeout=A_JOB)
    expect(latest.first).to_have_accessible_name("Open: a cat face · cat × 0.5 · seed 0")
    latest.first.click()
    dialog = page.get_by_role("dialog")
    for words in ("cat × 0.5", "a cat face"):
        expect(dialog).to_contain_text(words)
    with page.expect_download() as download:
        dialog.get_by_role("link", name="Download").click()
    download.value.save_as(place / "cat.png")
    page.keyboard.press("Escape")


def test_a_dropped_image_gives_its_settings_back(page, place):
    page.get_by_label("Prompt", exact=True).fill("something else")
    page.get_by_label("Steps", exact=True).fill("9")
    page.get_by_text("Settings from an image").click()
    drop(page, "form .drop", place / "cat.png")
    expect(page.get_by_text("Its settings are in the form now.")).to_be_visible()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a cat face")
    expect(page.get_by_label("Steps", exact=True)).to_have_value("2")
    expect(page.get_by_label("Strength of cat, as a number")).to_have_value("0.5")


def test_two_images_are_compared_with_a_slider(page):
    boxes = page.get_by_role("checkbox", name=re.compile("^Compare: a cat face"))
    for box in (0, 1):
        boxes.nth(box).check()
    page.get_by_role("button", name="Compare these two").click()
    slider = page.get_by_role("slider", name="How much of the left image to show")
    slider.press("ArrowRight")
    expect(slider).to_have_value("51")
    expect(page.get_by_role("row", name="Seed 1 0").or_(page.get_by_role("row", name="Seed 0 1"))).to_be_visible()


def test_a_grid_fills_with_images(page, place):
    visit(page, "generate/grid")
    page.get_by_label("Columns vary").select_option("strength")
    page.get_by_label("Rows vary").select_option("seed")
    expect(page.get_by_role("button", name="Draw the grid")).to_be_enabled()  # an empty field means what it shows
    page.get_by_label("Values of columns").fill("0, 1")
    page.get_by_label("Values of rows").fill("3, 4")
    page.get_by_role("button", name="Draw the grid").click()
    expect(page.locator(".sheet img")).to_have_count(4, timeout=A_JOB)
    with page.expect_download() as download:
        page.get_by_role("button", name="One labelled image").click(timeout=A_JOB)
    download.value.save_as(place / "grid.png")
    assert Image.open(place / "grid.png").width > 2 * 192


def test_train_learns_from_dropped_images_and_captions(page):
    visit(page, "train")
    files = [DEMO / "subject" / name for name in ("1.png", "1.txt", "2.png")]
    drop(page, ".drop", *files)
    expect(page.get_by_label("Caption of 1.png")).to_have_value((DEMO / "subject/1.txt").read_text().strip())
    page.get_by_label("Caption of 2.png").fill("a sks cat face on the grass")
    page.get_by_label("Prompt", exact=True).fill("a sks cat face")
    page.get_by_label("Iterations", exact=True).fill("2")
    page.get_by_label("Sample every").fill("2")
    page.get_by_label("Name", exact=True).fill("my-cat")
    page.get_by_role("button", name="Train", exact=True).click()
    result = region(page, "Result")
    expect(result.get_by_role("button", name="Merge as subject")).to_be_visible(timeout=A_JOB)
    expect(result.get_by_role("heading", name="my-cat")).to_be_visible()
    expect(result.locator(".shot")).not_to_have_count(0)


def test_votes_are_blind_and_make_a_ranking(page, studio):
    visit(page, "generate/grid")
    page.get_by_label("Columns vary").select_option("file")
    for name in ("cat", "ink"):
        page.get_by_role("checkbox", name=name, exact=True).check()
    page.get_by_role("button", name="Draw the grid").click()
    visit(page, "judge")
    expect(page.get_by_role("button", name="The left one")).to_be_visible(timeout=A_JOB)
    ballot = region(page, "Ballot")
    assert not re.search(r"\b(cat|ink)\b", re.sub("“.*?”", "", ballot.inner_text()))
    for count, key in enumerate(("ArrowLeft", "ArrowUp"), start=1):
        page.keyboard.press(key)
        expect(region(page, "Ranking")).to_contain_text("1 vote" if count == 1 else "2 votes")
        expect(page.get_by_role("button", name="The left one").or_(page.get_by_text("Every pair has been judged"))).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Votes as CSV").click()
    assert len(Path(download.value.path()).read_text().splitlines()) == 3


def test_merges_are_compared_and_their_images_judged(page, studio):
    visit(page, "judge/compare")
    page.get_by_role("group", name="Subjects").get_by_role("checkbox", name=re.compile("^cat ")).check()
    page.get_by_role("group", name="Styles").get_by_role("checkbox", name=re.compile("^ink ")).check()
    methods = page.get_by_role("group", name="Methods")
    expect(methods).to_contain_text("ssr: each adapter gets its share")
    methods.get_by_role("checkbox", name="ssr", exact=True).uncheck()
    methods.get_by_role("checkbox", name="ties", exact=True).check()
    page.get_by_label("Seeds").fill("0")
    page.get_by_label("Steps", exact=True).fill("2")
    page.get_by_role("button", name="Compare", exact=True).click()
    visit(page, "jobs")
    with page.context.expect_page(timeout=A_JOB) as opened:
        page.get_by_role("link", name=re.compile("^Open the report of 1 subject × 1 style")).click(timeout=A_JOB)
    report = opened.value
    said = []
    report.on("console", lambda message: said.append(message.text))
    report.reload()  # as long as the studio runs
    expect(report.locator("#means svg").first).to_be_visible()
    expect(report.locator("img").first).to_be_visible()
    assert report.evaluate("() => origin") == "null" and said == []  # its scripts are those of no page of the studio
    with pytest.raises(Error, match="Failed to fetch|Content Security Policy"):
        report.evaluate("() => fetch('/api/v1/about')")
    report.close()

    visit(page, "judge")
    page.get_by_label("Images from").select_option(index=1)
    ballot = region(page, "Ballot")
    expect(ballot).to_contain_text("a sks cat face, a fox, in szn style")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("Every pair has been judged")).to_be_visible()
    expect(region(page, "Ranking")).to_contain_text("ties")
    page.get_by_label("Images from").select_option("")
    expect(region(page, "Ranking")).not_to_contain_text("ties")


def test_jobs_outlive_a_reload_and_can_be_cancelled(page):
    visit(page, "generate")
    page.get_by_label("Steps", exact=True).fill("1000")
    page.get_by_label("Images", exact=True).fill("50")  # longer than this test, whatever the machine
    page.get_by_role("button", name="Draw", exact=True).click()
    preview = page.get_by_role("img", name="Image 1 so far")
    expect(preview).to_be_visible(timeout=A_JOB)
    first = preview.get_attribute("src")
    assert first.startswith("data:image/png;base64,")
    expect(preview).not_to_have_attribute("src", first)
    visit(page, "jobs")
    now = region(page, "Running and waiting")
    expect(now.get_by_role("listitem")).to_have_count(1, timeout=A_JOB)  # the grid of the votes may go on for a while
    expect(now).to_contain_text("running", timeout=A_JOB)
    page.reload()
    expect(now).to_contain_text("running")
    now.get_by_role("button", name=re.compile("^Cancel")).click()
    row = region(page, "Ended").get_by_role("listitem").first
    expect(row).to_contain_text("cancelled", timeout=A_JOB)
    expect(row).to_contain_text("You stopped it.")
    expect(row).not_to_contain_text("--")
    expect(page.get_by_role("link", name=re.compile("images? in the gallery")).first).to_be_visible()
    row.get_by_role("button", name="Log of").click()
    expect(page.get_by_role("dialog")).to_contain_text("ziplora generate")
    page.keyboard.press("Escape")
    before = region(page, "Ended").get_by_role("listitem").count()
    row.get_by_role("button", name="Remove").click()
    expect(region(page, "Ended").get_by_role("listitem")).to_have_count(before - 1)


def test_a_file_that_the_base_cannot_wear_leads_to_another_base(page, place):
    """As those from the web do, which are for SDXL, while the base is the miniature."""
    layer = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q"
    save_file({f"{layer}.lora_down.weight": torch.ones(4, 640), f"{layer}.lora_up.weight": torch.ones(640, 4), f"{layer}.alpha": torch.tensor(4.0)},
              place / "web.safetensors", {"ss_base_model_version": "sdxl_base_v1-0"})
    visit(page, "library")
    drop(page, ".drop", place / "web.safetensors")
    page.get_by_role("listitem").filter(has_text="web").get_by_role("button", name="Use as subject").click()
    page.get_by_label("Method", exact=True).select_option("ssr")
    expect(page.get_by_text("web is made for SDXL, and the base here is the miniature.")).to_be_visible()
    expect(page.get_by_role("button", name="Merge", exact=True)).to_be_disabled()
    page.get_by_role("button", name="Choose an SDXL checkpoint").click()
    expect(page.get_by_role("dialog", name="Base")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_label("Method", exact=True).select_option("direct")
    expect(page.get_by_role("button", name="Choose an SDXL checkpoint")).to_have_count(0)
    visit(page, "generate")
    page.get_by_label("Add a LoRA").select_option(label="web")
    expect(page.get_by_text("Drawing needs an SDXL checkpoint.")).to_be_visible()
    expect(page.get_by_role("button", name="Draw", exact=True)).to_be_disabled()


@pytest.mark.parametrize("width", (1280, 400))
@pytest.mark.parametrize("theme", ("light", "dark"))
def test_every_page_is_accessible(page, place, width, theme):
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=theme)
    found = {}
    for name in PAGES:
        visit(page, name)
        page.screenshot(path=place / f"{name.replace('/', '-')}-{width}-{theme}.png", full_page=True)
        found[name] = findings(page)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width, name
    assert found == {name: [] for name in PAGES}


def test_the_console_is_silent_and_no_request_leaves_the_machine(watched, studio):
    assert watched.complaints == []
    assert watched.hosts <= {studio.address.split("/")[2], "data:"}
