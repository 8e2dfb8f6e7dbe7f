"""The plan: arithmetic on counts, caps, prices and limits."""

import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from twittomatic.crawler.options import CrawlOptions
from twittomatic.model import Module
from twittomatic.networks.base import Counts, PriceList
from twittomatic.networks.x import X
from twittomatic.planning.estimate import PROFILES, Discovered, Range, TargetEstimate, needs_counts, plan
from twittomatic.settings import load

NETWORK = X(url="http://127.0.0.1:9")


def options(modules: str, tmp_path: Path, **flags: Any) -> CrawlOptions:
    empty = tmp_path / "empty.toml"
    empty.touch()
    return CrawlOptions.of(modules, load({name: str(value) for name, value in flags.items()}, {}, empty))


def subjects(*counts: Counts | None, **fields: Any) -> list[TargetEstimate]:
    return [
        TargetEstimate(user_id=str(number), counts=known, **fields) for number, known in enumerate(counts)
    ]


def of(followers: int | None = None, posts: int | None = None) -> Counts:
    return Counts(followers=followers, posts=posts)


def exactly(number: float) -> Range:
    return Range(number, number)


@pytest.mark.parametrize(
    ("followers", "requests"), [(0, 1), (1, 1), (999, 1), (1000, 1), (1001, 2), (5_000_000, 5000)]
)
def test_followers(tmp_path: Path, followers: int, requests: int) -> None:
    row = plan(subjects(of(followers)), options("F", tmp_path), NETWORK, kinds=["app"]).rows["follower"]
    assert (row.requests, row.resources) == (exactly(requests), exactly(followers))
    assert row.cost == exactly(followers * 10_000)


@pytest.mark.parametrize(
    ("posts", "most", "requests", "bought"),
    [
        (0, 3200, 1, 0),
        (100, 3200, 1, 100),
        (101, 3200, 2, 101),
        (50_000, 3200, 32, 3200),
        (50_000, "none", 32, 3200),
        (50_000, 1, 1, 5),
        (2, 1, 1, 2),
        (50_000, 102, 2, 105),
        (50_000, 107, 2, 107),
        (50_000, 200, 2, 200),
    ],
)
def test_posts(tmp_path: Path, posts: int, most: Any, requests: int, bought: int) -> None:
    chosen = options("T", tmp_path, max_posts=most)
    row = plan(subjects(of(posts=posts)), chosen, NETWORK, kinds=["app"]).rows["timeline"]
    assert (row.requests, row.resources) == (exactly(requests), exactly(bought))
    assert row.cost == exactly(bought * 5_000)


def test_what_is_expanded_has_an_upper_bound(tmp_path: Path) -> None:
    expanding = X(url="http://127.0.0.1:9", expand_referenced=True)
    row = plan(subjects(of(posts=10)), options("T", tmp_path), expanding, kinds=["app"]).rows["timeline"]
    assert row.cost.low == 10 * 5_000
    assert row.cost.high is not None
    assert row.cost.high > row.cost.low


def test_unknown_counts_are_bounded_by_the_caps(tmp_path: Path) -> None:
    free = plan(subjects(None), options("TF", tmp_path), NETWORK, kinds=["app"])
    assert free.rows["follower"].cost == Range(0, None)
    assert free.rows["timeline"].cost == Range(0, 3200 * 5_000)
    assert free.total.cost == Range(0, None)
    assert free.total.hours == Range(0, None)
    assert free.unknown == 1
    capped = options("TF", tmp_path, max_followers=1500, max_posts=20)
    total = plan(subjects(None), capped, NETWORK, kinds=["app"]).total
    assert total.cost == Range(0, 1500 * 10_000 + 20 * 5_000)
    assert total.requests == Range(2, 3)


def test_a_user_hidden_by_the_network_costs_a_request(tmp_path: Path) -> None:
    hidden = Counts(followers=10, posts=10, unavailable="protected")
    found = plan(subjects(hidden), options("TF", tmp_path), NETWORK, kinds=["app"])
    assert (found.total.cost, found.total.requests) == (exactly(0), exactly(2))
    assert (found.unavailable, found.unknown) == (1, 0)


