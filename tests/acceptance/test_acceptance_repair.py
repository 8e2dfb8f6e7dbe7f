"""`verify --repair`: whatever happened to the files, the same crawl command makes them whole again."""

import asyncio
import gzip
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from armed import killed_at, stopped_at

from support.workspace import Workspace
from twittomatic.state.client import client
from twittomatic.state.embedded.server import Role, embedded
from twittomatic.state.events import FileRepaired, decode
from twittomatic.state.keys import CrawlKeys
from twittomatic.storage.paths import Layout
from twittomatic.storage.verify import verify

EDGES = [(1, user) for user in range(10, 40)] + [(user, 1) for user in range(10, 40)] + [(10, 11), (11, 10)]
CRAWL = ("crawl", "-T", "-F", "-A", "--max-depth", "1", "--max-posts", "20", "1")


@pytest.fixture
def world(place: Workspace) -> Any:
    place.emulator("--graph", place.graph(EDGES))
    done = place.run(*CRAWL)
    assert done.returncode == 0, done.stderr
    return place


def tree(place: Workspace) -> dict[str, bytes]:
    data = place.directory / "data"
    return {
        path.relative_to(data).as_posix(): path.read_bytes() for path in data.rglob("*") if path.is_file()
    }


def damage(place: Workspace) -> None:
    data = place.directory / "data"
    (data / "1/1.usr").unlink()
    os.truncate(data / "10/10.twt", 30)
    with (data / "11/11.fws").open("ab") as file:
        file.write(b"torn")
    (data / "12/12.fws").unlink()
    (data / "13/14.fws").write_bytes(b"stray")
    with (data / "journal/default.local.jsonl").open("ab") as file:
        file.write(b'{"file":"1')


def announced(place: Workspace) -> dict[str, bool]:
    """Return the files that sinks were told of as repaired, and whether they are gone."""

    async def read() -> list[Any]:
        state = place.directory / ".twittomatic"
        async with embedded(state, Role.VISIT) as url, client(url, "test") as redis:
            return [fields["event"] for _, fields in await redis.xrange(CrawlKeys("default").events)]

    events = map(decode, asyncio.run(read()))
    return {event.file: event.is_gone for event in events if isinstance(event, FileRepaired)}


def exact(place: Workspace) -> None:
    assert sorted(place.edges()) == sorted(EDGES)
    assert len(place.files("usr")) == len(place.files("fws")) == len(place.files("twt")) == 31
    checked = place.run("verify")
    assert checked.returncode == 0, checked.stdout
    status = place.status()
    assert status["spent_usd"] >= place.report()["bill_usd"]
    assert status["jobs"]["follower"]["dead"] == status["jobs"]["timeline"]["dead"] == 0


def test_what_is_repaired_is_downloaded_again_by_the_same_command(world: Any) -> None:
    whole = tree(world)
    damage(world)
    assert world.run("verify").returncode == 1
    done = world.run("verify", "--repair")
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout.splitlines()
    assert [line.partition(":")[0] for line in said[:-2]] == [
        "journal/default.local.jsonl",
        "1/1.usr",
        "10/10.twt",
        "11/11.fws",
        "12/12.fws",
        "12/12.usr",
        "13/14.fws",
    ]
    assert said[-2].startswith("Queued again: 3 jobs of crawl “default”")
    assert said[-1].startswith("All is as the journal says.")
    assert world.run("verify").returncode == 0
    assert world.status()["phase"] == "running"

    before = tree(world)
    again = world.run("verify", "--repair")
    assert (again.returncode, again.stdout.splitlines()) == (0, said[-1:])
    assert tree(world) == before

    asked = world.report()["requests"]
    done = world.run(*CRAWL)
    assert done.returncode == 0, done.stderr
    exact(world)
    assert world.report()["requests"]["followers"] == asked["followers"] + 2
    assert world.report()["requests"]["timeline"] == asked["timeline"] + 1
    restored = tree(world)
    for file, data in whole.items():
        if not file.startswith(("journal", "spending")):
            assert gzip.decompress(restored[file]) == gzip.decompress(data)  # the time of each page differs


def test_without_a_state_it_says_how_to_crawl_what_is_missing(world: Any) -> None:
    shutil.rmtree(world.directory / ".twittomatic")
    data = world.directory / "data"
    (data / "1/1.usr").unlink()
    for user in range(10, 17):
        (data / f"{user}/{user}.twt").unlink()
    done = world.run("verify", "--repair")
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert "`twittomatic crawl -F 1` downloads them again" in said[-2]
    assert "`twittomatic crawl -T data/set-aside/timelines.txt` downloads them again" in said[-3]
    assert world.run("verify", "--repair").stdout.splitlines() == said[-3:]
    for flag, targets in (("-F", "1"), ("-T", "data/set-aside/timelines.txt")):
        done = world.run("crawl", flag, targets, "--max-posts", "20", "--crawl", f"again{flag}")
        assert done.returncode == 0, done.stderr
    assert sorted(world.edges()) == sorted(EDGES)
    assert len(world.files("usr")) == len(world.files("twt")) == 31
    assert world.run("verify", "--repair").stdout.splitlines() == world.run("verify").stdout.splitlines()


