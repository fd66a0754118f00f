"""The studio's server without a browser: `ziplora studio` on a data folder, and a client that can also do what no browser does.

    with Studio(tmp_path / "data") as studio:
        status, card = studio.post("/adapters?name=dog.safetensors", data=file.read_bytes())
"""

import http.client
import json
import re
import signal
import subprocess
import time
from pathlib import Path

from program import command_line

API = "/api/v1"


class Studio:
    def __init__(self, data: Path, *arguments, **options):
        self.data = data
        self.process = subprocess.Popen(command_line(["studio", "--no-browser", "--json", "--data", data, *arguments]),
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
        said = self.process.stdout.readline()
        assert said, self.process.stderr.read()
        self.address = json.loads(said)["address"]
        self.port = int(re.search(r":(\d+)/", self.address)[1])
        self.host = f"127.0.0.1:{self.port}"
        page = self.raw("GET", "/" + self.address.split("/")[-1])[2].decode()
        self.token = re.search(r'name="?ziplora-token"? content="?([^">]+)', page)[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(timeout=60)
        self.process.stdout.close()
        self.process.stderr.close()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def raw(self, method, path, body=None, headers={}):
        """(status, headers, bytes) of any path, with these headers and no others."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": self.host, **headers}.items():
            if value is not None:
                connection.putheader(name, value)
        if body is not None and "Content-Length" not in headers:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders()
        try:
            if body is not None:
                connection.send(body)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before all of it was read; the answer is there
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, dict(answer.getheaders()), content

    def ask(self, method, path, body=None, data=None, headers={}):
        """(status, the answer's JSON, or its bytes)"""
        if body is not None:
            data = json.dumps(body).encode()
        status, said, content = self.raw(method, API + path, data, {"X-Ziplora-Token": self.token, **headers})
        is_json = said.get("Content-Type", "").startswith("application/json")
        return status, json.loads(content) if is_json else content

    def get(self, path):
        status, answer = self.ask("GET", path)
        assert status == 200, answer
        return answer

    def post(self, path, body=None, data=None, expect=(200, 201)):
        status, answer = self.ask("POST", path, body, b"" if body is None and data is None else data)
        assert status in expect, answer
        return answer

    def upload(self, file: Path) -> dict:
        return self.post(f"/adapters?name={file.name}", data=file.read_bytes())

    def job(self, verb, options, **more) -> int:
        return self.post("/jobs", {"verb": verb, "options": options, **more})["id"]

    def wait(self, job, states=("done",), seconds=120) -> dict:
        """Until it has ended; it must be in one of the states."""
        ended = {"done", "failed", "cancelled", "interrupted"}
        found = self.wait_until(job, lambda found: found["state"] in ended | set(states), seconds)
        assert found["state"] in states, found
        return found

    def wait_until(self, job, condition, seconds=120) -> dict:
        end = time.monotonic() + seconds
        while not condition(found := self.get(f"/jobs/{job}")):
            assert time.monotonic() < end, found
            time.sleep(0.05)
        return found
