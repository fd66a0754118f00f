"""What the studio's server refuses, and what it stands: other pages, other hosts, hostile files, and crowds."""

import http.client
import json
import os
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
from program import command_line, run_ziplora
from small_disk import disk, fill  # noqa: F401  (disk is a fixture)
from studio_client import API, Studio


def every_file(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("studio.sqlite")}


@pytest.mark.parametrize("headers, status", [
    ({"Host": "evil.example"}, 421), ({"Host": "evil.example:{port}"}, 421), ({"Host": "127.0.0.1"}, 421), ({"Host": None}, 421),
    ({"Origin": "http://evil.example"}, 403), ({"Origin": "null"}, 403), ({"Origin": "https://{host}"}, 403),
    ({"Origin": "http://127.0.0.1:1"}, 403), ({"Sec-Fetch-Site": "cross-site"}, 403), ({"Sec-Fetch-Site": "same-site"}, 403),
    ({"X-Ziplora-Token": None}, 401), ({"X-Ziplora-Token": "0" * 64}, 401), ({"X-Ziplora-Token": ""}, 401)])
def test_only_our_own_page_may_ask(headers, status, studio):
    fill_in = lambda text: text and text.format(host=studio.host, port=studio.port)  # noqa: E731
    given = {"X-Ziplora-Token": studio.token, **{name: fill_in(value) for name, value in headers.items()}}
    for method, path, body in (("GET", "/about", None), ("POST", "/jobs", b"{}"), ("DELETE", "/adapters/1", None),
                               ("POST", "/adapters?name=a.safetensors", b"x" * 100_000)):
        found, said, content = studio.raw(method, API + path, body, given)
        assert found == status and json.loads(content).keys() == {"kind", "where", "problem", "hint"}
    if status != 401:
        assert studio.raw("GET", "/", headers={name: fill_in(value) for name, value in headers.items()})[0] in (status, 200)
        assert status != 421 or studio.raw("GET", "/", headers={"Host": fill_in(headers["Host"])})[0] == 421


def test_the_page_and_the_query_carry_the_token_and_nothing_is_cached(studio):
    status, headers, content = studio.raw("GET", "/")
    assert status == 200 and studio.token.encode() in content and len(studio.token) == 64
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "'unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert (headers["Cache-Control"], headers["X-Content-Type-Options"]) == ("no-store", "nosniff")
    assert studio.raw("GET", f"{API}/about?token={studio.token}")[0] == 200
    assert studio.raw("GET", "/", headers={"Host": f"localhost:{studio.port}", "Origin": f"http://localhost:{studio.port}"})[0] == 200
    assert studio.raw("GET", "/")[2] != content  # another nonce
    assert oct(studio.data.stat().st_mode)[-3:] == "700"


@pytest.mark.parametrize("path", ["/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", f"{API}/adapters/../../../etc/passwd",
                                  f"{API}/adapters/..%2f..%2fetc%2fpasswd/file", f"{API}/images/1%00/file", f"{API}/images/-1/file",
                                  f"{API}/jobs/1e3", f"{API}/jobs/99999999999999999999", "/studio.sqlite", f"{API}/nothing", "//", f"{API}/"])
def test_no_path_leads_out(path, studio):
    status, _, content = studio.raw("GET", path, headers={"X-Ziplora-Token": studio.token})
    assert status == 404 and b"root:" not in content


def test_methods_bodies_and_queries_that_do_not_fit(studio):
    assert studio.ask("PUT", "/jobs", {})[0] == studio.ask("PATCH", "/about", {})[0] == studio.ask("POST", "/about", {})[0] == 405
    for data in (b"", b"[]", b"{", b'"a"', b"[" * 100_000, b'{"verb": ' + b"9" * 400 + b"}"):
        assert studio.ask("POST", "/jobs", data=data)[0] == 400
    assert studio.ask("POST", "/jobs", data=b" " * (2 << 20))[0] == 413
    assert studio.ask("GET", "/jobs?limit=x")[0] == 400
    assert studio.ask("POST", "/jobs", {"verb": ["merge"], "options": 3})[0] == 400
    assert studio.ask("POST", "/folders", {"path": "relative"})[0] == studio.ask("POST", "/folders", {"path": str(studio.data)})[0] == 400


