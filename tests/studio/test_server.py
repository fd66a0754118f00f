"""The studio's server over HTTP: the contract, the library, and jobs that come to what the command line makes."""

import json
import subprocess
import time
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from program import BUILD, run_ziplora, ziplora
from studio_client import API

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = json.loads((ROOT / "studio/openapi.json").read_text())


def test_the_routes_are_those_of_the_contract():
    told = json.loads(subprocess.run([BUILD / "ziplora-studio", "routes"], capture_output=True, text=True, check=True).stdout)
    have = {(route["method"], route["path"]) for route in told}
    assert have | {("GET", "/")} == {(method.upper(), path) for path, methods in CONTRACT["paths"].items() for method in methods}
    assert len(have) == len(told)


def fits(value, schema: dict, where: str):
    """Every member that the contract names is there and of its type."""
    if "$ref" in schema:
        *_, name = schema["$ref"].split("/")
        nullable = schema.get("nullable")
        return fits(value, {**CONTRACT["components"]["schemas"][name], **({"nullable": True} if nullable else {})}, where)
    if value is None:
        assert schema.get("nullable") or "type" not in schema, where
        return
    types = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool}
    assert "type" not in schema or isinstance(value, types[schema["type"]]), f"{where}: {value}"
    assert value in schema.get("enum", [value]), f"{where}: {value}"
    for name, member in schema.get("properties", {}).items() if isinstance(value, dict) else ():
        assert name in value, f"{where}: no {name} in {value}"
        fits(value[name], member, f"{where}.{name}")
    for one in value if isinstance(value, list) else ():
        fits(one, schema.get("items", {}), f"{where}[]")


@pytest.mark.parametrize("path", ["/about", "/verbs/merge", "/methods", "/adapters", "/folders", "/images", "/jobs", "/grids", "/ranking"])
def test_answers_have_the_shape_of_the_contract(path, studio, library):
    [schema] = [methods["get"]["responses"]["200"]["content"]["application/json"]["schema"]
                for name, methods in CONTRACT["paths"].items() if name.replace("{verb}", "merge") == API + path]
    answer = studio.get(path)
    fits(answer, schema, path)
    assert path != "/adapters" or len(answer["adapters"]) >= 2


def test_forms_come_from_the_programs_own_flags(studio):
    said = json.loads(run_ziplora("--print-flags").stdout)
    for verb in said["verbs"]:
        assert studio.get(f"/verbs/{verb['name']}")["flags"] == verb["flags"]
    methods = {method["name"]: method for method in studio.get("/methods")["methods"]}
    assert methods["ties"]["options"][0]["name"] == "density" and methods["zip"]["needs_base"] and not methods["direct"]["options"]
    flags = {flag["name"] for flag in studio.get("/verbs/merge")["flags"]}
    assert {option["name"] for method in methods.values() for option in method["options"]} <= flags
    assert studio.ask("GET", "/verbs/studio")[0] == studio.ask("GET", "/verbs/nothing")[0] == 404


def test_a_card_says_what_inspect_says(studio, library, loras):
    card = studio.get(f"/adapters/{library['dog']}")
    said = ziplora("inspect", loras / "dog.safetensors")["files"][0]
    assert (card["name"], card["origin"], card["state"], card["error"]) == ("dog", "uploaded", "ready", None)
    assert card["bytes"] == (loras / "dog.safetensors").stat().st_size
    for name in ("kinds", "ranks", "layers", "trigger_words", "programs", "defects"):
        assert card["summary"][name] == said[name]
    assert card["summary"]["trigger_words"][0] == "a sks dog" and card["summary"]["sha256"] == said["hashes"]["sha256"]
    status, headers, content = studio.raw("GET", f"{API}/adapters/{library['dog']}/file", headers={"X-Ziplora-Token": studio.token})
    assert status == 200 and content == (loras / "dog.safetensors").read_bytes()
    assert headers["Content-Disposition"] == "attachment; filename*=UTF-8''dog.safetensors"


