"""A crawl as one command: exactly the graph on disk, whichever process is killed."""

import gzip
import signal
from time import monotonic, sleep
from typing import Any

import pytest

from support.workspace import Workspace


def tree(users: int, star: int) -> list[tuple[int, int]]:
    """Return the followers of a tree, in which parents and children follow each other; 1 has `star` more."""
    followers = [(1, 1_000 + i) for i in range(star)]
    followers += [(a, b) for a in range(1, users) for b in (2 * a, 2 * a + 1, a // 2) if b not in (0, a)]
    return followers


EDGES = tree(users=140, star=60)
CRAWL = ("crawl", "-F", "-A", "--max-depth", "unlimited", "1")


@pytest.fixture
def world(place: Workspace) -> Any:
    """A small network whose lists come in more pages than they need."""
    place.emulator("--graph", place.graph(EDGES), "--faults", "followers:short=0.3")
    return place


def exact(place: Workspace, wanted: list[tuple[int, int]] = EDGES) -> None:
    edges = place.edges()
    assert len(edges) == len(set(edges)), "an id is in a list twice"
    assert set(edges) == set(wanted)
    assert {int(path.stem) for path in place.files("fws")} == {user for edge in wanted for user in edge}
    checked = place.run("verify")
    assert checked.returncode == 0, checked.stdout
    report, status = place.report(), place.status()
    assert report["violations"] == 0
    assert status["spent_usd"] >= report["bill_usd"]
    assert status["phase"] == "finished"
    assert not [path for path in (place.directory / "data" / ".tmp").rglob("[!.]*") if path.is_file()]


def test_a_graph_is_crawled_exactly(place: Workspace) -> None:
    edges = tree(users=60, star=1_100)  # a list of two whole pages
    place.emulator("--graph", place.graph(edges))
    done = place.run(*CRAWL)
    assert done.returncode == 0, done.stderr
    exact(place, edges)
    assert place.report()["repeated_pages"] == 0
    assert place.status()["spent_usd"] == pytest.approx(len(edges) * 0.01)
    star = next(path for path in place.files("fws") if path.stem == "1")
    with gzip.open(star, "rt") as lines:
        assert [int(line) for line in lines] == [b for a, b in edges if a == 1], "in the network's order"
    again = place.run(*CRAWL)
    assert again.returncode == 0
    assert "given before" in again.stdout
    assert place.report()["requests"]["followers"] == len(place.files("fws")) + 1


def test_killed_again_and_again_it_leaves_the_same(world: Any) -> None:
    from_here = 0
    for _ in range(3):
        crawl = world.start(*CRAWL)
        until_more(world, crawl, from_here + 60)
        crawl.send_signal(signal.SIGKILL)
        crawl.wait()
        world.kill_server()
        from_here = len(world.files("fws"))
    done = world.run(*CRAWL)
    assert done.returncode == 0, done.stderr
    assert "resumes where it stopped" in done.stdout
    exact(world)
    assert world.report()["repeated_pages"] <= 3 * 8


def test_a_signal_drains_and_the_same_command_continues(world: Any) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        crawl = world.start(*CRAWL)
        until_more(world, crawl, len(world.files("fws")) + 60)
        crawl.send_signal(number)
        assert crawl.wait(60) == 130, world.said(crawl)
        assert world.status()["jobs"]["follower"]["leased"] == 0
    done = world.run(*CRAWL)
    assert done.returncode == 0, done.stderr
    exact(world)
    assert world.report()["repeated_pages"] == 0


def test_a_second_crawl_in_the_same_place_is_refused(world: Any) -> None:
    first = world.start(*CRAWL)
    until_more(world, first, 50)
    world.emulating.send_signal(signal.SIGSTOP)  # or the first may end before the second begins
    second = world.run(*CRAWL)
    world.emulating.send_signal(signal.SIGCONT)
    assert second.returncode == 1
    assert "already works here" in second.stderr
    assert len(second.stderr.strip().splitlines()) == 1
    assert first.wait(110) == 0
    exact(world)


def test_a_greater_depth_continues_and_the_rest_can_be_exported(world: Any) -> None:
    assert world.run("crawl", "-F", "-A", "--max-depth", "1", "2").returncode == 0
    crawled = {int(path.stem) for path in world.files("fws")}
    found = {b for a, b in EDGES if a in crawled} - crawled
    assert world.run("frontier", "export", "found.gz").returncode == 0
    with gzip.open(world.directory / "found.gz", "rt") as lines:
        assert {int(line) for line in lines} == found
    assert world.run("crawl", "-F", "-A", "--max-depth", "unlimited", "2").returncode == 0
    exact(world)


def test_an_update_keeps_what_was_found_and_waits(world: Any) -> None:
    def waiting() -> set[str]:
        assert world.run("frontier", "export", "found.gz").returncode == 0
        with gzip.open(world.directory / "found.gz", "rt") as lines:
            return set(lines.read().split())

    assert world.run("crawl", "-F", "-A", "2").returncode == 0
    found = waiting()
    assert found
    assert world.run("crawl", "-U", "2").returncode == 0
    assert waiting() == found
    assert world.status()["frontier"] == len(found)
    assert world.run("crawl", "-F", "-A", "--refresh-older-than", "0s", "9").returncode == 0
    assert waiting() == found | {str(b) for a, b in EDGES if a == 9}
    assert world.run("crawl", "-F", "-A", "--max-depth", "1", "2").returncode == 0
    assert {path.stem for path in world.files("fws")} >= {"2", *found}


def test_a_found_user_can_be_given_as_a_target(world: Any) -> None:
    assert world.run("crawl", "-F", "-A", "2").returncode == 0
    found = str(next(a for b, a in EDGES if b == 2))
    done = world.run("crawl", "-F", "-A", found)
    assert done.returncode == 0, done.stderr
    assert {path.stem for path in world.files("fws")} == {"2", found}


def test_the_budget_is_kept_to_the_last_cent(world: Any) -> None:
    command = (*CRAWL, "--budget-usd")
    done = world.run(*command, "2", "--until-spent")
    assert done.returncode == 3
    status = world.status()
    assert status["phase"] == "paused"
    assert "BUDGET_USD is used up" in status["reason"]
    assert status["spent_usd"] == status["budget_usd"] == 2
    assert world.report()["bill_usd"] <= 2
    done = world.run(*command, "1000")
    assert done.returncode == 0, done.stderr
    exact(world)


def test_timelines_are_downloaded_and_updated(world: Any) -> None:
    assert world.run("crawl", "-T", "1", "2", "3", "--max-posts", "20").returncode == 0
    assert len(world.files("twt")) == 3
    done = world.run("crawl", "-U", "--crawl", "updates")
    assert done.returncode == 0, done.stderr
    done = world.run("crawl", "-U", "--crawl", "updates")
    assert done.returncode == 0, done.stderr
    assert world.run("verify").returncode == 0


def until_more(place: Workspace, process: Any, count: int) -> None:
    deadline = monotonic() + 110
    while len(place.files("fws")) < count:
        assert process.poll() is None, place.said(process)
        assert monotonic() < deadline, place.said(process)
        sleep(0.005)
