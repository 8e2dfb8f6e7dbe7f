"""`stats record` and `stats replay` against a real Graphite: what was recorded is what it has."""

import gzip
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from time import time
from typing import Any

import pytest
from graphited import Graphite, graphite, installed_or_skip

from support.workspace import Workspace, wait_for

EDGES = [(a, b) for a in range(1, 120) for b in (2 * a, 2 * a + 1, a // 2) if b not in (0, a)]
DASHBOARD = Path(__file__).parents[2] / "deploy" / "graphite" / "dashboard.json"
Points = dict[str, dict[int, float]]  # path -> time -> value


@pytest.fixture(scope="module")
def _one_graphite() -> Iterator[Graphite]:
    installed_or_skip()
    with graphite() as server:
        yield server


@pytest.fixture
def server(_one_graphite: Graphite, place: Workspace) -> Graphite:
    """Graphite, and a place whose commands know it."""
    _one_graphite.start()
    place.set(carbon_port=_one_graphite.port)
    return _one_graphite


def recorded(path: Path) -> Points:
    points: Points = {}
    with gzip.open(path, "rt") as file:
        for line in file:
            name, value, at = line.split()
            points.setdefault(name, {})[int(at)] = float(value)
    return points


def has(server: Graphite, crawl: str, points: Points) -> bool:
    """Tell whether Graphite has every point, and every value is right."""
    times = [at for values in points.values() for at in values]
    found: Points = {}
    for depth in range(1, 5):
        found |= server.points(".".join(["twittomatic", crawl, *"*" * depth]), min(times), max(times))
    for name, values in points.items():
        for at, value in values.items():
            if found.get(name, {}).get(at) != pytest.approx(value, abs=1e-9):
                return False
    return True


def crawl(place: Workspace, name: str) -> Any:
    return place.start("crawl", "-F", "-A", "--max-depth", "unlimited", "--crawl", name, "1")


def record(place: Workspace, name: str) -> Any:
    recorder = place.start("stats", "record", f"{name}.gz", "--crawl", name)
    wait_for(lambda: "Recording crawl" in place.said(recorder), place, recorder)
    return recorder


def end(place: Workspace, recorder: Any) -> None:
    recorder.send_signal(signal.SIGTERM)
    assert recorder.wait(60) == 130, place.said(recorder)


def test_a_crawl_is_recorded_and_graphite_has_it_point_by_point(place: Workspace, server: Graphite) -> None:
    place.emulator("--graph", place.graph(EDGES))
    began = int(time())
    recorder = record(place, "whole")  # before there is a crawl
    crawling = crawl(place, "whole")
    wait_for(lambda: "is finished; recording" in place.said(recorder), place, recorder, crawling)
    assert crawling.wait(60) == 0
    rates = "twittomatic.whole.fetched.*.per_s"  # a rate needs two samples, and a crawl may end within one
    wait_for(lambda: server.points(rates, began - 1, int(time()) + 1), place, recorder)
    end(place, recorder)
    said = place.said(recorder)
    assert f"Sending the measurements to 127.0.0.1:{server.port}." in said
    assert "s3cret" not in said

    points = recorded(place.directory / "whole.gz")
    lines = sum(map(len, points.values()))
    assert f"{lines:,} lines of" in said
    assert f"Graphite has {lines:,} of them" in said
    last = {name.removeprefix("twittomatic.whole."): values[max(values)] for name, values in points.items()}
    report, status = place.report(), place.run("status", "--json", "--crawl", "whole")
    assert last["fetched.follower.total"] == len(EDGES)
    assert last["included.total"] == last["seen"] == len({user for edge in EDGES for user in edge})
    assert last["completed.follower.total"] == last["completed.analyzer.total"] == last["seen"]
    assert last["requests.follower.total"] == report["requests"]["followers"]
    assert last["spent.follower.total"] == pytest.approx(len(EDGES) * 0.01)
    assert last["account_spent.total"] == json.loads(status.stdout)["spent_usd"]
    assert last["phase.finished"] == 1
    assert last["frontier"] == 0

    wait_for(lambda: has(server, "whole", points), place)
    assert server.post("/dashboard/save/whole", {"state": DASHBOARD.read_text()}) == {"success": True}
    assert json.loads(server.get("/dashboard/load/whole"))["state"] == json.loads(DASHBOARD.read_text())
    for _, params, _ in json.loads(DASHBOARD.read_text())["graphs"]:
        for target in params["target"]:
            drawn = server.get("/render", target=target.replace(".default.", ".whole."), format="json")
            if not any(
                word in target for word in ("worker", "window", "budget")
            ):  # which are gone, or not set
                assert json.loads(drawn), target
    picture = server.get("/render", target="twittomatic.whole.fetched.*.total", width=800, height=300)
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")


def test_a_recording_is_replayed_exactly_or_as_if_it_were_now(place: Workspace, server: Graphite) -> None:
    now = int(time())
    points = {
        f"twittomatic.{name}.fetched.follower.total": {
            at: float(at % 97) for at in range(now - 300, now - 100)
        }
        for name in ("first", "second")
    }
    lines = [f"{name} {value:g} {at}\n" for name, values in points.items() for at, value in values.items()]
    (place.directory / "r.gz").write_bytes(gzip.compress("".join(lines).encode()))
    done = place.run("stats", "replay", "r.gz")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"127.0.0.1:{server.port} has 400 lines of r.gz.\n"
    wait_for(lambda: has(server, "*", points), place)

    (place.directory / "r.gz").write_bytes(
        gzip.compress("".join(lines[:200]).replace(".first.", ".moved.").encode())[:-8]
    )
    began = int(time())
    done = place.run("stats", "replay", "r.gz", "--speed", "1000", "--shift-to-now")
    assert done.returncode == 0
    assert "is cut off in the middle of a gzip member; it was sent up to there" in done.stderr
    moved = "twittomatic.moved.fetched.follower.total"
    wait_for(lambda: moved in server.points(moved, began - 500, began + 60), place)
    got = server.points(moved, began - 500, began + 60)[moved]
    assert began - 1 <= max(got) <= time()
    values = points["twittomatic.first.fetched.follower.total"]
    assert list(got.values()) == list(values.values())[: len(got)]
    assert max(got) - min(got) == len(got) - 1


def test_killed_and_disconnected_it_continues(place: Workspace, server: Graphite) -> None:
    place.emulator("--graph", place.graph(EDGES))
    path = place.directory / "hard.gz"
    server.kill_carbon()
    recorder = record(place, "hard")
    assert crawl(place, "hard").wait(60) == 0
    wait_for(lambda: path.stat().st_size > 0, place, recorder)  # the first member
    assert "Recording continues; up to" in place.said(recorder)
    recorder.kill()
    recorder.wait()
    before = recorded(path)
    with path.open("ab") as file:
        file.write(path.read_bytes()[:200])  # a member that a crash tore

    server.start_carbon()
    recorder = record(place, "hard")
    assert "200 bytes of a torn member at its end were cut off" in place.said(recorder)
    wait_for(lambda: "is finished; recording" in place.said(recorder), place, recorder)
    place.kill_server()
    wait_for(lambda: "Waiting for it" in place.said(recorder), place, recorder)
    place.write("seeds.txt", "1\n")  # a master without workers keeps the server that it starts
    master = place.start("master", "-F", "--stream", "seeds.txt", "--crawl", "other", "--budget-usd", "5")
    wait_for(lambda: place.said(recorder).count("is finished; recording") == 2, place, recorder, master)
    end(place, recorder)
    after = recorded(path)
    assert all(values.items() <= after[name].items() for name, values in before.items())
    new = {
        name: {at: value for at, value in values.items() if at not in before.get(name, {})}
        for name, values in after.items()
    }
    wait_for(lambda: has(server, "hard", new), place)


def test_what_cannot_be_done_is_one_sentence(place: Workspace, server: Graphite) -> None:
    place.write("thesis.txt", "all of it")
    for arguments, code, why in (
        (("record", "thesis.txt"), 1, "is not a recording"),
        (("replay", "none.gz"), 1, "no such file or directory"),
        (("replay", "none.gz", "--speed", "nan"), 2, "--speed"),
    ):
        done = place.run("stats", *arguments)
        assert done.returncode == code, done.stderr
        assert why in done.stderr
        assert "Traceback" not in done.stderr
    assert (place.directory / "thesis.txt").read_text() == "all of it"
    (place.directory / "r.gz").write_bytes(gzip.compress(b"a.b 1 1700000000\n"))
    done = place.run("stats", "replay", "r.gz", "--carbon-port", "1")
    assert done.returncode == 1
    assert "127.0.0.1:1 cannot be reached" in done.stderr
    assert len(done.stderr.splitlines()) == 1