def test_a_folder_is_read_where_it_lies_and_stays_as_it_was(studio, loras, tmp_path):
    for name in ("a", "sub/b"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.safetensors").write_bytes((loras / "ink.safetensors").read_bytes())
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "a.png").write_bytes((ROOT / "assets/demo/truth/cat.png").read_bytes())
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    folder = studio.post("/folders", {"path": str(tmp_path)})
    assert folder["files"] == 2
    end = time.monotonic() + 60
    while any(card["state"] == "inspecting" for card in of_folder(studio, folder)):
        assert time.monotonic() < end
        time.sleep(0.05)
    cards = of_folder(studio, folder)
    assert [(card["name"], card["state"], card["preview"]) for card in cards] == [("a", "ready", True), ("b", "ready", False)]
    assert studio.get(f"/adapters/{cards[0]['id']}/preview") == (tmp_path / "a.png").read_bytes()

    (tmp_path / "sub/b.safetensors").unlink()
    assert studio.get(f"/adapters/{cards[1]['id']}")["state"] == "missing"
    assert studio.ask("GET", f"/adapters/{cards[1]['id']}/file")[0] == 410
    assert studio.post(f"/folders/{folder['id']}/scan")["files"] == 1
    studio.ask("DELETE", f"/adapters/{cards[0]['id']}")
    assert studio.ask("DELETE", f"/folders/{folder['id']}")[0] == 204 and not of_folder(studio, folder)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if not path.is_dir()}.items() <= before.items()
    assert (tmp_path / "a.safetensors").exists()


def of_folder(studio, folder):
    return sorted((card for card in studio.get("/adapters")["adapters"] if card["folder"] == folder["id"]), key=lambda card: card["name"])


def test_a_merge_is_byte_for_byte_the_command_lines(studio, library, loras, tmp_path):
    options = {"subject": {"adapter": library["dog"]}, "style": {"adapter": library["ink"], "strength": 0.8}, "method": "ties",
               "density": 0.3, "output": "dog-in-ink"}
    job = studio.wait(studio.job("merge", options))
    [made] = job["adapters"]
    ziplora("merge", "--subject", loras / "dog.safetensors", "--style", f"{loras / 'ink.safetensors'}:0.8", "--method", "ties",
            "--density", 0.3, "-o", tmp_path / "dog-in-ink.safetensors")
    assert studio.get(f"/adapters/{made}/file") == (tmp_path / "dog-in-ink.safetensors").read_bytes()
    assert job["result"]["method"] == "ties" and job["progress"] is None and job["error"] is None
    assert job["command"].startswith("ziplora merge --subject /") and " --density 0.3" in job["command"]
    card = studio.get(f"/adapters/{made}")
    assert (card["origin"], card["job"], card["name"]) == ("made", job["id"], "dog-in-ink")


def test_a_merge_is_named_after_its_files_and_its_method(studio, library, loras):
    style = studio.post("/adapters?name=in%20szn%20style.safetensors", data=(loras / "ink.safetensors").read_bytes())["id"]
    options = {"subject": {"adapter": library["dog"]}, "style": {"adapter": style}, "method": "direct"}
    [made] = studio.wait(studio.job("merge", options))["adapters"]
    assert studio.get(f"/adapters/{made}")["name"] == "dog-in-szn style-direct"
    for adapter in (made, style):
        studio.ask("DELETE", f"/adapters/{adapter}")


