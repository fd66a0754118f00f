"""kill -9 of the server and of workers, at random moments: nothing that was answered is lost, no worker is left, no half file stands
under a final name, and the next studio goes on."""

import os
import random
import signal
import time
from pathlib import Path

import pytest
from program import ziplora
from reliability import FULL
from studio_client import Studio

KILLS = int(os.environ.get("ZIPLORA_STUDIO_KILLS", 50 if FULL else 5))  # of the server; as many of workers


def processes_in(folder: Path) -> list[int]:
    """Workers: those that run in one of its jobs' folders."""
    found = []
    for place in Path("/proc").iterdir():
        try:
            if place.name.isdigit() and os.readlink(place / "cwd").startswith(str(folder)):
                found.append(int(place.name))
        except OSError:
            pass
    return found


def is_whole(file: Path):
    assert file.stat().st_size > 1000
    if file.suffix == ".safetensors":
        assert ziplora("inspect", file)["files"][0]["layers"] > 0
    else:
        assert file.read_bytes().endswith(b"IEND\xaeB`\x82")


def merge_options(ids) -> dict:
    return {"subject": {"adapter": ids["dog"]}, "style": {"adapter": ids["ink"]}, "method": "direct"}


@pytest.mark.promise("kill -9 of the studio's server or of its workers at any moment loses nothing that was answered, leaves no "
                     "worker and no half file under a final name; the next studio goes on with the queue.")
def test_killed_servers_lose_nothing(loras, tmp_path, trials):
    generator = random.Random(24)
    data, accepted, ids = tmp_path / "data", {}, {}
    studio = Studio(data)
    for name in ("dog", "ink"):
        ids[name] = studio.upload(loras / f"{name}.safetensors")["id"]
    for trial in range(KILLS):
        trials.append(f"server {trial}")
        try:
            accepted[studio.job("merge", merge_options(ids))] = "merge"
            accepted[studio.job("generate", {"prompt": ["a dog"], "steps": 3})] = "generate"
            time.sleep(generator.uniform(0, 2.5))
        finally:
            studio.kill()
        studio = Studio(data)
        states = {job: studio.get(f"/jobs/{job}") for job in accepted}  # each is still known
        for job, found in states.items():
            if found["state"] == "interrupted":
                assert found["error"]["kind"] == "interrupted"
                studio.post(f"/jobs/{job}/restart")
    for job, verb in accepted.items():
        found = studio.wait(job, seconds=240)
        assert len(found["adapters" if verb == "merge" else "images"]) == 1, found
    assert {card["name"] for card in studio.get("/adapters")["adapters"]} == {"dog", "ink", "dog-in-ink-direct"}
    studio.stop()
    assert processes_in(data) == []
    files = [path for path in data.rglob("*") if path.suffix in (".safetensors", ".png")]
    assert len(files) == 2 + len(accepted) and not [path for path in data.rglob("*.part")]
    for file in files[:4]:
        is_whole(file)


def test_workers_die_with_their_server(tmp_path):
    """No other studio is there to end them."""
    studio = Studio(tmp_path / "data")
    job = studio.job("generate", {"prompt": ["a dog"], "steps": 1000, "images": 50})
    studio.wait_until(job, lambda found: found["progress"] and found["progress"]["stage"] == "denoise")
    studio.kill()
    end = time.monotonic() + 20
    while processes_in(tmp_path):
        assert time.monotonic() < end
        time.sleep(0.1)


def test_killed_workers_are_told_and_can_be_started_again(loras, tmp_path):
    generator = random.Random(7)
    with Studio(tmp_path / "data") as studio:
        told = 0
        for _ in range(KILLS):
            job = studio.job("generate", {"prompt": ["a dog"], "steps": 400})
            studio.wait_until(job, lambda found: processes_in(studio.data / f"jobs/{job}"))
            time.sleep(generator.uniform(0, 1.5))
            for process in processes_in(studio.data / f"jobs/{job}"):
                os.kill(process, signal.SIGKILL)
            found = studio.wait(job, states=("failed", "done"))
            if found["state"] == "failed":
                assert found["error"]["kind"] == "killed" and "memory" in found["error"]["hint"] and found["images"] == []
                assert not list((studio.data / f"jobs/{job}/out").glob("*.png"))
                told += 1
        assert told
        again = studio.job("generate", {"prompt": ["a dog"], "steps": 1})
        assert len(studio.wait(again)["images"]) == 1


def test_an_interrupted_training_goes_on_by_itself(tmp_path):
    photo = (Path(__file__).resolve().parents[2] / "assets/demo/subject/1.png").read_bytes()
    studio = Studio(tmp_path / "data")
    image = studio.post("/images?name=cat.png", data=photo)["id"]
    options = {"images": [{"images": [image]}], "prompt": "a cat", "iterations": 30, "rank": 2, "batch_size": 1, "views": 1,
               "sample_every": 10}
    job = studio.job("train", options, captions={str(image): "a sks cat"})
    studio.wait_until(job, lambda found: found["progress"] and found["progress"]["stage"] == "train" and found["progress"]["step"] > 2)
    assert (studio.data / f"jobs/{job}/images-0/0001.txt").read_text() == "a sks cat"
    studio.kill()
    studio = Studio(tmp_path / "data")
    with studio:
        found = studio.wait(job, seconds=240)
        assert found["result"]["iterations"] == 30 and found["result"]["captions"] == 1
        steps = [event["step"] for event in studio.get(f"/jobs/{job}/events")["events"]
                 if event["event"] == "step" and event["stage"] == "train"]
        assert steps == sorted(set(steps)) and steps[-1] == 30, steps  # none is done twice
        assert len(found["adapters"]) == 1 and len(found["images"]) >= 2
        [name] = [card["name"] for card in studio.get("/adapters")["adapters"] if card["id"] in found["adapters"]]
        assert name == "a cat"  # the prompt, since it was given no other
