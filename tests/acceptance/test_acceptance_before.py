"""Before a crawl works: it says why it does not start and that it waits, and blocks no other process."""

import os
import pty
import signal
import subprocess
from typing import Any

import pytest
from scripted import Answer, Asked, scripted

from support.workspace import COMMAND, DEADLINE_S, Workspace, wait_for

EDGES = [(star, 10_000 * star + i) for star, count in ((1, 300), (2, 200), (3, 40)) for i in range(count)]


@pytest.mark.parametrize(
    ("fault", "when", "said"),
    [
        ("usage:402=1", "", "and does not say until when"),
        ("usage:403=1", "T00:00:00", "spend cap"),
        ("usage:not-enrolled=1", "", "No credential is left"),
    ],
)
def test_a_crawl_that_the_free_check_stops_is_paused_with_its_reason(
    place: Workspace, fault: str, when: str, said: str
) -> None:
    place.emulator("--graph", place.graph(EDGES), "--faults", fault)
    done = place.run("crawl", "-F", "3", "--budget-usd", "9")
    assert done.returncode == 3
    status = place.status()
    assert (status["phase"], status["spent_usd"]) == ("paused", 0)
    assert status["reason"] in done.stderr
    assert said in status["reason"]
    assert when in (status["until"] or "")
    assert bool(when) is bool(status["until"])
    place.emulator("--graph", place.directory / "graph.edges")
    assert place.run("crawl", "-F", "3", "--budget-usd", "9").returncode == 0


@pytest.mark.parametrize(
    ("command", "number"),
    [
        (("crawl", "-F", "--budget-usd", "9", "@abc"), signal.SIGTERM),
        (("crawl", "-F", "--budget-usd", "9", "@abc"), signal.SIGINT),
        (("crawl", "-F", "--budget-usd", "2", "3"), signal.SIGTERM),
        (("plan", "-F", "--yes", "3"), signal.SIGTERM),
        (("master", "-F", "--budget-usd", "9", "--stream", "@abc"), signal.SIGTERM),
    ],
)
def test_a_lookup_that_waits_for_a_window_says_so_and_ends_on_a_signal(
    place: Workspace, command: tuple[str, ...], number: int
) -> None:
    place.emulator("--graph", place.graph(EDGES), "--faults", "users:429=1,users_by:429=1")
    process = place.start(*command)
    wait_for(lambda: "UTC ..." in place.said(process), place, process)
    assert "requests are allowed for now; waiting until 2" in place.said(process)
    process.send_signal(number)
    assert process.wait(DEADLINE_S) == 130, place.said(process)
    status = place.status()
    assert (status["spent_usd"], status["reserved_usd"]) == (0, 0)
    assert place.said(process).count("UTC ...") == 1


def test_a_plan_keeps_to_the_budget_of_the_crawl(place: Workspace) -> None:
    place.emulator("--graph", place.graph(EDGES))
    assert place.run("crawl", "-F", "3", "--budget-usd", "0.42").returncode == 0
    for again in range(2):
        done = place.run("plan", "-F", "--yes", "1", "2")
        assert done.returncode == 3, again
        assert "To read 2 profiles takes $0.02 of the budget, and BUDGET_USD leaves $0.01 of" in done.stderr
    assert place.report()["bill_usd"] == 0.41
    assert place.run("plan", "-F", "--yes", "1", "2", "--budget-usd", "1").returncode == 0
    assert place.report()["bill_usd"] == 0.43


def test_a_crawl_begins_while_a_plan_asks(place: Workspace) -> None:
    place.emulator("--graph", place.graph(EDGES))
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "plan", "-F", "3", "2"],
        cwd=place.directory,
        env=place.environment,
        stdin=its,
        stdout=its,
        stderr=its,
    )
    os.close(its)
    said = b""
    try:
        while b"[y/N]" not in said:
            said += os.read(ours, 1000)
        assert b"To read 2 profiles" in said
        done = place.run("crawl", "-F", "3", "--budget-usd", "9")
        assert done.returncode == 0, done.stderr
        os.write(ours, b"y\n")
        while b"total" not in said:
            said += os.read(ours, 1000)
        assert process.wait(DEADLINE_S) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert place.status()["spent_usd"] == pytest.approx(0.42)  # one profile for each of the two


@pytest.mark.parametrize("body", [b"", {}])
def test_a_start_does_not_depend_on_the_free_check(place: Workspace, body: Any) -> None:
    """An API without the usage of the account, as many that are compatible with X have none."""

    def answer(asked: Asked) -> Answer | None:
        return Answer(status=200 if body == {} else 404, body=body) if "usage" in asked.path else None

    with scripted(answer) as x:
        place.set(x_api_url=x.url, x_bearer_tokens="t", budget_usd=2)
        master = place.start("master", "-F", "--stream", place.write("targets", "21\n22\n"))
        wait_for(lambda: "leads crawl" in place.said(master), place, master)  # a worker needs its server
        done = place.run("worker", "w")
        assert (done.returncode, master.wait(DEADLINE_S)) == (0, 0), done.stderr
        assert done.stderr.count("The credentials were not checked beforehand: X answered") == 1
        done = place.run("crawl", "-F", "23")
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("The credentials were not checked beforehand: X answered") == 1
    assert len(place.edges()) == 9