def test_a_plan_says_what_happens_to_each_layer_and_does_nothing(studio, library):
    options = {"subject": {"adapter": library["dog"]}, "style": {"adapter": library["ink"]}, "method": "zip", "joint_weight": 1, "joint_prompt": ["a sks dog, in szn style"]}
    before = len(studio.get("/jobs")["jobs"])
    plan = studio.post("/jobs/plan", {"verb": "merge", "options": options})
    assert plan["refusal"] is None and plan["plan"]["needs_base"] and "sks dog" in plan["plan"]["joint_prompt"]
    layers = plan["plan"]["layers"]
    count = studio.get(f"/adapters/{library['dog']}")["summary"]["layers"]
    assert layers["total"] == layers["shared"] == layers["learned"] + layers["added"] == len(layers["each"]) == count > 0
    assert all((layer["how"] == "learned") == (".attn" in layer["layer"]) and layer["inputs"] == [0, 1] for layer in layers["each"])
    assert [(one["role"], one["layers"], one["rank"], one["alone"]) for one in plan["plan"]["inputs"]] == [
        ("subject", count, 2, 0), ("style", count, 2, 0)]
    direct = studio.post("/jobs/plan", {"verb": "merge", "options": {**options, "method": "direct", "joint_weight": None, "joint_prompt": None}})["plan"]
    assert not direct["needs_base"] and direct["layers"]["added"] == count
    plan = studio.post("/jobs/plan", {"verb": "generate", "options": {"prompt": ["a dog"], "steps": 3}})
    assert plan["config"]["steps"] == 3 and plan["command"] == "ziplora generate --output " + plan["config"]["output"] + " --steps 3 'a dog'"
    assert len(studio.get("/jobs")["jobs"]) == before


def test_a_picture_of_a1111_gives_its_settings(studio, library):
    from io import BytesIO

    from PIL import Image, PngImagePlugin
    text, file = PngImagePlugin.PngInfo(), BytesIO()
    text.add_text("parameters", "a cat <lora:dog:0.8> <lora:lost:1>\nNegative prompt: blur\nSteps: 20, Sampler: Euler a, Schedule type: Karras, "
                                "CFG scale: 7, Seed: 5, Size: 512x768, Model: sdxl")
    Image.new("RGB", (8, 8)).save(file, "png", pnginfo=text)
    settings = studio.get(f"/images/{studio.post('/images?name=found.png', data=file.getvalue())['id']}/settings")
    assert settings["source"] == "a1111" and settings["missing"] == ["lost.safetensors"]
    options = settings["options"]
    assert options["adapter"] == [{"adapter": options["adapter"][0]["adapter"], "strength": 0.8}]
    assert studio.get(f"/adapters/{options['adapter'][0]['adapter']}")["name"] == "dog"
    assert [options[name] for name in ("prompt", "negative_prompt", "steps", "scheduler", "karras", "guidance_scale", "seed", "width", "height")] == [
        ["a cat"], "blur", 20, "euler-ancestral", True, 7, 5, 512, 768]


def test_an_image_carries_settings_that_make_it_again(studio, library):
    options = {"prompt": ["a sks dog"], "adapter": [{"adapter": library["dog"], "strength": 0.9}], "steps": 2, "seed": 5, "images": 2}
    first = studio.wait(studio.job("generate", options))
    images = [studio.get(f"/images/{id}") for id in first["images"]]
    assert [(image["seed"], image["prompt"], image["contender"], image["width"]) for image in images] == [
        (5, "a sks dog", "dog × 0.9", 64), (6, "a sks dog", "dog × 0.9", 64)]
    settings = studio.get(f"/images/{images[1]['id']}/settings")
    assert settings["source"] == "ziplora"
    assert settings["missing"] == [] and settings["options"]["adapter"] == options["adapter"] and settings["options"]["seed"] == 6
    # Alone, as in the second run of both: in a batch of two, sums are rounded elsewhere.
    again = [studio.wait(studio.job("generate", settings["options"])) for _ in range(2)]
    assert studio.get(f"/images/{again[0]['images'][0]}/settings") == settings
    bytes_of = [studio.get(f"/images/{job['images'][0]}/file") for job in again]
    assert bytes_of[0] == bytes_of[1]

    uploaded = studio.post("/images?name=found.png", data=bytes_of[0])
    assert studio.get(f"/images/{uploaded['id']}/settings")["options"] == settings["options"]
    plain = studio.post("/images?name=plain.png", data=(ROOT / "assets/demo/truth/cat.png").read_bytes())
    assert studio.ask("GET", f"/images/{plain['id']}/settings")[0] == 204


