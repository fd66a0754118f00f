"""docs/compatibility.md's table: what was run comes from facts/*.json, what was only read from `ziplora inspect`.

    python tests/loaders/matrix.py        # prints it
"""

import json
import sys
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
SIGNS = {"fully": "●", "partly": "◐", "wrongly": "≠", "not": "○", "unknown": "?"}
# In the table's order: the program as facts and inspect call it, and its column.
RUN = {"diffusers": "diffusers", "kohya sd-scripts": "kohya", "kohya merge script": "kohya merge",
       "ComfyUI": "ComfyUI", "Forge": "Forge", "InvokeAI": "InvokeAI"}
READ = {"A1111": "A1111", "stable-diffusion.cpp": "sd.cpp", "PEFT": "PEFT"}


@cache
def facts() -> dict:
    """By program, in the table's order."""
    found = {fact["program"]: fact for fact in (json.loads(file.read_text()) for file in (HERE / "facts").glob("*.json"))}
    return {program: found[program] for program in RUN if program in found}


def table(inspected) -> str:
    """`inspected`: case -> program -> verdict, of what was only read."""
    columns = [column for program, column in RUN.items() if program in facts()] + [f"{c} ʳ" for c in READ.values()]
    lines = ["| file | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for case in next(iter(facts().values()))["cases"]:
        cells = [SIGNS[fact["cases"][case]["verdict"]] for fact in facts().values()]
        cells += [SIGNS[inspected[case].get(program, "unknown")] for program in READ]
        lines.append(f"| {case} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main():
    sys.path[:0] = [str(HERE), str(HERE.parent / "support")]
    import tempfile

    from lora_cases import CASES
    from program import ziplora
    from safetensors.torch import save_file
    from sdxl_modules import sdxl_modules
    modules, inspected = sdxl_modules(), {}
    for name, make in CASES.items():
        case = make(modules)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"{name}.safetensors"
            save_file({key: value.contiguous() for key, value in case.tensors.items()}, file, case.metadata or None)
            report = ziplora("inspect", file)["files"][0]
        inspected[name] = {p["program"]: p["verdict"] for p in report["programs"]}
    print(table(inspected))


if __name__ == "__main__":
    main()
