"""`lookup` during a crawl, before and after it; killed, and refilled from the files."""

import asyncio
import gzip
import json
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from armed import killed_at

from support.workspace import Workspace, wait_for
from twittomatic.sinks.lookup.store import ProfileStore
from twittomatic.state.client import client
from twittomatic.state.embedded.server import Role, embedded
from twittomatic.state.keys import CrawlKeys

USERS = range(10, 90)
EDGES = [(1, user) for user in USERS] + [(user, 1) for user in USERS]
CRAWL = ("crawl", "-F", "-A", "--max-depth", "1", "1")
LOOKUP = ("lookup", "--lookup-port", "0")


@pytest.fixture
def world(place: Workspace) -> Any:
    place.emulator("--graph", place.graph(EDGES))
    return place


def crawl(place: Workspace) -> None:
    done = place.run(*CRAWL)
    assert done.returncode == 0, done.stderr


def url_of(place: Workspace, process: Any) -> str:
    wait_for(lambda: "Running on" in place.said(process) or process.poll() is not None, place, process)
    found = re.search(r"Running on (http://[0-9.:]+/)", place.said(process))
    assert found, place.said(process)
    return found[1]


def ask(url: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def caught_up(place: Workspace) -> bool:
    """Tell whether every event of the crawl was acknowledged."""
    groups = redis(place, "XINFO", "GROUPS", CrawlKeys("default").events)
    return [(group["lag"], group["pending"]) for group in groups] == [(0, 0)]


def profiles_on_disk(place: Workspace) -> dict[str, bytes]:
    found = {}
    for path in place.files("usr"):
        for line in gzip.decompress(path.read_bytes()).splitlines():
            found[json.loads(line)["id"]] = line
    return found


def end(place: Workspace, process: "subprocess.Popen[str]", number: int = signal.SIGTERM) -> None:
    process.send_signal(number)
    assert process.wait(60) == 130, place.said(process)


def content(directory: Path) -> object:
    store = ProfileStore(directory)
    try:
        return store.users([1, *USERS]), store.count()
    finally:
        store.close()


def redis(place: Workspace, *command: object) -> Any:
    async def call() -> Any:
        state = place.directory / ".twittomatic"
        async with embedded(state, Role.VISIT) as url, client(url, "test") as connection:
            return await connection.execute_command(*command)

    return asyncio.run(call())


def test_killed_anywhere_it_catches_up_and_is_what_a_rebuild_makes(world: Any) -> None:
    crawl(world)
    for point in ("sink.handled", "sink.acknowledged"):
        killed_at(world, point, *LOOKUP)
    wanted = profiles_on_disk(world)
    assert set(wanted) == {str(user) for user in (1, *USERS)}

    process = world.start(*LOOKUP)
    url = url_of(world, process)
    wait_for(lambda: caught_up(world), world, process)
    answer = ask(f"{url}lookup", {"ids": list(wanted)})
    assert {one["query"]: one["user"]["profile"] for one in answer["results"]} == {
        user: json.loads(line) for user, line in wanted.items()
    }
    name = json.loads(wanted["50"])["username"]
    assert ask(f"{url}lookup/name/@{name.upper()}")["id"] == "50"
    end(world, process)

    done = world.run("lookup", "--rebuild", "--lookup-directory", "other")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "Read 160 profiles; the store knows 81 users."
    assert content(world.directory / "other") == content(world.directory / ".twittomatic/lookup")


def test_it_waits_for_a_crawl_and_follows_it(world: Any) -> None:
    token = world.write("token", "a-secret-of-mine\n")
    token.chmod(0o600)
    world.set(lookup_token=f"@{token}")
    process = world.start(*LOOKUP)
    url = url_of(world, process)
    with pytest.raises(urllib.error.HTTPError, match="401"):
        ask(f"{url}lookup/add", {"profiles": []})
    wait_for(lambda: "Waiting: " in world.said(process), world, process)
    assert "there is no crawl here" in world.said(process)
    assert ask(f"{url}lookup/status")["profiles"] == 0
    crawl(world)
    wait_for(lambda: caught_up(world), world, process)
    world.kill_server()  # it is started again, and followed
    (world.directory / "data/1/1.usr").unlink()
    repaired = world.run("verify", "--repair")
    assert repaired.returncode == 0, repaired.stdout + repaired.stderr
    assert "FileRepaired" in redis(world, "XREVRANGE", CrawlKeys("default").events, "+", "-")[0][1]["event"]
    wait_for(lambda: caught_up(world) and world.status()["sinks"][0]["running"], world, process)
    assert ask(f"{url}lookup/id/50")["id"] == "50"  # a user who was seen stays known
    [sink] = world.status()["sinks"]
    assert (sink["name"], sink["running"], sink["lag"], sink["trimmed"]) == ("lookup", True, 0, 0)
    assert "Sink lookup: up to date" in world.run("status").stdout
    end(world, process, signal.SIGINT)


def test_events_that_it_came_too_late_for_are_read_from_the_dataset(world: Any) -> None:
    crawl(world)
    trimmed = redis(world, "XTRIM", CrawlKeys("default").events, "MAXLEN", "=", 0)
    assert trimmed >= 162
    process = world.start(*LOOKUP)
    wait_for(lambda: "left the stream" in world.said(process), world, process)
    assert f"The oldest {trimmed} events of crawl “default” left the stream" in world.said(process)
    end(world, process)
    assert content(world.directory / ".twittomatic/lookup") == ([None] * 81, 0)

    done = world.run("lookup", "--rebuild")
    assert done.returncode == 0, done.stderr
    process = world.start(*LOOKUP)
    url = url_of(world, process)
    wait_for(lambda: caught_up(world), world, process)
    assert ask(f"{url}lookup/status")["sink"].get("trimmed", 0) == 0
    assert "left the stream" not in world.said(process)
    end(world, process)


def test_unusable_input_is_reported_in_one_sentence(place: Workspace) -> None:
    done = place.run("lookup", "--rebuild", "--output-directory", "nowhere")
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"Error: nowhere: .*\n", done.stderr), done.stderr
    place.write("file", "")
    done = place.run("lookup", TWITTOMATIC_LOOKUP_TOKEN="short")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "LOOKUP_TOKEN" in done.stderr
    done = place.run("lookup", "--lookup-directory", "file")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    missing = "import sys; sys.modules['lmdb'] = None; from twittomatic.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", missing, "lookup"],
        cwd=place.directory,
        env=place.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.endswith("run: pip install 'twittomatic[lookup]'\n")
