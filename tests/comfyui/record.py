"""Runs the node pack and its example workflows in a real ComfyUI and keeps what came of it in tests/comfyui/facts.json.

    python tests/comfyui/narrow_sdxl.py ~/ComfyUI/models          # once: a base and two LoRAs of random weights
    ln -s $PWD/integrations/comfyui ~/ComfyUI/custom_nodes/comfyui-ziplora
    ~/ComfyUI/venv/bin/python -m pip install dist/ziplora-*.whl
    ~/ComfyUI/venv/bin/python tests/comfyui/record.py ~/ComfyUI   # minutes, headless, on the CPU

Kept: ComfyUI's version; the signatures of what the nodes call; how the page sees the nodes; what each run ended as; and
whether the image of *ZipLoRA Merge* is, pixel by pixel, the one that ComfyUI's own LoRA loader draws with the file that
the command line wrote. Nothing of ComfyUI is kept. docs/use.md shows the result; test_nodes.py holds the nodes to it.
"""

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from importlib.metadata import version
from pathlib import Path

import aiohttp
from comfyui_server import OPERATORS, PORT, ComfyUi, as_prompt, statuses, without_files
from PIL import Image
from safetensors import safe_open

HERE = Path(__file__).resolve().parent
PACK = HERE.parents[1] / "integrations/comfyui"
SHORT = "\niterations=2\nimages=1\nimage_steps=1\nimage_size=64\nevaluation_draws=1"
CALLED = ["folder_paths.get_filename_list", "folder_paths.get_full_path_or_raise", "folder_paths.get_folder_paths",
          "nodes.LoraLoader.load_lora", "comfy.utils.ProgressBar", "comfy.utils.ProgressBar.update_absolute",
          "comfy.model_management.throw_exception_if_processing_interrupted",
          "comfy.model_management.InterruptProcessingException"]


def interface(checkout: Path) -> dict[str, str]:
    """The signature of each function that the nodes call, and the bases of the exception that Cancel raises."""
    code = OPERATORS + f"""
import sys; sys.argv = ["main.py", "--cpu"]; sys.path.insert(0, ".")
import inspect, json, comfy.options
comfy.options.enable_args_parsing()
import folder_paths, nodes, comfy.utils, comfy.model_management
def told(path):
    found = eval(path)
    is_exception = inspect.isclass(found) and issubclass(found, BaseException)
    return found.__bases__[0].__name__ if is_exception else str(inspect.signature(found))
print(json.dumps({{path: told(path) for path in {CALLED!r}}}))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=checkout, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


class Steps:
    """What the progress bar is told of each node, as the page gets it."""

    def __init__(self):
        self.seen, self._change = [], threading.Condition()
        threading.Thread(target=lambda: asyncio.run(self._listen()), daemon=True).start()

    async def _listen(self):
        async with aiohttp.ClientSession() as session, session.ws_connect(f"http://127.0.0.1:{PORT}/ws?clientId=record") as page:
            async for message in page:
                if message.type == aiohttp.WSMsgType.TEXT and (said := json.loads(message.data))["type"] == "progress":
                    with self._change:
                        self.seen.append((said["data"]["node"], said["data"]["value"], said["data"]["max"]))
                        self._change.notify_all()

    def wait_for(self, step: tuple):
        with self._change:
            assert self._change.wait_for(lambda: step in self.seen, 300), self.seen[-5:]


def pixels(checkout: Path, entry: dict) -> str:
    image = next(output["images"][0] for output in entry["outputs"].values() if "images" in output)
    with Image.open(checkout / "output" / image["subfolder"] / image["filename"]) as drawn:
        return hashlib.sha256(drawn.convert("RGB").tobytes()).hexdigest()


def small(prompt: dict, more_options: str = "") -> dict:
    prompt["12"]["inputs"].update(width=64, height=64)
    prompt["13"]["inputs"].update(steps=1, cfg=1.0)
    prompt["2"]["inputs"]["options"] += more_options
    return prompt


def with_own_loader(prompt: dict, lora: str | None) -> dict:
    """The same image by ComfyUI's LoraLoader in place of our node, or without any LoRA."""
    prompt = json.loads(json.dumps(prompt))
    inputs = prompt.pop("2")["inputs"]
    for name in ("3", "16", "17", "18"):
        prompt.pop(name, None)
    prompt["2"] = {"class_type": "LoraLoader", "inputs": {
        "model": inputs["model"], "clip": inputs["clip"], "lora_name": lora or "dog.safetensors",
        "strength_model": inputs["strength"] if lora else 0.0, "strength_clip": inputs["strength"] if lora else 0.0}}
    return prompt


