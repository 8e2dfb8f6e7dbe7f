"""Disks that fill up, turn read-only, and lose files: a clear stop, and the same command continues."""

import gzip
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from armed import continued, killed_at, stopped_at

from support.workspace import Workspace

STAR = [(1, user) for user in range(10, 6_010)]
CRAWL = ("crawl", "-F", "1")


def mount(*arguments: object) -> None:
    done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = f"mounting is not permitted here: {done.stderr.strip()}"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)


@pytest.fixture
def volume(place: Workspace) -> Iterator[Callable[..., Path]]:
    """Mount a small volume below the test's directory: `volume("data", "96k")`; it can be mounted anew."""
    mounted: list[Path] = []

    def make(name: str, size: str) -> Path:
        path: Path = place.directory / name
        path.mkdir(exist_ok=True)
        mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", path)
        mounted.append(path)
        return path

    yield make
    place.end()
    for path in mounted:
        subprocess.run(["umount", "--lazy", path], check=True)


def grow(path: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=64m", path], check=True)


@pytest.fixture
def world(place: Workspace) -> Any:
    place.emulator("--graph", place.graph(STAR))
    return place


def exact(place: Workspace, pages_twice: int) -> None:
    assert place.edges() == STAR, "in the network's order, no one lost, no one twice"
    checked = place.run("verify")
    assert checked.returncode == 0, checked.stdout
    status, report = place.status(), place.report()
    assert status["phase"] == "finished"
    assert status["jobs"]["follower"]["dead"] == 0
    assert status["spent_usd"] >= report["bill_usd"]
    assert report["repeated_pages"] <= pages_twice
    parts = place.directory / "data" / ".tmp"
    assert not [path for path in parts.rglob("*") if path.is_file()]


def last_line(text: str) -> str:
    line = text.strip().splitlines()[-1]
    assert line.startswith("Error: ")
    assert line.endswith(".")
    return line


def test_the_dataset_runs_full_between_two_pages(world: Any, volume: Any) -> None:
    data = volume("data", "160k")
    done = world.run(*CRAWL)
    assert done.returncode == 1
    assert "the volume is full; free some space and start again" in last_line(done.stderr)
    assert "Traceback" not in done.stderr
    assert not world.files("fws")
    assert world.status()["jobs"]["follower"]["leased"] == 0, "it is given back at once"
    again = world.run(*CRAWL)
    assert again.returncode == 1, "as long as there is no room"
    assert "full" in last_line(again.stderr)
    grow(data)
    done = world.run(*CRAWL)
    assert done.returncode == 0, done.stderr
    exact(world, pages_twice=2)


def test_a_log_that_runs_full_stops_nothing(world: Any, volume: Any) -> None:
    logs = volume("logs", "8k")
    for number in range(2):
        (logs / f"filler{number}").write_bytes(b"x")  # a page of memory each: the volume holds two
    done = world.run(*CRAWL)
    assert done.returncode == 0, done.stderr
    [line] = [line for line in done.stderr.splitlines() if "log cannot be written" in line]
    assert line.endswith(
        "logs/default.local.jsonl: the log cannot be written (No space left on device); the crawl continues."
    )
    assert "Traceback" not in done.stderr
    exact(world, pages_twice=0)


def test_a_full_state_stops_loudly_and_continues_with_room(place: Workspace, volume: Any) -> None:
    edges = [(a, b) for a in range(1, 400) for b in (2 * a, 2 * a + 1, a // 2) if b not in (0, a)]
    place.emulator("--graph", place.graph(edges))
    state = volume(".twittomatic", "128k")
    command = ("crawl", "-F", "-A", "--max-depth", "unlimited", "1")
    done = place.run(*command)
    assert done.returncode == 1
    said = last_line(done.stderr)
    assert "the state server ended" in said
    assert "AOF write error" in said
    assert "free some space on its volume and start again" in said
    grow(state)
    checked = place.run("verify")
    assert checked.returncode in (0, 1)
    done = place.run(*command)
    assert done.returncode == 0, done.stderr
    assert sorted(place.edges()) == sorted(edges)
    checked = place.run("verify")
    assert checked.returncode == 0, checked.stdout
    status, report = place.status(), place.report()
    assert status["spent_usd"] >= report["bill_usd"]
    assert report["repeated_pages"] <= 16


def test_a_dataset_that_turns_read_only(world: Any, volume: Any) -> None:
    """As paths see it: a read-only mount over the other, which files that are open keep writable."""
    data = volume("data", "64m")
    crawl = stopped_at(world, "page.committed", *CRAWL, time=2)
    mount("--bind", data, data)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", data], check=True)
        assert continued(crawl) == 1, world.said(crawl)
        assert "the volume is read-only; mount it for writing" in last_line(world.said(crawl))
        done = world.run(*CRAWL)
        assert done.returncode == 1
        assert "read-only" in last_line(done.stderr)
        done = world.run("verify")
        assert done.returncode == 0, "reading is enough for it"
        done = world.run("verify", "--repair")
        assert done.returncode == 1
        assert "read-only" in last_line(done.stderr)
    finally:
        subprocess.run(["umount", data], check=True)
    done = world.run(*CRAWL)
    assert done.returncode == 0, done.stderr
    exact(world, pages_twice=1)


def parts(place: Workspace) -> list[Path]:
    return sorted((place.directory / "data" / ".tmp").rglob("follower-1-*"))


@pytest.mark.parametrize(("how", "time"), [("removed", 2), ("truncated", 2), ("truncated", 6)])
def test_part_files_that_are_lost_in_mid_crawl(world: Any, how: str, time: int) -> None:
    """The job is dead with its reason; the repair lets it begin anew, and nothing else is asked again."""
    crawl = stopped_at(world, "page.committed", *CRAWL, time=time)
    lost = parts(world)
    assert len(lost) == 2
    for part in lost:
        part.unlink() if how == "removed" else os.truncate(part, 100)
    assert continued(crawl) == 1, world.said(crawl)
    assert "1 job is dead; `twittomatic jobs dead` lists every attempt" in world.said(crawl)
    reason = world.run("jobs", "dead").stdout
    assert "follower:1" in reason
    assert "removed" in reason or "missing" in reason or "shorter than" in reason
    assert not world.files("fws")
    assert not world.files("usr")
    asked = world.report()["requests"]["followers"]
    assert asked <= time + 1, "no page is paid for after the loss is seen"

    done = world.run("verify", "--repair")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "follower:1: its part file does not match its checkpoint; the job starts again." in done.stdout
    assert world.run("verify", "--repair").stdout.count("anew") == 0
    done = world.run(*CRAWL)
    assert done.returncode == 0, done.stderr
    exact(world, pages_twice=time + 1)


def test_a_part_file_that_is_lost_between_two_crawls(world: Any) -> None:
    crawl = stopped_at(world, "page.committed", *CRAWL, time=3)
    crawl.kill()
    crawl.wait()
    world.kill_server()
    for part in parts(world):
        part.unlink()
    killed_at(world, "repair.begun_anew", "verify", "--repair")
    world.kill_server()
    done = world.run("verify", "--repair")
    assert done.returncode == 0, done.stderr
    assert "anew" not in done.stdout, "it is done"
    assert world.run(*CRAWL).returncode == 0
    exact(world, pages_twice=4)


@pytest.mark.parametrize("time", [1, 3])
def test_a_journal_that_is_removed_in_mid_crawl_is_written_again(world: Any, time: int) -> None:
    crawl = stopped_at(world, "journal.synced", "crawl", "-F", *map(str, range(1, 20)), time=time)
    (world.directory / "data/journal/default.local.jsonl").unlink()
    assert continued(crawl) == 0, world.said(crawl)
    checked = world.run("verify")
    if checked.returncode:  # nothing was written to it after the removal
        assert "has no line in the journal" in checked.stdout
    exact(world, pages_twice=0)


def test_a_final_file_that_is_removed_before_its_update(place: Workspace) -> None:
    place.emulator("--graph", place.graph([(1, 2), (2, 1)]))
    assert place.run("crawl", "-T", "1", "2").returncode == 0
    timeline = place.directory / "data/1/1.twt"
    whole = gzip.decompress(timeline.read_bytes())
    timeline.unlink()
    assert place.run("verify").returncode == 1
    done = place.run("crawl", "-U", "1", "2", "--crawl", "updates")
    assert done.returncode == 0, done.stderr
    assert gzip.decompress(timeline.read_bytes()) == whole
    assert place.run("verify").returncode == 0
