"""The documents keep their word. Every command that they show is one that the program takes, what they say it prints is
what it prints, and the flags, files and links that they name are there."""

import functools
import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from documents import prints_as_shown, shown_commands
from program import BUILD, LABORATORY_VERBS, run_ziplora
from test_command_line import VERBS

ROOT = Path(__file__).resolve().parents[2]
WITH_OUTPUT = ["README.md", "docs/guide.md"]
DOCUMENTS = [*WITH_OUTPUT, "CONTRIBUTING.md", "mini/README.md", "mini/docs/history.md", "assets/mini/README.md",
             *(f"docs/{name}.md" for name in ("analyze", "architecture", "compatibility", "evaluate", "math", "performance", "python", "use")),
             "integrations/comfyui/README.md"]
TEXTS = {name: (ROOT / name).read_text() for name in DOCUMENTS}
OUR_COMMAND = re.compile(r"(build/)?ziplora(-mini)? ")


def commands_in_text(document):
    """`ziplora merge --method ties …`, unless it stands for several."""
    return [text for text in re.findall(r"`((?:build/)?ziplora(?:-mini)? [^`]*)`", document)
            if " -" in text and not re.search(r"[<…]|--help", text)]


SHOWN = {name: shown_commands(text) for name, text in TEXTS.items()}
TAKEN = sorted({command.text for name in [*WITH_OUTPUT, "mini/README.md"] for command in SHOWN[name]
                if OUR_COMMAND.match(command.text) and not command.printed} |
               {text for name in [*WITH_OUTPUT, "mini/README.md"] for text in commands_in_text(TEXTS[name])})
PRINTING = [command for name in WITH_OUTPUT for command in SHOWN[name] if command.printed]
TARGETS = sorted({target for text in TEXTS.values() for target in re.findall(r"(?:`|^    )(?:[A-Z_]+=\S+ )?make ([a-z-]+)", text, re.M)})
FLAGS = sorted({flag for text in TEXTS.values() for flag in re.findall(r"`(--[a-z-]+)", text)})
LINKS = sorted({(name, link) for name, text in TEXTS.items() for link in re.findall(r"\]\((?!http)([^)]+)\)", text)})
SOURCES = sorted({path for name in ("CONTRIBUTING.md", "docs/architecture.md", "docs/math.md")
                  for path in re.findall(r"`([\w/.]+\.(?:cpp|h|py|sh))`", TEXTS[name])})


def test_the_commands_are_found():
    assert {shlex.split(text, comments=True)[1] for text in TAKEN} >= {"train", "merge", "generate", "inspect", "world"}
    assert {shlex.split(command.text)[1] for command in PRINTING} == set(VERBS) and len(PRINTING) >= 12
    assert {"demo", "test", "build", "bench", "base"} <= set(TARGETS)


@pytest.mark.parametrize("text", TAKEN)
def test_ziplora_takes_the_command(text):
    _, verb, *words = shlex.split(text, comments=True)
    done = run_ziplora(verb, "--print-config", *words)  # before a `--`, after which all are names
    assert done.returncode == 0, f"{text}\n{done.stderr}"
    assert json.loads(done.stdout)


def in_folder_of(run, text: str) -> str:
    return text.replace("out/demo/", f"{run.folder}/")


def ran_in(run, command) -> bool:
    """It trains or merges, which takes up to a minute, and `make demo` has done just that."""
    words = shlex.split(in_folder_of(run, command.text))[1:]
    return words[0] in ("train", "merge") and any(words == ran[:len(words)] for ran in run.commands)


def printed_now(text: str, folder: Path) -> str:
    done = subprocess.run(["bash", "-o", "pipefail", "-c", text], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, f"{text}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("name", WITH_OUTPUT)
def test_the_commands_print_what_is_shown(name, demo_run, tmp_path):
    """In order and in one folder, since they read each other's files."""
    (tmp_path / "out").mkdir()
    for link, target in (("assets", ROOT / "assets"), ("build", BUILD), ("out/demo", demo_run.folder)):
        (tmp_path / link).symlink_to(target)
    for command in filter(lambda command: command.printed, SHOWN[name]):
        if ran_in(demo_run, command):
            shown = ["…", *(in_folder_of(demo_run, line) for line in command.printed), "…"]
            printed = demo_run.printed
        else:
            shown, printed = command.printed, printed_now(command.text, tmp_path)
        assert prints_as_shown(shown, printed), f"{command.text}\nprints\n{printed}\nand is shown to print\n" + "\n".join(shown)


@pytest.mark.parametrize("target", TARGETS)
def test_make_knows_the_target(target):
    done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@functools.cache
def every_help() -> str:
    return "\n".join(run_ziplora(verb, "--help").stdout for verb in [*VERBS, *sorted(LABORATORY_VERBS)]) + run_ziplora("--help").stdout


@pytest.mark.parametrize("flag", FLAGS)
def test_every_flag_that_is_named_exists(flag):
    assert re.search(rf"{flag}\b", every_help())


def headings(document: Path) -> set[str]:
    """As the anchors that links name them."""
    titles = re.findall(r"^#+ (.*)$", document.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("name, link", LINKS)
def test_links_lead_somewhere(name, link):
    path, _, anchor = link.partition("#")
    target = (ROOT / name).parent / path if path else ROOT / name
    assert target.exists()
    assert not anchor or anchor in headings(target)


@functools.cache
def every_source() -> list[str]:
    return [f"/{path.relative_to(ROOT)}" for folder in ("ziplora", "cli", "studio", "mini", "python", "tests", "tools")
            for path in (ROOT / folder).rglob("*.*") if "node_modules" not in path.parts]


@pytest.mark.parametrize("path", SOURCES)
def test_every_source_that_is_named_exists(path):
    assert any(source.endswith(f"/{path}") for source in every_source())
