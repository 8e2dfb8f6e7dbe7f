"""The steps of a crawl before it buys: quotes are required, caps are raised, accounts share nothing."""

import json
import os
import pty
import re
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from support.workspace import COMMAND, DEADLINE_S, Workspace, wait_for

EDGES = [(star, 10_000 * star + i) for star, count in ((1, 2500), (2, 700), (3, 40)) for i in range(count)]


@pytest.fixture
def world(place: Workspace) -> Any:
    """Three users without common followers: 2500, 700 and 40."""
    place.emulator("--graph", place.graph(EDGES))
    return place


def name_of(world: Any, user_id: int) -> str:
    """Return the screen name of a user; it costs a profile."""
    url = f"{world.environment['TWITTOMATIC_X_API_URL']}/2/users/{user_id}"
    asked = urllib.request.Request(url, headers={"Authorization": "Bearer s3cret-t0ken"})
    with urllib.request.urlopen(asked) as answer:
        return "@" + str(json.load(answer)["data"]["username"])


@pytest.mark.parametrize("more", [(), ("--refresh-older-than", "0s")])
def test_a_refusal_stays_however_often_the_command_is_repeated(world: Any, more: tuple[str, ...]) -> None:
    command = ("crawl", "-F", *more, "--budget-usd")
    assert world.run(*command, "8", "2").returncode == 0
    for targets in (("1", "2"), ("1", "2"), ("3",)):  # whose own list is cheap, but 1 waits
        done = world.run(*command, "8", *targets)
        assert done.returncode == 3
        assert "of the budget, and BUDGET_USD leaves $" in done.stderr
        assert "$7.0" in done.stderr
        status = world.status()
        assert status["phase"] == "paused"
        assert status["reason"] in done.stderr
        assert status["spent_usd"] < 7.1
    if not more:
        done = world.run(*command, "33", "1", "2", "3")
        assert done.returncode == 0, done.stderr
        assert sorted(world.edges()) == sorted(EDGES)
        assert world.report()["repeated_pages"] == 0


def test_what_a_list_has_already_is_not_quoted_again(world: Any) -> None:
    """2 is nearly bought when 3 is added: what is left of both fits, though both as a whole do not."""
    command = ("crawl", "-F", "--budget-usd")
    assert world.run(*command, "6.50", "--until-spent", "2").returncode == 3
    status = world.status()
    assert (status["spent_usd"], status["unfinished_lists"]) == (6.5, 1)
    assert "1 list is unfinished" in world.run("status").stdout
    done = world.run(*command, "7.45", "2", "3")
    assert done.returncode == 0, done.stderr
    assert world.status()["spent_usd"] == pytest.approx(7.42)  # with two profiles


def test_a_cap_that_is_raised_is_done(world: Any) -> None:
    command = ("crawl", "-T", "-F", "3", "2", "--max-followers")
    assert world.run(*command, "30", "--max-posts", "5").returncode == 0
    cut = len(world.edges())
    assert cut == 60
    assert world.run(*command, "50", "--max-posts", "5").returncode == 0
    assert len(world.edges()) == 90
    asked = world.report()["requests"]
    done = world.run(*command, "50", "--max-posts", "5")
    assert "given before" in done.stdout
    assert world.run(*command, "20", "--max-posts", "5").returncode == 0
    assert world.report()["requests"]["followers"] == asked["followers"]  # a lower cap buys nothing
    assert len(world.edges()) == 90
    assert world.run("verify").returncode == 0


def test_a_cap_that_is_raised_in_the_middle_is_done_in_the_end(world: Any) -> None:
    command = ("crawl", "-F", "3", "2", "--until-spent", "--max-followers")
    assert world.run(*command, "40", "--budget-usd", "0.5").returncode == 3
    done = world.run(*command, "100", "--budget-usd", "5")
    assert "once the crawl is finished, the same command applies the new ones" in done.stdout
    assert world.run(*command, "100", "--budget-usd", "5").returncode == 0
    assert len(world.edges()) == 140


def test_another_select_looks_at_the_same_followers_again(world: Any) -> None:
    command = ("crawl", "-F", "-A", "3", "--max-depth", "1", "--select")
    assert world.run(*command, "false").returncode == 0
    assert len(world.files("fws")) == 1
    assert world.run(*command, "true").returncode == 0
    assert len(world.files("fws")) == 41
    assert world.report()["requests"]["followers"] == 41


def test_where_nothing_is_to_be_bought_no_budget_is_too_small(world: Any) -> None:
    assert world.run("crawl", "-F", "2").returncode == 0
    for crawl in ("default", "other"):
        done = world.run("crawl", "-F", "2", "--budget-usd", "5", "--crawl", crawl)
        assert done.returncode == 0, done.stderr


def test_a_spent_budget_is_reported_with_the_amount(world: Any) -> None:
    assert world.run("plan", "-F", "3", "--yes").returncode == 0
    assert world.run("crawl", "-F", "2").returncode == 0
    done = world.run("crawl", "-F", "3", "--budget-usd", "5", "--crawl", "other")
    assert done.returncode == 3
    assert "takes $0.40 of the budget, and BUDGET_USD of $5.00 is used up: $7.01 was spent" in done.stderr