def test_a_refused_job_says_the_programs_own_words(studio, library):
    options = {"prompt": ["a dog"], "scheduler": "eular"}
    failed = studio.wait(studio.job("generate", options), states=("failed",))
    assert failed["error"]["kind"] == "usage" and "did you mean 'euler'" in failed["error"]["hint"]
    assert "did you mean 'euler'" in studio.get(f"/jobs/{failed['id']}/log").decode()
    plan = studio.post("/jobs/plan", {"verb": "merge", "options": {"subject": {"adapter": library["dog"]}, "method": "tiez"}})
    assert "ties" in plan["refusal"]["hint"] and plan["plan"] is None and "--method tiez" in plan["command"]
    for options, words in [({"sed": 1}, "did you mean 'seed'?"), ({"adapter": "/etc/passwd"}, "adapter"), ({"save_latents": "/tmp/x"}, "id"),
                           ({"column": ["/etc/passwd"]}, "id"), ({"prompt": [["a"]]}, "flags"), ({"base": "relative"}, "begins with /")]:
        status, refused = studio.ask("POST", "/jobs", {"verb": "generate", "options": options})
        assert status == 400 and words in refused["hint"], refused
    assert studio.ask("POST", "/jobs", {"verb": "generate", "options": {"adapter": {"adapter": 999}}})[0] == 404
    assert studio.ask("POST", "/jobs", {"verb": "convert", "options": {}})[0] == 400


def test_the_queue_has_an_order_and_each_job_a_way_out(studio):
    slow = studio.job("generate", {"prompt": ["a dog"], "steps": 1000, "images": 4})
    queued = [studio.job("generate", {"prompt": [f"dog {i}"], "steps": 1}) for i in range(3)]
    running = studio.wait_until(slow, lambda job: job["progress"] and job["progress"]["stage"] == "denoise" and job["progress"]["step"] > 2)
    assert running["state"] == "running" and running["progress"]["eta_seconds"] > 0 and running["progress"]["total"] == 1000
    assert [studio.get(f"/jobs/{id}")["position"] for id in queued] == [0, 1, 2]
    studio.post(f"/jobs/{queued[2]}/move", {"position": 0})
    assert [studio.get(f"/jobs/{id}")["position"] for id in queued] == [1, 2, 0]
    assert studio.post(f"/jobs/{queued[0]}/cancel")["state"] == "cancelled"
    assert studio.ask("POST", f"/jobs/{slow}/restart")[0] == studio.ask("DELETE", f"/jobs/{slow}")[0] == 409
    studio.post(f"/jobs/{slow}/cancel")
    assert studio.wait(slow, states=("cancelled",))["images"] == []
    ends = [studio.wait(id)["finished"] for id in (queued[2], queued[1])]
    assert ends[0] < ends[1]
    studio.post(f"/jobs/{queued[0]}/restart")
    assert len(studio.wait(queued[0])["images"]) == 1
    assert studio.ask("DELETE", f"/jobs/{queued[0]}")[0] == 204 and studio.ask("GET", f"/jobs/{queued[0]}")[0] == 404


def test_events_tell_of_every_job_and_resume(studio):
    import http.client
    job = studio.job("generate", {"prompt": ["a dog"], "steps": 4, "images": 2}, previews=1)
    assert "preview" not in studio.wait(job)["command"]
    after = None
    for _ in range(2):
        connection = http.client.HTTPConnection("127.0.0.1", studio.port, timeout=60)
        connection.request("GET", f"{API}/events?token={studio.token}&after={after or 0}", headers={"Host": studio.host})
        stream, seen = connection.getresponse(), []
        assert stream.getheader("Content-Type") == "text/event-stream"
        name = None
        while True:
            line = stream.readline().decode().rstrip("\n")
            if line.startswith("id: "):
                name = int(line[4:])
            if line.startswith("data: ") and line != "data: {}":
                event = json.loads(line[6:])
                seen.append((name, event))
                if event.get("job") == job and event["event"].get("state") == "done":
                    break
        connection.close()
        mine = [event["event"] for _, event in seen if event.get("job") == job]
        if after is None:
            assert mine[0] == {"event": "state", "state": "queued"} and mine[1]["state"] == "running"
            assert {"stage_started", "step", "stage_finished"} <= {event["event"] for event in mine}
            previews = [event for event in mine if event["event"] == "preview"]  # of each image the last one alone is kept
            assert [(event["row"], event["step"], event["total"]) for event in previews] == [(0, 3, 4), (1, 3, 4)]
            assert all(event["image"].startswith("data:image/png;base64,") for event in previews)
            after = seen[-2][0]
        else:
            assert [event["event"] for event in mine] == ["state"]
    assert studio.get(f"/jobs/{job}/events")["events"] == [event for event in mine_all(studio, job)]
    assert "preview" not in {event["event"] for event in mine_all(studio, job)}