def command_line(models: Path, inputs: dict, further: list[tuple[str, float]], output: Path) -> list[str]:
    """What somebody would type for the same merge."""
    words = ["merge", "--method", inputs["method"]]
    for role in ("subject", "style"):
        words += [f"--{role}", f"{models}/loras/{inputs[role]}:{inputs[role + '_strength']}"]
        words += [word for line in inputs[role + "_prompt"].splitlines() for word in (f"--{role}-prompt", line)]
    words += [word for name, strength in further for word in ("--adapter", f"{models}/loras/{name}:{strength}")]
    words += [word for line in inputs["joint_prompt"].splitlines() for word in ("--joint-prompt", line)]
    if inputs["base"] != "(none)":
        words += ["--base", f"{models}/checkpoints/{inputs['base']}"]
    for line in inputs["options"].split():
        name, value = line.split("=")
        words += [f"--{name.replace('_', '-')}"] + ([] if value == "true" else [value])
    return [*words, "-o", str(output)]


def same_tensors(one: Path, other: Path) -> bool:
    with safe_open(one, "numpy") as a, safe_open(other, "numpy") as b:
        return set(a.keys()) == set(b.keys()) and all((a.get_tensor(key) == b.get_tensor(key)).all() for key in a.keys())


def compare(server: ComfyUi, checkout: Path, example: str, more_options: str, further=()) -> tuple[dict, dict, Path]:
    prompt = small(as_prompt(json.loads((PACK / "example_workflows" / example).read_text()), server.get("/object_info")),
                   more_options)
    for name in {"2", "16", "18"} & prompt.keys():  # without it, SDXL's widths
        prompt[name]["inputs"]["base"] = prompt["1"]["inputs"]["ckpt_name"]
    entry = server.run(prompt)
    assert entry["status"]["completed"], entry["status"]
    loras = checkout / "models/loras"
    merged = loras / entry["outputs"]["2"]["text"][0]
    output = loras / "by_command_line.safetensors"
    words = command_line(checkout / "models", prompt["2"]["inputs"], further, output)
    subprocess.run([Path(sys.executable).parent / "ziplora", *words], check=True)
    fact = {"statuses": statuses(entry), "lora": entry["outputs"]["2"]["text"][0], "same_tensors": same_tensors(merged, output),
            "pixels": pixels(checkout, entry),
            "pixels_by_command_line": pixels(checkout, server.run(with_own_loader(prompt, output.name)))}
    if "16" in entry["outputs"]:
        fact["report"] = entry["outputs"]["16"]["text"][0].split("\n")[1].strip()
        fact["shown"] = entry["outputs"]["17"]["text"][0].startswith(entry["outputs"]["16"]["text"][0][:100])
        fact["converted"] = entry["outputs"]["18"]["text"][0]
    return fact, prompt, merged


def cancel(server: ComfyUi, prompt: dict, checkout: Path) -> dict:
    """In the middle of zip's iterations; then the same prompt again, which goes on where it was."""
    prompt = json.loads(json.dumps(prompt))
    prompt["2"]["inputs"]["options"] = prompt["2"]["inputs"]["options"].replace("iterations=2", "iterations=5")
    steps = Steps()
    number = server.queue(prompt)
    steps.wait_for(("2", 1, 5))
    server.post("/interrupt", {})
    entry = server.wait(number)
    folder = checkout / "models/loras/ziplora"
    fact = {"statuses": statuses(entry), "left": sorted(file.suffixes[0] for file in folder.glob("*.merge-state.safetensors"))}
    steps.seen.clear()
    entry = server.run(prompt)
    values = [value for node, value, total in steps.seen if (node, total) == ("2", 5)]
    return fact | {"then": statuses(entry), "went_on_at": min(values), "ended_at": max(values),
                   "left_then": len(list(folder.glob("*.merge-state.safetensors")))}


