"""What to distrust in a dataset: each reason as a sentence with its number."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from twittomatic.dataset.summary.coverage import Coverage
from twittomatic.dataset.summary.page import Caution, Size
from twittomatic.dataset.summary.posts import Posts

_DAY, _HOUR, _MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
_ENDED_EARLY = ("short", "stalled", "lost")
_WHOLE = 0.99  # share of the claimed followers; networks' own counts are off by as much


def cautions(
    size: Size, followers: Coverage, timelines: Coverage, never_crawled: int, posts: Posts
) -> Iterator[Caution]:
    """Yield the reasons to distrust the numbers of a dataset, the most important first.

    The kinds: `empty`, `border`, `snowball`, `cut`, `early`, `unavailable`, `claimed`, `interval`,
    `timelines`.

    Args:
        size: Size of the follow graph.
        followers: Coverage of the lists of followers.
        timelines: Coverage of the timelines.
        never_crawled: Number of border users.
        posts: Counts of the posts.
    """
    if size.edges:
        yield from _of_the_graph(size, never_crawled)
        yield from _of_lists(followers)
    else:
        yield Caution(
            kind="empty", users=0, sentence="The dataset has no follows, so there is nothing to measure."
        )
    if posts.count:
        yield from _of_timelines(timelines, posts)


def _of_the_graph(size: Size, never_crawled: int) -> Iterator[Caution]:
    if never_crawled:
        yield Caution(
            kind="border",
            users=never_crawled,
            sentence=f"{_of(never_crawled, size.users, 'user')} were found and never crawled. They have no "
            "followers in the dataset, however many they have on the network: do not compare their degrees "
            "and PageRank with those of crawled users. Reciprocity and communities are computed without "
            "them.",
        )
    yield Caution(
        kind="snowball",
        users=size.users,
        sentence="The graph is a snowball sample around the seeds, not a random sample of the network: its "
        "means and shares do not hold for all users, and seeds are central because the crawl began there.",
    )


def _of_lists(followers: Coverage) -> Iterator[Caution]:
    lists = followers.lists
    if cut := followers.endings.get("cut", 0):
        yield Caution(
            kind="cut",
            users=cut,
            sentence=f"{_of(cut, lists, 'list')} were cut at MAX_FOLLOWERS. They contain the newest "
            "followers, which are not a random sample.",
        )
    if early := sum(followers.endings.get(ending, 0) for ending in _ENDED_EARLY):
        yield Caution(
            kind="early",
            users=early,
            sentence=f"{_of(early, lists, 'list')} ended too early or were lost. An unknown part of their "
            "follows is missing.",
        )
    if hidden := followers.endings.get("unavailable", 0):
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in followers.reasons.items())
        yield Caution(
            kind="unavailable",
            users=hidden,
            sentence=f"{_of(hidden, lists, 'user')} could not be read ({reasons}). They appear to have "
            "no followers.",
        )
    if followers.share is not None and followers.share < _WHOLE:
        yield Caution(
            kind="claimed",
            users=lists,
            sentence=f"The lists hold {percent(followers.share)} of the followers that the profiles claim. "
            "Some of the others are suspended or deleted, and still counted; the rest are missing.",
        )
    if followers.began_at and followers.ended_at:
        yield Caution(
            kind="interval",
            users=lists,
            sentence=f"The lists were read over {_span(followers.began_at, followers.ended_at)}, not at one "
            "moment. A follow that began or ended meanwhile may be in one list and not in another.",
        )


def _of_timelines(timelines: Coverage, posts: Posts) -> Iterator[Caution]:
    cut = timelines.lists - timelines.complete - timelines.endings.get("unavailable", 0)
    if not cut:
        return
    days = posts.comparable
    compare = f"compare days from {days.first} to {days.last} only" if days else "no day is covered by all"
    yield Caution(
        kind="timelines",
        users=cut,
        sentence=f"{_of(cut, timelines.lists, 'timeline')} lack older posts: {compare}.",
    )


def percent(share: float) -> str:
    """Format a share as a percentage; only 0 is "0 %", and only 1 is "100 %"."""
    if 0 < share < 0.01:
        return "under 1 %"
    return "over 99 %" if 0.99 < share < 1 else f"{100 * share:.0f} %"


def _of(count: int, total: int, name: str) -> str:
    return f"{count:,} of {total:,} {name}s ({percent(count / total)})"


def _span(began: datetime, ended: datetime) -> str:
    """Format a period: `3 days (2026-11-01 to 2026-11-04)`."""
    length = ended - began
    dates = (
        f"({began:%Y-%m-%d} to {ended:%Y-%m-%d})" if began.date() != ended.date() else f"({began:%Y-%m-%d})"
    )
    for unit, name in ((_DAY, "days"), (_HOUR, "hours"), (_MINUTE, "minutes")):
        if length >= 2 * unit:
            return f"{length / unit:.0f} {name} {dates}"
    return f"{length.total_seconds():.0f} seconds {dates}"