def test_profiles_are_not_bought_in_part(world: Any) -> None:
    done = world.run("plan", "-F", "1", "2", "3", "--yes", "--budget-usd", "0.02")
    assert done.returncode == 3
    assert "To read 3 profiles takes $0.03 of the budget" in done.stderr
    done = world.run("crawl", "-F", "@one", "@two", "@three", "--budget-usd", "0.025")
    assert done.returncode == 3
    assert "To read 3 profiles takes $0.03 of the budget, and BUDGET_USD leaves $0.025" in done.stderr
    status = world.status()
    assert status["phase"] == "paused"
    assert status["reason"] in done.stderr
    assert set(world.report()["requests"]) <= {"usage"}


def test_what_is_bought_elsewhere_is_not_on_the_bill_of_x(world: Any) -> None:
    assert world.run("crawl", "-F", "3").returncode == 0
    other = world.emulator("--graph", world.directory / "graph.edges")
    done = world.run("crawl", "-F", "30000", "--crawl", "elsewhere", "--budget-usd", "1")
    assert done.returncode == 0, done.stderr
    assert world.status()["spent_usd"] == pytest.approx(0.4)  # of the crawl, wherever it was
    looked = json.loads(world.run("status", "--json", "--crawl", "elsewhere").stdout)
    assert looked["spent_usd"] == 0
    quote = json.loads(world.run("plan", "-F", "3", "--budget-usd", "1", "--no-lookup", "--json").stdout)
    assert quote["budget_left_usd"] == 1
    assert other


def test_a_retired_credential_is_shown_while_another_continues(place: Workspace) -> None:
    place.emulator("--graph", place.graph(EDGES), "--tokens", "good-t0ken")
    place.set(x_bearer_tokens="good-t0ken,bad-t0ken-1234")
    done = place.run("crawl", "-F", "3")
    assert done.returncode == 0, done.stderr
    [(name, reason)] = place.status()["rejected"].items()
    for text in (done.stdout, place.run("status").stdout):
        assert f"Credential {name} is retired: {reason}" in " ".join(text.split())
        assert "bad-t0ken" not in text


def test_a_name_is_bought_once_for_all_crawls(world: Any) -> None:
    name = name_of(world, 3)
    for crawl in ("one", "two"):
        done = world.run("crawl", "-F", name, "@nobody_here", "--crawl", crawl)
        assert done.returncode == 0, done.stderr
        assert "@nobody_here: no such user; the others are crawled." in done.stderr
    assert world.report()["requests"]["users_by"] == 2  # the second one found no user, which is free
    assert world.report()["bill_usd"] == pytest.approx(0.01 + 0.40)
    alone = world.run("crawl", "-F", "@nobody_here", "--crawl", "three")
    assert alone.returncode == 2
    assert "@nobody_here: no such user.\n" in alone.stderr
    alone = world.run("plan", "-F", "@nobody_here", "--json")
    assert alone.returncode == 2
    assert "the others are crawled" not in alone.stderr


def test_the_rows_of_status_add_up(world: Any) -> None:
    assert world.run("plan", "-F", "2", "3", "--yes").returncode == 0
    assert world.run("crawl", "-F", "3").returncode == 0
    status = world.status()
    rows = {name: row["spent_usd"] for name, row in status["money"]["modules"].items()}
    assert rows == {"profiles": 0.02, "follower": 0.4}
    shown = world.run("status").stdout
    assert re.search(r"^profiles +\$0\.02 *$", shown, re.MULTILINE)
    assert sum(rows.values()) == pytest.approx(status["crawl_spent_usd"])


def test_the_followers_that_are_there_are_counted_as_they_are(world: Any) -> None:
    assert world.run("crawl", "-F", "3").returncode == 0
    quoting = ("plan", "-F", "-A", "3", "--max-depth", "1", "--json")
    everybody = json.loads(world.run(*quoting).stdout)
    assert (everybody["found"], everybody["assumes"], everybody["max_depth"]) == (40, False, 1)
    cost = everybody["total"]["cost_usd"]
    assert cost["low"] == cost["high"]
    nobody = json.loads(world.run(*quoting, "--select", "followers_count > 1000000000").stdout)
    assert (nobody["found"], nobody["total"]["cost_usd"]) == (0, {"low": 0, "high": 0})
    endless = json.loads(world.run(*quoting, "--max-depth", "unlimited").stdout)
    assert endless["max_depth"] is None
    before = world.report()["bill_usd"]
    assert world.run("crawl", "-F", "-A", "3", "--max-depth", "1").returncode == 0
    assert world.report()["bill_usd"] - before == pytest.approx(cost["low"])


def test_a_plan_of_updates_needs_no_target(world: Any) -> None:
    assert world.run("crawl", "-T", "2", "3", "--max-posts", "5").returncode == 0
    done = world.run("plan", "-U", "--json", "--no-lookup")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["targets"] == 2
    assert world.run("plan", "-T", "--json").returncode == 2


def sleeps(pid: int) -> bool:
    """Whether the main thread of a process waits, such as for a line from the terminal."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"


def test_ctrl_c_ends_the_question_at_once(world: Any) -> None:
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "plan", "-F", "3"],
        cwd=world.directory,
        env=world.environment,
        stdin=its,
        stdout=its,
        stderr=its,
        preexec_fn=lambda: os.login_tty(its),
    )
    os.close(its)
    said = b""
    try:
        while b"Buy it? [y/N]: " not in said:
            said += os.read(ours, 1000)
        assert b"To read 1 profile costs $0.01." in said
        wait_for(lambda: sleeps(process.pid), world)  # a signal just before the read would only be noted
        os.write(ours, b"\x03")
        assert process.wait(DEADLINE_S) == 130
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert set(world.report()["requests"]) == set()