def test_uploads_with_hostile_names_stay_in_their_place(studio, loras):
    good = (loras / "dog.safetensors").read_bytes()
    outside = every_file(studio.data.parent) - every_file(studio.data)
    for name in ("..%2f..%2fescape.safetensors", "%2fetc%2fescape.safetensors", "a%00b.safetensors", "-o.safetensors", "%2e%2e.safetensors",
                 "a" * 4000 + ".safetensors", "%1b%5b31m.safetensors", "caf%e9.safetensors", "%3cscript%3e.SAFETENSORS", "a:0.5.safetensors"):
        card = studio.post(f"/adapters?name={name}", data=good)
        path = Path(card["path"])
        assert path.parents[1] == studio.data / "adapters" and path.exists() and len(path.name) <= 132
        assert not set(path.name) & set("/\0\x1b<>:") and not path.name.startswith(("-", "."))
        assert studio.ask("DELETE", f"/adapters/{card['id']}")[0] == 204 and not path.exists()
    assert every_file(studio.data.parent) - every_file(studio.data) == outside


def test_what_is_no_lora_is_refused_and_leaves_nothing(studio, loras):
    good = (loras / "dog.safetensors").read_bytes()
    before = every_file(studio.data)
    pickle = b"\x80\x02}q\x00." + b"\0" * 100
    for name, content, words in (("old.ckpt", pickle, "a .ckpt file can run code"), ("cat.PNG", pickle, "the page Train"),
                                 ("loras.zip", good, "unpack it"), ("notes.txt", good, "downloaded or trained"), ("a.pt", good, ".safetensors"), ("old.safetensors", pickle, "pickle"),
                                 ("zip.safetensors", b"PK\x03\x04" + b"\0" * 100, "pickle"), ("text.safetensors", b"hello", "no safetensors"),
                                 ("none.safetensors", b"", "no safetensors"), ("half.safetensors", good[:-100], "cut short"),
                                 ("huge.safetensors", (2**62).to_bytes(8, "little") + b"{" + b" " * 1000, "no safetensors")):
        status, refused = studio.ask("POST", f"/adapters?name={name}", data=content)
        assert status == 422 and words in refused["problem"] + refused["hint"], refused
    assert studio.ask("POST", "/adapters", data=good)[0] == 400
    for content in (b"<svg onload=alert(1)>", b"", b"<html>"):
        assert studio.ask("POST", "/images?name=a.png", data=content)[0] == 422
    assert every_file(studio.data) == before


def test_an_upload_that_stops_or_is_too_large_leaves_nothing(loras, tmp_path):
    good = (loras / "dog.safetensors").read_bytes()
    with Studio(tmp_path / "data", "--largest-upload", len(good)) as studio:
        assert studio.upload(loras / "dog.safetensors")["state"] == "ready"
        before = every_file(studio.data)
        token = {"X-Ziplora-Token": studio.token}
        status, _, content = studio.raw("POST", f"{API}/adapters?name=a.safetensors", good + b"x", token)
        assert status == 413
        chunked = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (good, b"more")) + b"0\r\n\r\n"
        status, _, content = studio.raw("POST", f"{API}/adapters?name=a.safetensors", chunked,
                                        token | {"Transfer-Encoding": "chunked", "Content-Length": None})
        assert status == 413 and b"bytes" in content
        image = (Path(__file__).resolve().parents[2] / "assets/demo/truth/cat.png").read_bytes()
        for path, content in (("adapters?name=a.safetensors", good), ("images?name=a.png", image)):
            with socket.create_connection(("127.0.0.1", studio.port)) as left:
                left.sendall(f"POST {API}/{path} HTTP/1.1\r\nHost: {studio.host}\r\nX-Ziplora-Token: {studio.token}\r\n"
                             f"Content-Length: {len(content)}\r\n\r\n".encode() + content[:-1000])
                left.shutdown(socket.SHUT_WR)
                left.recv(1000)  # once it is dealt with
        end = time.monotonic() + 30
        while every_file(studio.data) != before:
            assert time.monotonic() < end
            time.sleep(0.05)


