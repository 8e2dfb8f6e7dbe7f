"""value per dollar: edges that a dollar is expected to buy."""

import json
from pathlib import Path
from typing import Any

import pytest

from twittomatic.app import runtime
from twittomatic.crawler.options import CrawlOptions
from twittomatic.errors import SettingsError
from twittomatic.networks.x import X
from twittomatic.planning.value import value_per_dollar
from twittomatic.settings import load

NETWORK = X(url="http://127.0.0.1:9")


def options(modules: str, tmp_path: Path, **flags: Any) -> CrawlOptions:
    empty = tmp_path / "empty.toml"
    empty.touch()
    return CrawlOptions.of(modules, load({name: str(value) for name, value in flags.items()}, {}, empty))


def profile(followers: int, posts: int = 0, *, protected: bool = False) -> bytes:
    metrics = {"followers_count": followers, "tweet_count": posts}
    return json.dumps({"id": "1", "protected": protected, "public_metrics": metrics}).encode()


def order(modules: str, tmp_path: Path, *profiles: bytes, **flags: Any) -> list[int]:
    """Return the places of profiles, the best first."""
    value = value_per_dollar(options(modules, tmp_path, **flags), NETWORK)
    return sorted(range(len(profiles)), key=lambda place: -value(profiles[place]))


def test_with_timelines_few_posts_for_many_followers_come_first(tmp_path: Path) -> None:
    profiles = profile(1000, 3200), profile(500, 10), profile(5000, 100_000), profile(0, 10)
    assert order("TFA", tmp_path, *profiles) == [1, 2, 0, 3]


def test_without_timelines_full_pages_come_first(tmp_path: Path) -> None:
    assert order("FA", tmp_path, profile(3), profile(1000), profile(1001), profile(0)) == [1, 2, 0, 3]


def test_what_the_caps_cut_is_neither_bought_nor_worth_anything(tmp_path: Path) -> None:
    profiles = profile(1_000_000, 50), profile(100, 10)
    assert order("TFA", tmp_path, *profiles) == [0, 1]
    assert order("TFA", tmp_path, *profiles, max_followers=100) == [1, 0]


def test_unavailable_lists_have_no_value(tmp_path: Path) -> None:
    value = value_per_dollar(options("TFA", tmp_path), NETWORK)
    for worthless in (profile(1000, protected=True), b"{}", b"no profile", profile(0, 0)):
        assert value(worthless) == 0


def test_it_is_a_hundred_edges_at_most(tmp_path: Path) -> None:
    value = value_per_dollar(options("FA", tmp_path), NETWORK)
    assert 99 < value(profile(1_000_000)) <= 100


@pytest.mark.parametrize("written", ["value per dollar", " Value per Dollar "])
def test_priority_may_name_it(tmp_path: Path, written: str) -> None:
    chosen = options("TFA", tmp_path, traversal="priority", priority=written, select="followers_count > 1")
    selection = runtime.selection(chosen, NETWORK)
    assert selection.ranks
    assert selection.score(profile(1, 0)) is None
    few, many = selection.score(profile(10, 10)), selection.score(profile(10, 1000))
    assert few is not None
    assert many is not None
    assert few > many


def test_without_followers_there_are_no_edges(tmp_path: Path) -> None:
    chosen = options("TA", tmp_path, traversal="priority", priority="value per dollar")
    with pytest.raises(SettingsError, match="add -F"):
        runtime.selection(chosen, NETWORK)
