"""`plan`, and its use by a crawl: quoted before anything is spent, and not started over its budget."""

import json
from typing import Any

import pytest

from support.workspace import Workspace

STARS = ("1", "2", "3")
EDGES = [(star, 10_000 * star + i) for star, count in ((1, 2500), (2, 700), (3, 40)) for i in range(count)]


@pytest.fixture
def world(place: Workspace) -> Any:
    """Three users without common followers, with as many as in EDGES."""
    place.emulator("--graph", place.graph(EDGES))
    return place


def quoted(world: Any, *arguments: str) -> dict[str, Any]:
    done = world.run("plan", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    quote: dict[str, Any] = json.loads(done.stdout)
    return quote


def test_the_quote_is_the_bill(world: Any) -> None:
    quote = quoted(world, "-T", "-F", *STARS, "--yes")
    assert set(quote["modules"]) == {"profiles", "timeline", "follower"}
    assert quote["modules"]["follower"]["requests"] == {"low": 5, "high": 5}
    assert quote["modules"]["follower"]["resources"] == {"low": 3240, "high": 3240}
    assert quote["modules"]["profiles"]["cost_usd"] == {"low": 0.03, "high": 0.03}
    assert quote["unknown"] == 0
    assert world.run("crawl", "-T", "-F", *STARS).returncode == 0
    report = world.report()
    cost = quote["total"]["cost_usd"]
    assert cost["low"] == cost["high"]
    assert cost["low"] == pytest.approx(report["bill_usd"], rel=0.05)
    assert report["requests"]["users"] == 1
    entries = [
        json.loads(line)
        for line in (world.directory / "data/journal/default.local.jsonl").read_text().splitlines()
    ]
    assert all(entry["claimed"] == entry["lines"] for entry in entries if not entry["file"].endswith("usr"))
    again = quoted(world, "-T", "-F", *STARS)
    assert (again["kept"], again["total"]["cost_usd"]) == (6, {"low": 0, "high": 0})


def test_what_profiles_cost_is_asked_first(world: Any) -> None:
    done = world.run("plan", "-F", *STARS, "@nobody")
    assert done.returncode == 2
    assert "$0.04" in done.stderr
    assert "--yes" in done.stderr
    assert world.report()["requests"] == {}


def test_without_lookup_given_counts_are_used(world: Any) -> None:
    arguments = ("-T", "-F", *STARS, "@nobody", "--no-lookup")
    quote = quoted(world, *arguments, "--followers", "1500", "--posts", "10")
    assert quote["modules"]["follower"]["requests"] == {"low": 8, "high": 8}
    assert quote["total"]["cost_usd"] == {"low": 60.2, "high": 60.2}
    nothing = quoted(world, *arguments)
    assert nothing["unknown"] == 4
    assert nothing["total"]["cost_usd"] == {"low": 0, "high": None}
    bounded = quoted(world, *arguments, "--max-followers", "10", "--max-posts", "10")
    assert bounded["total"]["cost_usd"] == {"low": 0, "high": pytest.approx(4 * (0.1 + 0.05))}
    assert world.report()["requests"] == {}
    assert not (world.directory / "data").exists()


def test_depth_is_a_range_that_holds_the_bill(world: Any) -> None:
    quote = quoted(world, "-F", "-A", "3", "--max-depth", "1", "--yes")
    assert world.run("crawl", "-F", "-A", "3", "--max-depth", "1").returncode == 0
    cost, bill = quote["total"]["cost_usd"], world.report()["bill_usd"]
    assert cost["low"] <= bill <= cost["high"]
    assert cost["high"] == pytest.approx(0.01 + 40 * 0.01 * 41)
    shown = world.run("plan", "-F", "-A", "3", "--max-depth", "unlimited", "--refresh-older-than", "0s")
    assert "or more" in shown.stdout
    assert "high estimate assumes" in " ".join(shown.stdout.split())


def test_a_crawl_over_the_budget_does_not_start(world: Any) -> None:
    command = ("crawl", "-F", *STARS, "--budget-usd")
    done = world.run(*command, "5")
    assert done.returncode == 3
    assert "takes $32.40 of the budget" in done.stderr
    assert "--until-spent" in done.stderr
    status = world.status()
    assert (status["phase"], status["spent_usd"]) == ("paused", 0.03)
    assert "followers" not in world.report()["requests"]
    done = world.run(*command, "5", "--until-spent")
    assert done.returncode == 3
    assert world.status()["spent_usd"] == 5
    done = world.run(*command, "40")
    assert done.returncode == 0, done.stderr
    assert world.report()["requests"]["users"] == 1
    assert world.run("verify").returncode == 0


def test_a_budget_that_surely_suffices_buys_no_profile(world: Any) -> None:
    done = world.run("crawl", "-F", *STARS, "--budget-usd", "5", "--max-followers", "100")
    assert done.returncode == 0, done.stderr
    assert "total" in done.stderr
    assert "users" not in world.report()["requests"]


def test_profiles_that_followers_pages_brought_are_not_bought_again(world: Any) -> None:
    assert world.run("crawl", "-F", "3").returncode == 0
    quote = quoted(world, "-F", "30000", "30001")
    assert (quote["unknown"], "profiles" in quote["modules"]) == (0, False)
    assert "users" not in world.report()["requests"]


def test_a_user_unknown_to_the_network(world: Any) -> None:
    quote = quoted(world, "-F", "999999", "--yes")
    assert (quote["unavailable"], quote["total"]["cost_usd"]["high"]) == (1, 0)