def test_links_of_a_folder_that_lead_out_of_it_are_not_followed(studio, loras, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/out.safetensors").symlink_to(loras / "dog.safetensors")
    (tmp_path / "mine/in.safetensors").write_bytes((loras / "dog.safetensors").read_bytes())
    (tmp_path / "mine/also.safetensors").symlink_to("in.safetensors")
    (tmp_path / "mine/in.png").symlink_to("/etc/passwd")
    folder = studio.post("/folders", {"path": str(tmp_path / "mine")})
    assert folder["files"] == 2
    card = next(card for card in studio.get("/adapters")["adapters"] if card["name"] == "in")
    assert studio.ask("GET", f"/adapters/{card['id']}/preview")[0] == 404
    (tmp_path / "mine/in.safetensors").unlink()
    (tmp_path / "mine/in.safetensors").symlink_to(loras / "dog.safetensors")
    assert studio.ask("GET", f"/adapters/{card['id']}/file")[0] == 410


def test_a_crowd_and_clients_that_dawdle_keep_nobody_waiting(studio):
    """The dawdlers send a byte of a header now and then, for as long as the others are not through."""
    dawdlers, results, are_through = [], [], threading.Event()
    for number in range(60):
        connection = socket.create_connection(("127.0.0.1", studio.port))
        connection.sendall(b"GET /api/v1/about HTTP/1.1\r\nX-Slow: " if number % 2 else b"P")
        dawdlers.append(connection)

    def dawdle():
        while not are_through.wait(1):
            for connection in dawdlers:
                connection.sendall(b"a")

    crowd = [threading.Thread(target=lambda: results.append(studio.ask("GET", "/jobs")[0])) for _ in range(200)]
    dawdling = threading.Thread(target=dawdle)
    for thread in (dawdling, *crowd):
        thread.start()
    for thread in crowd:
        thread.join()
    are_through.set()
    dawdling.join()
    assert results == [200] * 200
    for connection in dawdlers:
        connection.close()


def test_listeners_have_32_places_and_leave_room_for_others(studio, tmp_path):
    def listen():
        connection = http.client.HTTPConnection("127.0.0.1", studio.port, timeout=60)
        connection.request("GET", f"{API}/events?token={studio.token}", headers={"Host": studio.host})
        return connection.getresponse()  # which holds the socket

    listeners = [listen() for _ in range(32)]
    with listen() as late:
        assert [answer.status for answer in listeners] == [200] * 32 and late.status == 503
    folder = studio.post("/folders", {"path": str(tmp_path)})["id"]  # an answer, whoever listens
    for answer in listeners:
        answer.close()
    end, status = time.monotonic() + 60, 503
    while status == 503:  # who has gone is noticed with the next event
        assert time.monotonic() < end
        studio.post(f"/folders/{folder}/scan")
        with listen() as answer:
            status = answer.status
    assert status == 200


def test_the_idle_server_is_small_and_without_libtorch(studio):
    studio.get("/jobs")
    process = studio.process.pid
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines() if ":\t" in line)
    assert int(status["VmRSS"].split()[0]) < 60_000
    assert "torch" not in Path(f"/proc/{process}/maps").read_text()
    assert os.readlink(f"/proc/{process}/exe").endswith("/ziplora-studio")


@pytest.mark.parametrize("arguments, words", [
    (["--listen", "0.0.0.0"], "--token"), (["--listen", "0.0.0.0", "--token", "short"], "16"), (["--port", "70000"], "65535"),
    (["--listen", "192.0.2.1", "--token", "0123456789abcdef"], "port"), (["--base", "nowhere"], "diffusers")])
def test_what_would_open_the_studio_to_others_is_refused(arguments, words, tmp_path):
    done = run_ziplora("studio", "--no-browser", "--data", tmp_path / "data", "--json", *arguments, timeout=60)
    error = json.loads(done.stderr.splitlines()[-1])
    assert done.returncode != 0 and done.stdout == "" and words in error["problem"] + error["hint"], error


def test_listening_to_others_takes_the_token_for_the_page_too(tmp_path):
    with Studio(tmp_path / "data", "--listen", "0.0.0.0", "--token", "0123456789abcdef") as studio:
        assert studio.address.endswith("?token=0123456789abcdef") and studio.token == "0123456789abcdef"
        assert studio.raw("GET", "/")[0] == 401 and studio.raw("GET", "/?token=0123456789abcdee")[0] == 401
        assert studio.raw("GET", f"{API}/about", headers={"Host": "studio.lan:1234", "X-Ziplora-Token": studio.token})[0] == 200
        assert studio.raw("GET", f"{API}/about", headers={"Origin": "http://evil.example", "X-Ziplora-Token": studio.token})[0] == 403


def test_one_folder_has_one_studio(studio):
    second = subprocess.run(command_line(["studio", "--no-browser", "--json", "--data", studio.data]), capture_output=True, text=True, timeout=60)
    error = json.loads(second.stderr.splitlines()[-1])
    assert second.returncode == 1 and "another studio" in error["hint"]


def test_a_full_disk_is_told_and_costs_nothing_else(disk, loras, tmp_path):  # noqa: F811
    (tmp_path / "data").mkdir()
    (disk.folder / "adapters").mkdir()
    (tmp_path / "data/adapters").symlink_to(disk.folder / "adapters")
    with Studio(tmp_path / "data") as studio:
        fill(disk.folder)
        status, refused = studio.ask("POST", "/adapters?name=dog.safetensors", data=(loras / "dog.safetensors").read_bytes())
        assert status == 507 and refused["kind"] == "exhausted" and refused["hint"]
        assert studio.get("/adapters")["adapters"] == [] and every_file(disk.folder) == {disk.folder / "filler"}
        assert studio.wait(studio.job("generate", {"prompt": ["a dog"], "steps": 1}))["images"]
