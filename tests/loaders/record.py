"""Runs files through another program's own loading code and keeps what came of it as tests/loaders/facts/<program>.json.

    python tests/loaders/record.py comfyui ~/ComfyUI
    python tests/loaders/record.py kohya ~/sd-scripts        # and kohya_merge; with its requirements' versions
    python tests/loaders/record.py diffusers                 # as installed
    python tests/loaders/record.py comfyui ~/ComfyUI --forms # the three forms only, the cases as they are recorded

Of each case of lora_cases.py: whether the program loads it fully, partly, wrongly or not, and why, judged by the weights
that its code arrives at. Of each form that ziplora writes, over every layer of SDXL: which layers the program refuses,
by name ("all": it found none, or refused the file), how many keys and which it accepts, and what it adds to some
layers. Nothing of the other program is kept. docs/compatibility.md shows the result.
"""

import importlib
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

import torch  # noqa: E402
from lora_cases import CASES, base_weight  # noqa: E402
from our_forms import SAMPLED, fingerprint, form_files, key_list, keys_by_layer  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from sdxl_modules import sdxl_modules  # noqa: E402

TOLERANCE = 1e-4  # relative, in float32


def load(program, tensors, metadata, weight_of, about):
    extra = {"about": about} if program.name == "kohya merge script" else {}
    return program.load(tensors, metadata, weight_of, **extra)


def one_line(error):
    return re.sub(r"\s+", " ", f"{type(error).__name__}: {error}")[:160]


def relative_error(found, expected):
    return float((found.double() - expected.double()).norm() / expected.double().norm())


def judge_case(program, make, modules) -> dict:
    case = make(modules)

    def weight_of(name):
        return base_weight(name, modules)
    try:
        loaded = load(program, case.tensors, case.metadata, weight_of, list(case.deltas))
        found = {name: loaded.deltas[name]() for name in case.deltas if name in loaded.deltas}
        found = {name: delta for name, delta in found.items() if delta.any()}  # some log an error and change nothing
        dropped = [name for name in case.deltas if name not in found]
        errors = {name: relative_error(delta, case.deltas[name]) for name, delta in found.items()}
    except Exception as error:  # whatever the program throws is its refusal
        return {"verdict": "not", "error": one_line(error)}
    wrong = {name: round(error, 4) for name, error in errors.items() if not error < TOLERANCE}
    verdict = "not" if len(dropped) == len(case.deltas) else "wrongly" if wrong else "partly" if dropped else "fully"
    fact = {"verdict": verdict}
    if dropped and verdict != "not":
        fact["dropped"] = dropped
    if wrong:
        fact["wrong"] = wrong
    return fact


def judge_form(program, form, file, modules) -> dict:
    tensors = load_file(file)
    zero = {}

    def weight_of(name):
        return zero.setdefault(name, torch.zeros(modules[name].shape))
    fact = {"keys": len(tensors), "key_list": fingerprint("\n".join(key_list(tensors)))}
    found = set()
    try:
        loaded = load(program, tensors, {}, weight_of, SAMPLED)
        found = set(loaded.deltas) & set(modules)
        fact["deltas"] = {}
        for name in SAMPLED:
            if name in loaded.deltas:
                delta = loaded.deltas[name]().double().flatten(1)
                fact["deltas"][name] = [float(f"{value:.6g}") for value in (delta.norm(), delta.sum(), delta[1].sum())]
    except Exception as error:
        found = set()
        fact["error"] = one_line(error)
    accepted = [key for name, keys in keys_by_layer(tensors, modules, form).items() if name in found for key in keys]
    return fact | {"layers": len(found), "accepted_keys": len(accepted),
                   "accepted_key_list": fingerprint("\n".join(sorted(accepted))),
                   "refused": sorted(set(modules) - found) if found else "all"}


def commit_of(checkout):
    done = subprocess.run(["git", "-C", checkout, "rev-parse", "HEAD"], capture_output=True, text=True)
    return done.stdout.strip()


def write(facts, file):
    text = json.dumps(facts, indent=1)
    text = re.sub(r"\[[^][{}]*\]", lambda found: re.sub(r"\s+", " ", found[0]), text)  # a list a line
    file.write_text(text + "\n")


def main(which, checkout=None, commit="", *, forms_only=False):
    torch.set_grad_enabled(False)
    program = importlib.import_module(f"loader_{which}").Program(Path(checkout) if checkout else None)
    modules = sdxl_modules()
    facts = {"program": program.name, "version": program.version,
             "commit": commit or (commit_of(checkout) if checkout else ""), "cases": {}, "forms": {}}
    result = HERE / "facts" / f"{which}.json"
    if forms_only:
        recorded = json.loads(result.read_text())
        assert all(recorded[key] == facts[key] for key in ("program", "version", "commit")), "record its cases, too"
        facts["cases"] = recorded["cases"]
    for name, make in ({} if forms_only else CASES).items():
        facts["cases"][name] = judge_case(program, make, modules)
        print(f"{name:34}", json.dumps(facts["cases"][name])[:140], flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for form, file in form_files(modules, Path(folder)).items():
            facts["forms"][form] = judge_form(program, form, file, modules)
            print(f"{form:34}", json.dumps(facts["forms"][form])[:200], flush=True)
    write(facts, result)


if __name__ == "__main__":
    main(*(word for word in sys.argv[1:] if word != "--forms"), forms_only="--forms" in sys.argv)
