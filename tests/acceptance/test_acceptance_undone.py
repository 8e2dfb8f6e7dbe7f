"""What a crawl leaves undone is named at its end, and its exit code is 1; the same command tries it again."""

from collections.abc import Iterator

import pytest
from scripted import Answer, Asked, ScriptedX, page, profile, scripted

from support.workspace import Workspace, wait_for


class Refusing:
    """Refuses the timelines of some users, otherwise answers as X."""

    def __init__(self, *user_ids: int) -> None:
        self.user_ids = set(map(str, user_ids))
        self.refused = 0

    def __call__(self, asked: Asked) -> Answer | None:
        if asked.path.endswith("/tweets") and asked.path.split("/")[3] in self.user_ids:
            self.refused += 1
            return Answer(status=400, body={"title": "Invalid Request", "detail": "Not this one."})
        return None


@pytest.fixture
def x(place: Workspace) -> Iterator[ScriptedX]:
    with scripted() as x:
        place.set(x_api_url=x.url, x_bearer_tokens="t", budget_usd=100)
        yield x


def test_dead_jobs_end_a_crawl_with_1_until_they_live(place: Workspace, x: ScriptedX) -> None:
    script = x.script = Refusing(27, 28)
    command = ("crawl", "-T", "22", "27", "28")
    done = place.run(*command)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert [line.split(":27")[-1].split(":28")[-1][:9] for line in lines[-3:-1]] == [" is dead:"] * 2
    assert "Not this one" in lines[-2]
    assert lines[-1].startswith("Crawl “default” is finished, but 2 jobs are dead;")
    assert "2 jobs are dead" in place.run("status").stdout
    assert script.refused == 2
    assert place.run("verify").returncode == 0

    done = place.run(*command)
    assert (done.returncode, script.refused) == (1, 4), "each is tried once more"
    assert "Dead jobs that are retried: 2." in done.stdout
    script.user_ids.remove("27")
    done = place.run(*command)
    assert (done.returncode, script.refused) == (1, 5)
    assert "1 job is dead" in done.stderr
    assert place.run("crawl", "-F", "22").returncode == 0, "it died of another command"
    script.user_ids.clear()
    done = place.run(*command)
    assert done.returncode == 0, done.stderr
    assert "dead" not in done.stderr
    assert len(place.files("twt")) == 3
    assert place.run(*command).returncode == 0


def test_one_target_that_dies_is_a_crawl_that_failed(place: Workspace, x: ScriptedX) -> None:
    x.script = Refusing(27)
    assert place.run("crawl", "-T", "27").returncode == 1


def test_a_master_and_its_standby_end_with_1_too(place: Workspace, x: ScriptedX) -> None:
    x.script = Refusing(27)
    seeds = place.write("seeds", "22\n27\n")
    master = place.start("master", "-T", "--stream", seeds)
    wait_for(lambda: "leads" in place.said(master), place, master)
    standby = place.start("master", "-T", "--stream", seeds, "--standby")
    wait_for(lambda: "Standing by" in place.said(standby), place, standby)
    worker = place.start("worker", "w")
    assert master.wait(60) == 1, place.said(master)
    assert worker.wait(60) == 0, place.said(worker)
    assert "finished; dead jobs: 1" in place.said(worker)
    assert standby.wait(60) == 1, place.said(standby)


def test_lists_that_end_too_early_are_named_and_continued(place: Workspace, x: ScriptedX) -> None:
    """One list ends at a page that cost something, the other at an empty one, both far below the claim."""
    pages = {None: page([profile(i) for i in range(1000, 1100)], "A"), "A": page([])}

    def answer(asked: Asked) -> Answer | None:
        if asked.path == "/2/users/by":
            names = asked.query["usernames"].split(",")
            return Answer(body={"data": [profile(len(name), name, followers=52_000) for name in names]})
        if asked.path == "/2/users/5/followers":
            return page([profile(i) for i in range(2000, 2300)])
        return pages[asked.query.get("pagination_token")] if asked.path.endswith("/followers") else None

    x.script = answer
    command = ("crawl", "-F", "--budget-usd", "5000", "@early", "@gapped")
    done = place.run(*command)
    assert done.returncode == 1, done.stderr
    *_, one, two, last = done.stderr.splitlines()
    assert {one.split()[0], two.split()[0]} == {"follower:5", "follower:6"}
    assert "ended short: 300 of the 52,000 that the profile claims" in done.stderr
    assert last.startswith("Crawl “default” is finished, but 2 lists ended too early")
    assert place.status()["early_lists"] == {"short": 2, "stalled": 0}
    assert "2 lists ended too early: 2 short" in place.run("status").stdout
    assert place.run("verify").returncode == 0

    asked = len(x.paths("/followers"))
    again = place.run(*command)
    assert again.returncode == 1
    assert "Lists that ended too early and are continued: 1." in again.stdout
    tokens = [one.query.get("pagination_token") for one in x.asked if "/followers" in one.path]
    assert tokens[asked:] == ["A", "A"]

    pages["A"] = page([profile(i) for i in range(1100, 1200)])
    place.set(shortfall="0.998")
    done = place.run(*command)
    assert done.returncode == 1
    assert "follower:6" not in done.stderr
    assert place.status()["early_lists"] == {"short": 1, "stalled": 0}
    done = place.run(*command, "--refresh-older-than", "0s")
    assert done.returncode == 0, done.stderr