def test_what_is_kept_is_free(tmp_path: Path) -> None:
    kept = subjects(of(1000, 100), kept={Module.FOLLOWER})
    found = plan(kept, options("TF", tmp_path), NETWORK, kinds=["app"])
    assert found.total.cost == exactly(100 * 5_000)
    assert (found.kept, found.rows["follower"].targets) == (1, 0)


def test_an_update_buys_what_is_new(tmp_path: Path) -> None:
    had, new = subjects(of(posts=500), has_timeline=True), subjects(of(posts=500))
    chosen = options("U", tmp_path, max_posts=10)
    assert plan(had, chosen, NETWORK, kinds=["app"]).total.cost == Range(0, 500 * 5_000)
    assert plan(new, chosen, NETWORK, kinds=["app"]).total.cost == exactly(10 * 5_000)


@pytest.mark.parametrize(("depth", "found"), [(0, 0), (1, 30), (2, 30 + 30 * 15)])
def test_depth_is_between_no_user_and_all_users(tmp_path: Path, depth: int, found: int) -> None:
    chosen = options("FA", tmp_path, max_depth=depth)
    quote = plan(subjects(of(10), of(20)), chosen, NETWORK, kinds=["app"])
    assert quote.total.cost == Range(30 * 10_000, (30 + found * 15) * 10_000)
    assert quote.total.requests == Range(2, 2 + found)
    assert (quote.depth, quote.rows["analyzer"].targets) == (depth, 2)


def test_only_the_analyzer_goes_deeper(tmp_path: Path) -> None:
    quote = plan(subjects(of(10)), options("F", tmp_path, max_depth=3), NETWORK, kinds=["app"])
    assert (quote.total.cost, quote.depth) == (exactly(100_000), 0)


@pytest.mark.parametrize("known", [of(10), None])
def test_an_unlimited_depth_has_no_upper_end(tmp_path: Path, known: Counts | None) -> None:
    chosen = options("TFA", tmp_path, max_depth="unlimited")
    assert plan(subjects(known), chosen, NETWORK, kinds=["app"]).total.cost.high is None


def test_an_unlimited_depth_that_dies_out_has_one(tmp_path: Path) -> None:
    chosen = options("FA", tmp_path, max_depth="unlimited")
    quote = plan(subjects(of(1), of(0), of(0), of(0)), chosen, NETWORK, kinds=["app"])
    assert quote.total.cost.high == pytest.approx(10_000 * (1 + 0.25 * (1 / 0.75)), abs=1)


@pytest.mark.parametrize(
    ("followers", "kinds", "hours"),
    [
        (300_000, ["app"], 0),
        (300_001, ["app"], 0.25),
        (3_000_000, ["app"], 2.25),
        (3_000_000, ["app", "user"] * 2 + ["app"], 0.25),
    ],
)
def test_hours_are_windows_after_the_first(
    tmp_path: Path, followers: int, kinds: list[str], hours: float
) -> None:
    quote = plan(subjects(of(followers)), options("F", tmp_path), NETWORK, kinds=kinds)
    assert quote.total.hours == exactly(hours)


def test_modules_wait_side_by_side(tmp_path: Path) -> None:
    many = subjects(*[of(1, 1)] * 1200)
    quote = plan(many, options("TF", tmp_path), NETWORK, kinds=["app"])
    assert quote.rows["follower"].hours == quote.total.hours == exactly(0.75)


def test_profiles_that_were_bought_are_in_the_total_and_not_due(tmp_path: Path) -> None:
    quote = plan(subjects(of(10)), options("F", tmp_path), NETWORK, kinds=["app"], bought=101)
    assert quote.rows[PROFILES].requests == exactly(2)
    assert quote.total.cost == exactly(101 * 10_000 + 10 * 10_000)
    assert quote.due == 10 * 10_000


