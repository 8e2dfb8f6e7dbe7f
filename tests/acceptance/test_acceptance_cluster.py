"""A master, workers and a standby as separate processes, over one server."""

import asyncio
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.workspace import Workspace, exact, until, wait_for
from twittomatic.state.client import client
from twittomatic.state.connection import Connection
from twittomatic.state.embedded import process as valkey
from twittomatic.state.embedded.launch import launch
from twittomatic.state.keys import CrawlKeys
from twittomatic.state.leadership import Leadership

EDGES = [(a, b) for a in range(1, 250) for b in (2 * a, 2 * a + 1, a // 2) if b not in (0, a)]
FLAGS = ("-F", "-A", "--max-depth", "unlimited")


@pytest.fixture
def cluster(place: Workspace) -> Iterator[Any]:
    place.emulator("--graph", place.graph(EDGES))
    place.write("seeds", "# where it begins\n1\n")
    with tempfile.TemporaryDirectory(prefix="tw") as directory:
        url = asyncio.run(_launched(Path(directory)))
        place.set(redis_url=url)
        yield place
        place.end()
        os.kill(int((Path(directory) / "valkey.pid").read_text()), signal.SIGKILL)


async def _launched(directory: Path) -> str:
    await launch(directory)
    return await valkey.wait_until_ready(directory)


def workers_of(cluster: Any) -> set[str]:
    return {worker["name"].partition("@")[0] for worker in cluster.status()["workers"]}


def test_workers_may_die_and_leave_and_come(cluster: Any) -> None:
    early = cluster.start("worker", "early")
    master = cluster.start("master", *FLAGS, "--stream", "seeds")
    doomed = cluster.start("worker", "doomed")
    pair = cluster.start("worker", "pair", "--processes", "2")
    until(cluster, 60, master, early, doomed, pair)
    cluster.emulating.send_signal(signal.SIGSTOP)  # or the crawl may end before the last one is up
    assert cluster.run("pause").returncode == 0
    cluster.emulating.send_signal(signal.SIGCONT)
    late = cluster.start("worker", "late")
    wait_for(lambda: "works for" in cluster.said(late), cluster, late)
    doomed.send_signal(signal.SIGKILL)
    early.send_signal(signal.SIGTERM)
    assert early.wait(60) == 130, cluster.said(early)
    wait_for(lambda: {"pair.1", "pair.2", "late"} <= workers_of(cluster), cluster, pair, late)
    assert "early" not in workers_of(cluster)
    assert cluster.run("resume").returncode == 0
    assert master.wait(110) == 0, cluster.said(master)
    assert pair.wait(60) == 0, cluster.said(pair)
    assert late.wait(60) == 0, cluster.said(late)
    exact(cluster, EDGES)
    assert cluster.report()["repeated_pages"] <= 8  # jobs that the dead one held


def test_a_standby_takes_over_and_the_old_master_is_refused(cluster: Any) -> None:
    master = cluster.start("master", *FLAGS, "--stream", "seeds")
    wait_for(lambda: "epoch 1" in cluster.said(master), cluster, master)
    worker = cluster.start("worker", "one", "--on-master-loss", "wait", "--concurrency", "1")
    standby = cluster.start("master", *FLAGS, "--stream", "seeds", "--standby")
    until(cluster, 60, master, worker, standby)
    worker.send_signal(signal.SIGSTOP)  # or the crawl may end before the second is up
    second = cluster.run("master", *FLAGS, "--stream", "seeds")
    assert second.returncode == 1
    assert "already leads" in second.stderr
    assert cluster.status()["master"]["epoch"] == 1
    master.send_signal(signal.SIGKILL)
    worker.send_signal(signal.SIGCONT)
    assert standby.wait(110) == 0, cluster.said(standby)
    assert "epoch 2" in cluster.said(standby)
    assert worker.wait(60) == 0, cluster.said(worker)
    exact(cluster, EDGES)


def test_without_a_master_workers_stop_and_say_so(cluster: Any) -> None:
    master = cluster.start("master", *FLAGS, "--stream", "seeds")
    worker = cluster.start("worker", "one", "--concurrency", "1")
    until(cluster, 30, master, worker)
    master.send_signal(signal.SIGKILL)
    assert worker.wait(60) == 1, cluster.said(worker)
    assert "Nobody leads crawl" in cluster.said(worker)
    assert cluster.status()["jobs"]["follower"]["leased"] == 0


def test_a_manual_pause_holds_all_workers_until_resume(cluster: Any) -> None:
    master = cluster.start("master", *FLAGS, "--stream", "seeds")
    worker = cluster.start("worker", "one", "--concurrency", "2")
    until(cluster, 30, master, worker)
    worker.send_signal(signal.SIGSTOP)
    assert cluster.run("pause", "--reason", "lunch").returncode == 0
    worker.send_signal(signal.SIGCONT)
    wait_for(lambda: not cluster.status()["jobs"]["follower"]["leased"], cluster, worker)
    asked = cluster.report()["requests"]["followers"]
    status = cluster.status()
    assert (status["phase"], status["reason"]) == ("paused", "lunch")
    assert cluster.report()["requests"]["followers"] == asked
    assert master.poll() is None
    assert cluster.run("resume").returncode == 0
    assert master.wait(110) == 0, cluster.said(master)
    assert worker.wait(60) == 0
    exact(cluster, EDGES)


@pytest.mark.parametrize(("faults", "codes"), [("revoked#40", (0, 0, 3)), ("revoked#40x*", (3, 3, 3))])
def test_a_worker_whose_token_is_refused_leaves_and_the_last_one_pauses_the_crawl(
    cluster: Any, faults: str, codes: Any
) -> None:
    """Two machines with a token each; X refuses one in the middle of their work, or both in one moment."""
    cluster.emulator("--graph", cluster.graph(EDGES), "--faults", f"followers:{faults}")
    master = cluster.start("master", *FLAGS, "--stream", "seeds")
    wait_for(lambda: "epoch 1" in cluster.said(master), cluster, master)
    wait_for(lambda: not cluster.run("pause").returncode, cluster, master)  # until both are there
    workers = []
    for token in ("t0ken-one", "t0ken-two"):
        cluster.set(x_bearer_tokens=token)
        workers.append(cluster.start("worker", token))
        wait_for(lambda: "works for" in cluster.said(workers[-1]), cluster, *workers)
    assert cluster.run("resume").returncode == 0
    ends = [process.wait(110) for process in (master, *sorted(workers, key=lambda one: one.wait(110)))]
    assert tuple(ends) == codes, [cluster.said(process) for process in (master, *workers)]
    status = cluster.status()
    assert len(status["rejected"]) == codes[1:].count(3)
    if codes[0]:
        assert status["phase"] == "paused"
        assert "No credential is left" in status["reason"]
    else:
        exact(cluster, EDGES)


@pytest.mark.parametrize("budget", [(), ("--budget-usd", "9")])
def test_a_worker_that_would_ask_x_for_a_crawl_elsewhere_is_refused(cluster: Any, budget: Any) -> None:
    """Its address is X's by default: no budget counts what it buys, or that of another account."""
    master = cluster.start("master", *FLAGS, "--stream", "seeds", *budget)
    wait_for(lambda: "epoch 1" in cluster.said(master), cluster, master)
    done = cluster.run("worker", "one", "--x-api-url", "https://API.X.com.:1")
    assert done.returncode == 2
    [sentence] = done.stderr.splitlines()
    assert "this process would ask X" in sentence
    assert "give the same URL of the API as its master has" in sentence


def pause_for_a_refused_token(cluster: Any) -> str:
    """Run a crawl until the network pauses it; return the URL of an API that accepts the token."""
    good = cluster.environment["TWITTOMATIC_X_API_URL"]
    cluster.emulator("--graph", cluster.graph(EDGES), "--tokens", "another")
    master = cluster.start("master", *FLAGS, "--stream", "seeds")
    worker = cluster.start("worker", "one")
    assert worker.wait(60) == 3, cluster.said(worker)
    assert master.wait(60) == 3, cluster.said(master)
    return str(good)


def test_workers_with_a_refused_token_pause_the_crawl_and_the_same_commands_continue(cluster: Any) -> None:
    """Also when they meet it before they hold a job; a new master lets the token try again."""
    good = pause_for_a_refused_token(cluster)
    status = cluster.status()
    assert status["phase"] == "paused"
    assert "credential" in status["reason"]
    cluster.set(x_api_url=good)
    master = cluster.start("master", *FLAGS, "--stream", "seeds")
    worker = cluster.start("worker", "one")
    assert master.wait(110) == 0, cluster.said(master)
    assert worker.wait(60) == 0, cluster.said(worker)
    exact(cluster, EDGES)


def test_a_worker_waits_while_a_new_master_has_not_resumed_a_crawl_that_the_network_paused(
    cluster: Any,
) -> None:
    """Until then the options are the former ones, and their account has rejected every credential."""
    cluster.set(x_api_url=pause_for_a_refused_token(cluster))
    url = cluster.environment["TWITTOMATIC_REDIS_URL"]
    asyncio.run(_lead(url, ttl_s=600))
    worker = cluster.start("worker", "one")
    wait_for(lambda: "Waiting for a master" in cluster.said(worker), cluster, worker)
    asyncio.run(_lead(url, ttl_s=0.001))
    master = cluster.start("master", *FLAGS, "--stream", "seeds")
    assert master.wait(110) == 0, cluster.said(master)
    assert worker.wait(60) == 0, cluster.said(worker)
    exact(cluster, EDGES)


async def _lead(url: str, ttl_s: float) -> None:
    """Take or renew the leadership of the crawl, as a master does before it resumes the crawl."""
    connection = Connection(client(url, "another"))
    try:
        assert await Leadership(connection, CrawlKeys("default"), "another", ttl_s=ttl_s).lead()
    finally:
        await connection.close()