def mine_all(studio, job):
    lines = (studio.data / f"jobs/{job}/events.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_a_grid_is_one_job_with_a_place_for_each_image(studio, library):
    grid = studio.post("/grids", {"options": {"steps": 1}, "x": {"axis": "prompt", "values": ["a dog", "a fox"]},
                                  "y": {"axis": "file", "values": [None, library["dog"]]}})
    job = studio.wait(grid["job"])
    found = studio.get(f"/grids/{grid['id']}")
    assert found["y"]["labels"] == ["base", "dog"] and sorted(id for row in found["cells"] for id in row) == sorted(job["images"])
    for row, contender in zip(found["cells"], ("base", "dog")):
        for id, prompt in zip(row, ("a dog", "a fox")):
            image = studio.get(f"/images/{id}")
            assert (image["prompt"], image["contender"]) == (prompt, contender)
    assert studio.ask("POST", "/grids", {"options": {}, "x": {"axis": "seed", "values": []}, "y": {"axis": "prompt", "values": ["a"]}})[0] == 400


def test_votes_are_blind_counted_once_and_leave_with_their_evidence(studio, library):
    for contender in ("dog", "ink"):
        studio.wait(studio.job("generate", {"prompt": ["a vote"], "steps": 1, "images": 3, "adapter": [{"adapter": library[contender]}]}))
    seen, lefts = set(), set()
    while (answer := studio.ask("GET", "/ballots/next?question=subject"))[0] == 200:
        ballot = answer[1]
        names = {side: studio.get(f"/images/{ballot[side]}") for side in ("left", "right")}
        assert names["left"]["seed"] == names["right"]["seed"] == ballot["seed"] and names["left"]["prompt"] == names["right"]["prompt"]
        better = "left" if names["left"]["contender"] == "dog" else "right"
        vote = {"ballot": ballot["ballot"], "question": "subject", "choice": better}
        studio.post("/votes", vote)
        assert studio.ask("POST", "/votes", vote)[0] == 409
        seen.add(frozenset((ballot["left"], ballot["right"])))
        lefts.add(better)
    assert answer[0] == 204 and len(seen) >= 3
    ranking = studio.get("/ranking")["questions"]["subject"]
    best = {one["name"]: one for one in ranking["contenders"]}["dog"]
    assert ranking["votes"] == len(seen) and best["low"] <= best["strength"] <= best["high"] and best["strength"] > 0
    rows = studio.get("/votes.csv").decode().splitlines()
    assert len(rows) == 1 + len(seen) and rows[0].startswith("id,created,question,choice")
    archive = zipfile.ZipFile(BytesIO(studio.get("/evidence.zip")))
    assert archive.testzip() is None
    names = archive.namelist()
    assert {"about.json", "adapters.json", "images.json", "ranking.json", "votes.csv"} <= set(names)
    assert {f"images/{id}.png" for pair in seen for id in pair} == {name for name in names if name.startswith("images/")}
    assert archive.read("votes.csv").decode().splitlines() == rows
    for bad in ({"ballot": "1-1"}, {"ballot": "x", "question": "subject", "choice": "left"}, {"ballot": "1-2", "question": "?", "choice": "left"}):
        assert studio.ask("POST", "/votes", bad)[0] == 400