def test_prices_are_the_networks(tmp_path: Path) -> None:
    cheap = X(url="http://127.0.0.1:9", prices=PriceList(post=1, user=2, follower=3))
    quote = plan(subjects(of(10, 10)), options("TF", tmp_path), cheap, kinds=["app"], bought=1)
    assert quote.total.cost == exactly(10 + 30 + 2)


@pytest.mark.parametrize(
    ("modules", "known", "needed"),
    [
        ("F", None, True),
        ("T", None, True),
        ("U", None, True),
        ("A", None, False),
        ("F", of(posts=1), True),
        ("T", of(posts=1), False),
        ("TF", of(followers=1), True),
        ("TF", Counts(unavailable="deleted"), False),
    ],
)
def test_whose_profile_is_needed(tmp_path: Path, modules: str, known: Counts | None, needed: bool) -> None:
    assert needs_counts(TargetEstimate(user_id="1", counts=known), options(modules, tmp_path)) is needed


def test_nobody(tmp_path: Path) -> None:
    assert plan([], options("TFA", tmp_path), NETWORK, kinds=[]).total.cost == exactly(0)


def test_followers_that_are_there_are_counted_as_they_are(tmp_path: Path) -> None:
    targets = subjects(of(2), of(4))
    targets[0] = TargetEstimate(user_id="0", counts=of(2), kept={Module.FOLLOWER})
    users = [
        TargetEstimate(user_id="7", counts=of(100)),
        TargetEstimate(user_id="8", counts=of(50), kept={Module.FOLLOWER}),
    ]
    chosen = options("FA", tmp_path, max_depth=1)
    quote = plan(targets, chosen, NETWORK, kinds=["app"], found=Discovered(of={"0"}, users=users))
    mean = (2 + 4 + 100 + 50) / 4
    assert quote.total.cost == Range((4 + 100) * 10_000, (4 + 100 + 4 * mean) * 10_000)
    assert (quote.found, quote.assumes, quote.due) == (2, True, 4 * 10_000)
    both = Discovered(of={"0", "1"}, users=users)
    exact = plan(targets, chosen, NETWORK, kinds=["app"], found=both)
    assert (exact.total.cost, exact.assumes) == (exactly((4 + 100) * 10_000), False)
    deeper = options("FA", tmp_path, max_depth=2)
    quote = plan(targets, deeper, NETWORK, kinds=["app"], found=both)
    assert quote.total.cost.high == (4 + 100 + 2 * mean * mean) * 10_000
    shallow = plan(targets, options("FA", tmp_path), NETWORK, kinds=["app"], found=both)
    assert (shallow.total.cost, shallow.found) == (exactly(4 * 10_000), 0)


def test_what_an_unfinished_list_has_is_paid(tmp_path: Path) -> None:
    begun = subjects(of(2500, 100), bought={Module.FOLLOWER: 2000, Module.TIMELINE: 300})
    quote = plan(begun, options("TF", tmp_path), NETWORK, kinds=["app"])
    assert (quote.rows["follower"].cost, quote.rows["timeline"].cost) == (exactly(5_000_000), exactly(0))
    assert quote.due == 5_000_000


def test_more_users_than_there_are_is_no_upper_end(tmp_path: Path) -> None:
    chosen = options("FA", tmp_path, max_depth=3)
    assert plan(subjects(of(1001)), chosen, NETWORK, kinds=["app"]).total.cost.high is None
    assert plan(subjects(of(900)), chosen, NETWORK, kinds=["app"]).total.cost.high is not None


def test_a_plan_of_many_targets_takes_no_memory(tmp_path: Path) -> None:
    count, chosen = 3_000, options("TF", tmp_path)
    tracemalloc.start()
    try:
        quote = plan(
            (TargetEstimate(user_id=str(i), counts=of(3, 7)) for i in range(count)),
            chosen,
            NETWORK,
            kinds=["app"],
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert quote.total.resources == exactly(count * 10)
    assert peak < 100_000  # their profiles alone take five times as much
