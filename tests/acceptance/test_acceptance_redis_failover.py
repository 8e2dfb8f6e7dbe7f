"""Redis fails over in the middle of a crawl, which continues by itself; the oracle is content."""

import signal
from time import monotonic
from typing import Any

import pytest
from replicated import Replicated

from support.workspace import Workspace, exact, until, wait_for

EDGES = [(a, b) for a in range(1, 220) for b in (2 * a, 2 * a + 1, a // 2) if b not in (0, a)]
FLAGS = ("-F", "-A", "--max-depth", "unlimited")
WORKERS = ("one", "two", "three")
IN_FLIGHT = len(WORKERS) * 2  # lists that may become files although nothing is acknowledged any more


@pytest.fixture
def cluster(place: Workspace, replicas: Replicated) -> Any:
    place.emulator("--graph", place.graph(EDGES))
    place.write("seeds", "1\n")
    place.set(redis_url=replicas.url, crawl=f"crawl-{place.directory.name}")
    for node in replicas.nodes:  # the ledger is the network's, not the crawl's
        if node is replicas.master:
            node.client.flushall()
    return place


def test_a_crawl_continues_when_its_server_dies(cluster: Any, replicas: Replicated) -> None:
    crawl = cluster.start("crawl", *FLAGS, "1")
    until(cluster, 60, crawl)
    old = replicas.master
    old.kill()
    assert crawl.wait(110) == 0, cluster.said(crawl)
    assert replicas.master is not old
    exact(cluster, EDGES)


def test_master_and_workers_continue_when_their_server_dies(cluster: Any, replicas: Replicated) -> None:
    master = cluster.start("master", *FLAGS, "--stream", "seeds")
    workers = [cluster.start("worker", name) for name in WORKERS]
    until(cluster, 60, master, *workers)
    replicas.master.kill()
    for process in (master, *workers):
        assert process.wait(110) == 0, cluster.said(process)
    exact(cluster, EDGES)


def test_the_doctor_looks_at_replicas_and_sentinels(cluster: Any) -> None:
    said = cluster.run("doctor").stdout
    assert "ok       Replicas 2; a write counts once one of them has it." in said
    assert "ok       Sentinel 3 watch “main”" in said


def test_an_unknown_service_is_one_sentence(place: Workspace, replicas: Replicated) -> None:
    place.set(redis_url=f"{replicas.url}s")
    said = place.run("status")
    assert said.returncode == 1
    assert said.stderr.startswith("Error: Redis cannot be reached (the Sentinels at 127.0.0.1:")
    assert "watch no service called “mains”" in said.stderr
    assert said.stderr.count("\n") == 1


@pytest.mark.long
@pytest.mark.timeout(900)
def test_one_crawl_through_many_failovers(place: Workspace, replicas: Replicated, capsys: Any) -> None:
    """And through a master that freezes, and wakes as the master that it no longer is."""
    edges = [(a, b) for a in range(1, 9_000) for b in (2 * a, 2 * a + 1, a // 2) if b not in (0, a)]
    place.emulator("--graph", place.graph(edges))
    place.write("seeds", "1\n")
    replicas.master.client.flushall()
    place.set(redis_url=replicas.url)
    processes = [place.start("master", *FLAGS, "--stream", "seeds")]
    processes += [place.start("worker", name, "--concurrency", "2") for name in WORKERS]
    until(place, 100, *processes)
    gaps: list[float] = []
    for number in range(12):
        old = replicas.master
        killed_at = monotonic()
        old.send(signal.SIGSTOP if number in (4, 8) else signal.SIGKILL)
        before = len(place.files("fws"))
        until(place, before + IN_FLIGHT + 1, *processes)
        gaps.append(monotonic() - killed_at)
        wait_for(lambda old=old: replicas.master is not old, place, *processes)
        if number in (4, 8):
            old.send(signal.SIGCONT)
        assert processes[0].poll() is None, place.said(processes[0])
        replicas.heal()
    with capsys.disabled():
        print(f"\nuntil the first list after it, s: {', '.join(f'{gap:.2f}' for gap in gaps)}")
    for process in processes:
        assert process.wait(240) == 0, place.said(process)
    found = place.edges()
    assert len(found) == len(set(found))
    assert set(found) == set(edges)
    assert place.run("verify").returncode == 0
    assert place.status()["spent_usd"] >= place.report()["bill_usd"]
    assert place.report()["violations"] == 0
    with capsys.disabled():
        print(f"pages asked twice: {place.report()['repeated_pages']} in {len(gaps)} failovers")