def restarted(server: ComfyUi, checkout: Path, prompt: dict, merged: Path, drawn_before: str) -> dict:
    """The same prompt in a new ComfyUI, and once more with another file name for the image."""
    written = os.stat(merged).st_mtime_ns
    entry = server.run(prompt)
    saved = {**prompt["15"], "inputs": {**prompt["15"]["inputs"], "filename_prefix": "again"}}
    again = server.run({**prompt, "15": saved})
    return {"merged_again": os.stat(merged).st_mtime_ns != written, "same_pixels": pixels(checkout, entry) == drawn_before,
            "cached": "2" in dict(again["status"]["messages"])["execution_cached"]["nodes"]}


def refusals(checkout: Path, prompt: dict) -> dict:
    """What somebody reads whose ComfyUI has another Python, or no program, or a wrong option."""
    python = Path(sys.executable)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "ziplora.py").write_text("raise ModuleNotFoundError('ziplora')\n")
        with ComfyUi(checkout, python, Path(folder) / "log", PYTHONPATH=folder) as server:
            missing = server.post("/prompt", {"prompt": prompt})["node_errors"]["2"]["errors"][0]["details"]
        with ComfyUi(checkout, python, Path(folder) / "log", ZIPLORA_PROGRAM="/nowhere/ziplora") as server:
            wrong = json.loads(json.dumps(prompt))
            wrong["2"]["inputs"]["options"] = "densty=0.3"
            option = server.post("/prompt", {"prompt": wrong})["node_errors"]["2"]["errors"][0]["details"]
            wrong["2"]["inputs"]["options"] = "seed=99"
            entry = server.run(wrong)
            program = dict(entry["status"]["messages"])["execution_error"]["exception_message"].strip()
    return {"no_package": missing.replace(str(python), "python"), "no_program": program, "unknown_option": option[:60]}


def main(checkout: Path):
    python = Path(sys.executable)
    shutil.rmtree(checkout / "models/loras/ziplora", ignore_errors=True)
    shutil.copy(checkout / "models/loras/dog.safetensors", checkout / "models/loras/paper.safetensors")
    commit = subprocess.run(["git", "-C", checkout, "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
    facts = {"program": "ComfyUI", "version": (checkout / "comfyui_version.py").read_text().split('"')[-2], "commit": commit,
             "torch": version("torch"), "interface": interface(checkout)}
    log = checkout / "ziplora.log"
    with ComfyUi(checkout, python, log) as server:
        info = server.get("/object_info")
        facts["nodes"] = {name: without_files(info[name]) for name in
                          ("ZipLoRA Merge", "ZipLoRA Further LoRA", "LoRA Inspect", "LoRA Convert")}
        facts["merge_subject_and_style"], prompt, merged = compare(server, checkout, "merge_subject_and_style.json", SHORT)
        # On factors: the SVD of every delta would take an hour.
        facts["merge_three_and_inspect"], _, _ = compare(server, checkout, "merge_three_and_inspect.json", "\non=factors",
                                                         [("paper.safetensors", 0.5)])
        facts["pixels_without"] = pixels(checkout, server.run(with_own_loader(prompt, None)))
        print(json.dumps(facts), flush=True)
        facts["cancel"] = cancel(server, prompt, checkout)
    with ComfyUi(checkout, python, log) as server:
        facts["after_a_restart"] = restarted(server, checkout, prompt, merged, facts["merge_subject_and_style"]["pixels"])
    facts["refusals"] = refusals(checkout, prompt)
    (HERE / "facts.json").write_text(json.dumps(facts, indent=1) + "\n")
    print(json.dumps(facts, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]).expanduser())