@pytest.mark.timeout(600)  # thirty commands, one after the other
def test_a_repair_that_is_killed_anywhere_is_finished_by_the_next(world: Any) -> None:
    damage(world)
    place = world.directory
    shutil.copytree(place / "data", place / "data-before")
    shutil.copytree(place / ".twittomatic", place / "state-before", ignore=shutil.ignore_patterns("*.sock"))
    ended: list[set[str]] = []
    for point in (
        None,
        "rewrite.drafted",
        "quarantine.moved",
        "commit.renamed",
        "rewrite.replaced",
        "repair.files_done",
        "journal.written",
        "repair.dataset_done",
        "repair.requeued",
    ):
        for name, source in (("data", "data-before"), (".twittomatic", "state-before")):
            shutil.rmtree(place / name)
            shutil.copytree(place / source, place / name)
        if point:
            killed_at(world, point, "verify", "--repair")
            world.kill_server()
        done = world.run("verify", "--repair")
        assert done.returncode == 0, done.stdout + done.stderr
        assert list(verify(Layout(place / "data", place / "data/.tmp"))) == []
        jobs = world.status()["jobs"]
        assert (jobs["follower"]["ready"], jobs["timeline"]["ready"]) == (2, 1), point
        assert announced(world) == dict.fromkeys(["1/1.usr", "10/10.twt", "12/12.fws", "12/12.usr"], True)
        ended.append({file for file in tree(world) if not file.startswith("set-aside")})
        assert ended[-1] == ended[0], point
    assert world.run(*CRAWL).returncode == 0
    exact(world)


@pytest.mark.parametrize("point", ["commit.directory_synced", "journal.written"])
def test_files_placed_by_a_dead_crawl_are_left_to_its_successor(place: Workspace, point: str) -> None:
    """Killed between the rename of a file and its journal line, or the completion of its job."""
    place.emulator("--graph", place.graph(EDGES))
    killed_at(place, point, *CRAWL, time=9)
    placed = tree(place)
    torn = place.run("verify").returncode
    done = place.run("verify", "--repair")
    assert done.returncode == torn, done.stdout
    if torn:
        assert "its job has not finished; the same crawl command continues it." in done.stdout
    assert {file: data for file, data in tree(place).items() if "/journal/" not in file}.items() >= {
        file: data for file, data in placed.items() if ".tmp" not in file
    }.items()
    assert not (place.directory / "data" / "set-aside").exists()
    done = place.run(*CRAWL)
    assert done.returncode == 0, done.stderr
    exact(place)
    assert place.report()["repeated_pages"] <= 16


def test_a_dataset_that_another_process_uses_is_not_repaired(world: Any) -> None:
    (world.directory / "data/1/1.usr").unlink()
    before = tree(world)
    crawl = stopped_at(
        world, "part.synced", "crawl", "-T", "1", "--crawl", "other", "--refresh-older-than", "0s"
    )
    done = world.run("verify", "--repair")
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert "is running on this dataset; stop it" in line
    assert {file: data for file, data in tree(world).items() if file in before} == before
    crawl.send_signal(signal.SIGKILL)
    crawl.wait()
    world.kill_server()
    assert world.run("verify", "--repair").returncode == 0


def test_a_master_that_leads_keeps_a_repair_out(world: Any) -> None:
    world.write("seeds", "1\n")
    master = world.start("master", "-F", "--crawl", "other", "--stream", "seeds")  # no worker ends it
    wait_for(lambda: "leads crawl" in world.said(master), master, world)
    done = world.run("verify", "--repair", "--crawl", "other")
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("Error: Crawl “other” is at work (master@")


def test_a_hostile_name_is_shown_escaped(world: Any) -> None:
    path = os.fsencode(world.directory) + b"/data/1/\x1b[31m\n\xff.fws"
    Path(os.fsdecode(path)).write_bytes(b"x")
    for arguments in (["verify"], ["verify", "--repair"]):
        [line] = [line for line in world.run(*arguments).stdout.splitlines() if ".fws" in line]
        assert line.startswith("1/\\x1b[31m\\n\\udcff.fws: ")
    assert world.run("verify").returncode == 0


@pytest.mark.parametrize("arguments", [["verify"], ["verify", "--repair"]])
def test_it_shows_on_a_terminal_how_far_it_is(world: Any, arguments: list[str]) -> None:
    reading, terminal = os.openpty()
    done = subprocess.run(
        [sys.executable, "-c", "from twittomatic.cli import main; main()", *arguments],
        cwd=world.directory,
        env={**world.environment, "TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=terminal,
        text=True,
        timeout=110,
        check=False,
    )
    os.close(terminal)
    shown = os.read(reading, 65536).decode()
    os.close(reading)
    assert done.returncode == 0
    assert "Checking" in shown
    assert "93/93" in shown
    assert done.stdout.startswith("All is as the journal says.")


def wait_for(condition: Any, process: Any, place: Workspace) -> None:
    deadline = monotonic() + 110
    while not condition():
        assert process.poll() is None, place.said(process)
        assert monotonic() < deadline, place.said(process)
        sleep(0.001)
