"""A headless ComfyUI from a checkout, on the CPU and on loopback, and what its HTTP API says.

    with ComfyUi(Path("~/ComfyUI"), python) as server:
        done = server.run(as_prompt(workflow, server.get("/object_info")))
"""

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

# PyPI's torchvision is built for CUDA; beside torch's CPU build, its Python half misses two operators.
OPERATORS = """
import torch
for name in ("nms", "qnms"):
    torch.library.define(f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
"""
LAUNCHER = OPERATORS + """
import runpy, sys
sys.path.insert(0, ".")
sys.argv[0] = "main.py"
runpy.run_path("main.py", run_name="__main__")
"""
PORT = 8199


class ComfyUi:
    def __init__(self, checkout: Path, python: Path, log: Path, **environment: str):
        self.log = open(log, "w")
        # Text encoders in float32: float16 is slow on a CPU.
        self.process = subprocess.Popen(
            [python, "-c", LAUNCHER, "--cpu", "--fp32-text-enc", "--listen", "127.0.0.1", "--port", str(PORT),
             "--disable-api-nodes", "--database-url", "sqlite:///:memory:"],
            cwd=checkout, env=os.environ | environment, stdout=self.log, stderr=self.log)

    def __enter__(self):
        for _ in range(600):
            assert self.process.poll() is None, f"ComfyUI ended; see {self.log.name}"
            try:
                self.get("/system_stats")
                return self
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.5)
        raise TimeoutError("ComfyUI does not answer")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.log.close()

    def get(self, path: str):
        with urllib.request.urlopen(f"http://127.0.0.1:{PORT}{path}") as answer:
            return json.load(answer)

    def post(self, path: str, data: dict) -> dict:
        request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", json.dumps(data).encode(),
                                         {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request) as answer:
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as refused:
            return json.loads(refused.read())

    def queue(self, prompt: dict) -> str:
        said = self.post("/prompt", {"prompt": prompt})
        assert "prompt_id" in said and not said["node_errors"], said
        return said["prompt_id"]

    def wait(self, prompt_id: str) -> dict:
        """The history's entry, with its "outputs" and "status"."""
        while not (history := self.get(f"/history/{prompt_id}")):
            time.sleep(0.2)
        return history[prompt_id]

    def run(self, prompt: dict) -> dict:
        return self.wait(self.queue(prompt))


def widget_names(node_info: dict) -> list[str]:
    """In the order of a saved workflow's widgets_values."""
    names = []
    for name, (kind, *options) in (node_info["input"].get("required", {}) | node_info["input"].get("optional", {})).items():
        if isinstance(kind, list) or kind in ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"):
            names.append(name)
            if options and options[0].get("control_after_generate"):
                names.append("")  # "fixed", "randomize": the page's own
    return names


def as_prompt(workflow: dict, object_info: dict) -> dict:
    """A workflow as the page saves it, in the form that the API runs."""
    links = {link[0]: [str(link[1]), link[2]] for link in workflow["links"]}
    prompt = {}
    for node in workflow["nodes"]:
        names = widget_names(object_info[node["type"]])
        assert len(names) == len(node["widgets_values"]), (node["type"], names)
        inputs = {name: value for name, value in zip(names, node["widgets_values"]) if name}
        inputs |= {given["name"]: links[given["link"]] for given in node["inputs"] if given["link"] is not None}
        prompt[str(node["id"])] = {"class_type": node["type"], "inputs": inputs}
    return prompt


def without_files(info: dict) -> dict:
    """How the page sees a node, without the lists of what lies in folders and the texts that may change."""
    inputs = {kind: {name: [("list" if isinstance(row[0], list) else row[0]),
                            {key: value for key, value in (row[1] if len(row) > 1 else {}).items() if key != "tooltip"}]
                     for name, row in rows.items()} for kind, rows in info["input"].items()}
    return {"input": inputs, "output": info["output"], "output_name": info["output_name"], "output_node": info["output_node"]}


def statuses(entry: dict) -> list[str]:
    return [name for name, _ in entry["status"]["messages"]]
