"""What the documents show: commands, and what they print.

    for command in shown_commands(Path("README.md").read_text()):
        command.text        # 'build/ziplora inspect zip.safetensors'
        command.printed     # the lines below it; none where the document shows none

A command stands in an indented block: after "$ " where the block shows output too, else as a line that begins with a
program. A printed line "…" stands for any lines.
"""

import re
from dataclasses import dataclass, field


@dataclass
class ShownCommand:
    text: str
    printed: list[str] = field(default_factory=list)


def indented_blocks(document: str) -> list[list[str]]:
    """A blank line between two indented ones belongs to their block."""
    blocks = re.findall(r"(?:^    .*\n)(?:(?:^\n)*^    .*\n)*", document, flags=re.MULTILINE)
    return [[line[4:] for line in block.splitlines()] for block in blocks]


def shown_commands(document: str) -> list[ShownCommand]:
    commands = []
    for block in indented_blocks(document):
        if not any(line.startswith("$ ") for line in block):
            commands += [ShownCommand(line) for line in block
                         if re.match(r"(make|git|cd|cmake|(build/)?ziplora(-mini)?) ", line)]
            continue
        for line in block:
            if line.startswith("$ "):
                commands.append(ShownCommand(line.removeprefix("$ ")))
            else:
                commands[-1].printed.append(line)
    return commands


# Numbers that differ from machine to machine, and only these: times, memory, and what was learned.
VARYING = [re.compile(pattern) for pattern in (
    r"in \d+ s, loss \d\.\d{4} → 0\.\d{4}$",
    r"^(subject|style): fidelity \S+ \(direct merge \S+\), overlap 0\.\d{3}, coefficients moved by 0\.\d{3}$",
    r"^overlap: 0\.\d{3} \(1 at the start\); coefficients moved by 0\.\d{3} on average$",
    r"^\d+\.\d s, \d+\.\d\d s an iteration, \d\.\d\d GiB at the peak$",
    r"\d+\.\d s, \d+ MB at the peak$",
    r"relative error 0\.\d{4}$",
    r"^error of all layers together: 0\.\d+ of",
    r"rank at most \d+, \d+ kB$",
    r"‖ΔW‖ \d+\.\d+, stable rank \d\.\d, half of the ranks hold \d\d\.\d %$",
    r"^  overlap     1 → 0\.\d+; coefficients moved by 0\.\d+ on average$",
)]
NUMBER = re.compile(r"\d+(\.\d+)?(e-\d+)?")


def comparable(lines: list[str]) -> list[str]:
    """Continued lines joined, varying numbers and digests masked, this checkout's folder cut from the base's path."""
    joined = re.sub(r"\n {14}", " ", "\n".join(line.rstrip() for line in lines)).splitlines()
    masked = []
    for line in joined:
        for pattern in VARYING:
            line = pattern.sub(lambda match: NUMBER.sub("#", match[0]), line)
        line = re.sub(r"sha256 [0-9a-f]{64}$", "sha256 #", line)
        masked.append(re.sub(r"base as \S*/assets/mini,", "base as …/assets/mini,", line))
    return masked


def prints_as_shown(shown: list[str], printed: str) -> bool:
    """`printed` is what is shown, where a line "…" stands for any lines."""
    pattern = "".join(r"(?:.*\n)*?" if line.strip() == "…" else re.escape(line) + r"\n" for line in comparable(shown))
    return re.fullmatch(pattern, "".join(line + "\n" for line in comparable(printed.splitlines()))) is not None
