"""A state server that loses keys in mid-crawl: a sentence names the way back, and the cap holds."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from redis import Redis
from valkeyd import admin, valkeyd

from support.workspace import Workspace, wait_for

CAP_USD = 16
CRAWL = ("crawl", "-F", "-A", "--max-depth", "1", "--budget-usd", str(CAP_USD), "--until-spent", "1")
EDGES = [(1, user) for user in range(10, 210)]  # user 1 has 200 followers
EDGES += [
    (user, 1_000 + 40 * user + n) for user in range(10, 80) for n in range(40)
]  # 70 of them have 40 each
LOSS = re.compile(r"Redis has lost .+: it was evicted, flushed or deleted\. .*`twittomatic restore`")


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with valkeyd() as port:
        yield port


@pytest.fixture
def server(place: Workspace, port: int) -> Iterator[Redis]:
    with admin(port) as server:
        server.flushall()
        server.config_set("maxmemory-policy", "noeviction")
        place.emulator("--graph", place.graph(EDGES), "--faults", "followers:slow=1@0.02s")
        place.set(redis_url=f"redis://127.0.0.1:{port}", concurrency=4)
        yield server


def paid(place: Workspace) -> float:
    return float(place.report()["bill_usd"])


def spoil(place: Workspace, server: Redis, change: Callable[[], object]) -> Any:
    """Change the server in mid-crawl, and return the crawl's end: code and words."""
    crawl = place.start(*CRAWL)
    wait_for(lambda: crawl.poll() is not None or len(place.files("fws")) >= 8, place)
    assert crawl.poll() is None, place.said(crawl)
    change()
    code = crawl.wait(60)
    return code, place.said(crawl)


def no_raw_words(said: str) -> None:
    for word in (
        "NOGROUP",
        "WRONGTYPE",
        "bug in Twittomatic",
        "user_script",
        "Traceback",
        "Another master",
    ):
        assert word not in said


def go_on(place: Workspace, *restore: str) -> str:
    """Restore, and let the same command continue until the money is spent or all is done."""
    done = place.run("restore", *restore)
    assert done.returncode == 0, done.stderr
    end = place.run(*CRAWL)
    assert end.returncode in (0, 3), end.stderr
    no_raw_words(end.stderr)
    assert paid(place) <= CAP_USD
    status = place.status()
    assert status["spent_usd"] >= paid(place) - 1e-6
    return str(done.stdout)


KINDS = {
    "everything": "*",
    "the account": "tw:{net:*",
    "the ledger": "tw:{net:*}:ledger",
    "the crawl's hash": "tw:{default}:crawl",
    "new jobs": "tw:{default}:jobs:follower",
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_vanishes_in_mid_crawl_stops_it(place: Workspace, server: Redis, kind: str) -> None:
    code, said = spoil(place, server, lambda: server.delete(*server.keys(KINDS[kind])))
    bill = paid(place)
    assert code == 1, said
    assert LOSS.search(said), said
    no_raw_words(said)
    assert bill <= CAP_USD  # a fast crawl may have reached it before the loss was noticed
    again = place.run(*CRAWL)
    if again.returncode not in (0, 3):
        assert LOSS.search(again.stderr), again.stderr
    else:
        assert kind not in ("everything", "the account", "the ledger")
    if kind in ("everything", "the account", "the ledger"):
        assert paid(place) == bill
    go_on(place)


@pytest.mark.parametrize(
    "kinds",
    [
        ["tw:{net:*}:window:*"],
        ["tw:{net:*}:reservations"],
        ["tw:{default}:frontier:*", "tw:{default}:seen:*"],
        ["tw:{default}:job:*"],
        [
            "tw:{net:*}:caps",
            *(f"tw:{{default}}:{name}" for name in ("leader", "workers", "counters", "events")),
        ],
    ],
    ids=" ".join,
)
def test_the_cap_holds_whichever_key_vanishes(place: Workspace, server: Redis, kinds: list[str]) -> None:
    def lose() -> None:
        server.delete(*[key for kind in kinds for key in server.keys(kind)], "none")

    code, said = spoil(place, server, lose)
    assert code in (0, 1, 3), said
    assert code != 1 or LOSS.search(said), said
    no_raw_words(said)
    assert paid(place) <= CAP_USD
    go_on(place)


def test_every_process_of_a_crawl_stops_when_its_server_is_emptied(place: Workspace, server: Redis) -> None:
    place.write("seeds", "1\n")
    master = place.start(
        "master",
        "-F",
        "-A",
        "--max-depth",
        "1",
        "--budget-usd",
        CAP_USD,
        "--until-spent",
        "--stream",
        "seeds",
    )
    wait_for(lambda: "leads" in place.said(master), place, master)
    assert place.run("pause").returncode == 0  # until both workers take part
    workers = [place.start("worker", name, "--on-master-loss", "wait") for name in ("one", "two")]
    wait_for(lambda: all("works for" in place.said(worker) for worker in workers), place, *workers)
    assert place.run("resume").returncode == 0
    wait_for(lambda: len(place.files("fws")) >= 8, place)
    server.flushall()
    for process in (master, *workers):
        assert process.wait(60) == 1
        assert LOSS.search(place.said(process)), place.said(process)
        no_raw_words(place.said(process))
    assert not server.keys("tw:{net:*}:ledger")
    go_on(place)


def test_a_crawl_waits_for_a_full_server_and_continues(place: Workspace, server: Redis) -> None:
    crawl = place.start(*CRAWL)
    wait_for(lambda: len(place.files("fws")) >= 8, place)
    server.config_set("maxmemory", 1)
    logs = place.directory / "logs"
    wait_for(lambda: any("Redis is full" in log.read_text() for log in logs.glob("*.jsonl")), place)
    assert crawl.poll() is None
    before = paid(place)
    server.config_set("maxmemory", 0)
    assert crawl.wait(60) == 3, place.said(crawl)
    assert before < paid(place) <= CAP_USD, place.said(crawl)
    assert place.run("verify").returncode == 0


def test_status_tells_a_crawl_that_never_was_from_one_that_is_lost(place: Workspace, server: Redis) -> None:
    assert (
        place.run("status").stdout == "There is no crawl default here; start one with `twittomatic crawl`.\n"
    )
    assert place.run("crawl", "-F", "--budget-usd", "16", "10").returncode == 0
    spent = f"${paid(place):.2f}"
    server.flushall()

    shown = place.run("status")

    assert shown.returncode == 0
    said = " ".join(shown.stdout.split())
    assert "There is no crawl default here." in said
    assert f"data has files of this crawl and a record of {spent} spent" in said
    assert "`twittomatic restore` books what was spent again" in said
    status = place.status()
    assert (status["phase"], status["spent_usd"]) == ("idle", 0)
    assert "the state was lost or is kept elsewhere" in status["reason"]
    assert "a record of" in place.status("--crawl", "other")["reason"], "the account has lost its ledger"
    assert "files of this crawl" not in place.status("--crawl", "other")["reason"]
