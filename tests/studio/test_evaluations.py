"""Comparisons as jobs: their report, served so that its scripts reach nothing, and ballots from an evaluation's folder."""

import shutil
from pathlib import Path

import pytest
from studio_client import API


@pytest.fixture(scope="module")
def compared(studio, library) -> dict:
    """One pair, two methods, one seed; the ink's words would end a script of the report if they were not escaped."""
    manifest = {"subjects": [{"adapter": library["dog"]}],
                "styles": [{"adapter": library["ink"], "prompt": "in szn style", "name": "ink</script><script>document.title='taken'</script>"}],
                "seeds": [3], "methods": [{"method": "direct"}, {"method": "ties"}]}
    return studio.wait(studio.job("evaluate", {"steps": 1}, manifest=manifest))


def test_a_comparison_is_a_job_with_a_report(studio, compared):
    assert compared["title"] == "1 subject × 1 style" and "ziplora evaluate" in compared["command"] and " --steps 1" in compared["command"]
    assert compared["result"]["merged"] == 2 and compared["result"]["drawn"] >= 4 and "tables" not in compared["result"]
    assert compared["adapters"] == compared["images"] == []
    status, headers, content = studio.raw("GET", compared["report"])  # without the session's token
    assert status == 200 and headers["Content-Type"].startswith("text/html") and content.startswith(b"<!doctype html>")
    assert headers["Content-Security-Policy"].split("; ")[:2] == ["sandbox allow-scripts", "default-src 'none'"]
    assert b"document.title='taken'</script>" not in content and studio.token.encode() not in content


def test_the_reports_ticket_opens_nothing_else(studio, compared):
    path, ticket = compared["report"].split("?token=")
    assert studio.token != ticket
    for other in (f"{API}/about", f"{API}/jobs/{compared['id']}", f"{API}/jobs/{compared['id'] + 1}/report"):
        assert studio.raw("GET", f"{other}?token={ticket}")[0] == 401
    assert studio.raw("POST", f"{path}?token={ticket}", b"")[0] == 401
    assert studio.raw("GET", compared["report"], headers={"Origin": "null"})[0] == 403
    assert studio.raw("GET", compared["report"], headers={"Host": "evil.example"})[0] == 421
    assert studio.raw("GET", f"{path}?token={ticket[:-1]}")[0] == studio.raw("GET", path)[0] == 401


def vote_all(studio, source) -> set[str]:
    """Votes left until there is no ballot more; the contenders that were shown."""
    seen = set()
    while ballot := studio.ask("GET", f"/ballots/next?question=both{source}")[1]:
        images = [studio.get(f"/images/{ballot[side]}") for side in ("left", "right")]
        assert len({(image["prompt"], image["seed"], image["pair"]) for image in images}) == 1
        seen |= {image["contender"] for image in images}
        studio.post("/votes", {"ballot": ballot["ballot"], "question": "both", "choice": "left"})
    return seen


def test_ballots_come_from_a_comparison_apart_from_all_others(studio, compared):
    [taken] = [each for each in studio.get("/evaluations")["evaluations"] if each["job"] == compared["id"]]
    assert taken["images"] == 2 and taken["name"] == f"job {compared['id']}"
    assert all(image["origin"] != "evaluation" for image in studio.get("/images")["images"])
    source = f"&evaluation={taken['id']}"
    before = studio.get("/ranking")
    assert vote_all(studio, source) == {"direct", "ties"}
    ranked = studio.get(f"/ranking?{source[1:]}")["questions"]["both"]
    assert ranked["votes"] == 1 and {row["name"] for row in ranked["contenders"]} == {"direct", "ties"}
    assert studio.get("/ranking") == before


def test_ballots_come_from_a_folder_that_the_command_line_wrote(studio, compared, tmp_path):
    folder = tmp_path / "pairs"
    shutil.copytree(studio.data / f"jobs/{compared['id']}/out/evaluation", folder)
    table = (folder / "images.csv").read_text()
    direct, ties = (next(line for line in table.splitlines() if line.startswith(f"{name},")).split(",")[-1] for name in ("direct", "ties"))
    (tmp_path / "outside.png").write_bytes((folder / ties).read_bytes())
    (folder / ties).unlink()
    (folder / ties).symlink_to(tmp_path / "outside.png")
    added = studio.post("/evaluations", {"path": str(folder)})
    assert (added["name"], added["images"]) == ("pairs", 1)  # not what a link leads to, nor the LoRAs alone
    assert vote_all(studio, f"&evaluation={added['id']}") == set()
    (folder / ties).unlink()
    (folder / ties).write_bytes((tmp_path / "outside.png").read_bytes())
    (folder / "images.csv").write_text(table + "ties,,d,i,p,1,j,1,,,,,,,,,../outside.png\nties,,d,i,p,1,j,1,,,,,,,,,/etc/passwd\n")
    assert studio.post("/evaluations", {"path": str(folder)})["images"] == 2
    assert vote_all(studio, f"&evaluation={added['id']}") == {"direct", "ties"}
    shown = next(image for image in range(1, 10_000) if studio.ask("GET", f"/images/{image}")[1].get("name") == Path(direct).name
                 and studio.get(f"/images/{image}")["evaluation"] == added["id"])
    (folder / direct).unlink()
    (folder / direct).symlink_to(tmp_path / "outside.png")
    assert studio.ask("GET", f"/images/{shown}/file")[0] == 410
    assert studio.ask("DELETE", f"/evaluations/{added['id']}")[0] == 204 and studio.ask("GET", f"/images/{shown}")[0] == 404
    assert (folder / direct).is_symlink() and (folder / ties).exists()
    for path in (str(tmp_path), "relative", str(tmp_path / "nothing")):
        assert studio.ask("POST", "/evaluations", {"path": path})[0] == 400


def test_a_manifest_names_files_by_their_ids_alone(studio, library):
    dog, ink = {"adapter": library["dog"]}, {"adapter": library["ink"]}
    for manifest, status in (({"subjects": [{"lora": "/etc/passwd"}], "styles": [ink]}, 400), ({"subjects": [], "styles": [ink]}, 400),
                             ({"subjects": [dog]}, 400), ({"subjects": [dog | {"images": "/etc"}], "styles": [ink]}, 400),
                             ({"subjects": [dog | {"images": [10**6]}], "styles": [ink]}, 404), ({"subjects": [{"adapter": 10**6}], "styles": [ink]}, 404)):
        answer = studio.ask("POST", "/jobs", {"verb": "evaluate", "options": {}, "manifest": manifest})
        assert answer[0] == status, answer
    for options in ({"manifest": "/etc/passwd"}, {"methods": "/etc/passwd"}, {"judge": "/etc"}, {"take_in": ["/etc"]}):
        assert studio.ask("POST", "/jobs", {"verb": "evaluate", "options": options, "manifest": {"subjects": [dog], "styles": [ink]}})[0] == 400, options
    assert studio.ask("POST", "/jobs", {"verb": "evaluate", "options": {}})[0] == 400
