"""The plan: what a crawl asks for, costs and waits for, computed before anything is spent.

Each figure is a span: at depth 0, with known counts, its two ends meet. What a crawl goes on to at greater
depths depends on whom it finds: the low end is a crawl that selects nobody, the high end one that selects
every follower, none of whom follows two targets, each with as many followers and posts as the targets have
on average.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

import msgspec

from twittomatic.crawler.options import CrawlOptions
from twittomatic.model import Module
from twittomatic.networks.base import Counts, Network, Request

PROFILES = "profiles"
"""The row of what was bought for the plan itself."""

_FEWEST_POSTS = 5  # that a page can be asked for
_ENDLESS = 1e12  # users: more than any network has


class Span(NamedTuple):
    """A number between two ends; `high` is None where there is no upper one."""

    low: float
    high: float | None

    def plus(self, other: Span) -> Span:
        """Add two."""
        high = None if self.high is None or other.high is None else self.high + other.high
        return Span(self.low + other.low, high)

    def each(self, change: Callable[[float], float]) -> Span:
        """Change both ends."""
        return Span(change(self.low), None if self.high is None else change(self.high))


_NOTHING = Span(0, 0)


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A target before the crawl.

    Attributes:
        user_id: Decimal.
        counts: Of his lists, None when nobody has told.
        kept: Modules whose file stands there, so that nothing is to be bought.
        has_timeline: Whether an update finds a timeline to continue.
    """

    user_id: str
    counts: Counts | None = None
    kept: Collection[Module] = ()
    has_timeline: bool = False


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What one module, or the whole crawl, takes.

    Attributes:
        targets: Of those given, whose list is to be bought.
        requests: To the network.
        resources: Posts or profiles that it charges for.
        cost: Micro-dollars.
        hours: Of waiting for rate limits; what fits into one window waits for nothing.
    """

    targets: int
    requests: Span = _NOTHING
    resources: Span = _NOTHING
    cost: Span = _NOTHING
    hours: Span = _NOTHING


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The quote of a crawl.

    Attributes:
        rows: What each module takes, and first the profiles that were bought for the plan.
        total: Of all rows; the hours are those of the slowest, since modules work side by side.
        unknown: Targets whose counts are needed and not known.
        unavailable: Targets whose lists the network does not show.
        kept: Lists that are there and not bought again.
        depth: Hops that the crawl goes beyond its targets.
    """

    rows: dict[str, Row]
    total: Row
    unknown: int
    unavailable: int
    kept: int
    depth: int

    @property
    def due(self) -> int:
        """Micro-dollars that it costs at least from now on: the profiles are paid."""
        return sum(int(row.cost.low) for name, row in self.rows.items() if name != PROFILES)


def plan(
    subjects: Sequence[Subject],
    options: CrawlOptions,
    network: Network,
    *,
    kinds: Sequence[str],
    bought: int = 0,
) -> Plan:
    """Quote a crawl.

    Args:
        subjects: The targets.
        options: Of the crawl.
        network: Whose prices, pages and limits count.
        kinds: Of the credentials that share the requests, `app` or `user` for each.
        bought: Profiles that were bought for this plan.
    """
    pricing = Pricing(options, network, kinds or ("app",))
    rows: dict[str, Row] = {}
    if bought:
        rows[PROFILES] = pricing.profiles(bought)
    for module in options.first_modules:
        if module is not Module.ANALYZER:
            rows[module] = pricing.module(module, subjects)
    if "A" in options.modules:
        rows[Module.ANALYZER] = Row(targets=len(subjects))  # the followers' pages bring the profiles
    return Plan(
        rows=rows,
        total=_total(list(rows.values()), len(subjects)),
        unknown=sum(needs_counts(subject, options) for subject in subjects),
        unavailable=sum(bool(subject.counts and subject.counts.unavailable) for subject in subjects),
        kept=sum(module in subject.kept for subject in subjects for module in options.first_modules),
        depth=pricing.depth,
    )


def needs_counts(subject: Subject, options: CrawlOptions) -> bool:
    """Tell whether the plan would be better with the target's profile."""
    counts, modules = subject.counts or Counts(), {*options.first_modules} - {*subject.kept}
    if counts.unavailable:
        return False
    if Module.FOLLOWER in modules and counts.followers is None:
        return True
    return bool(modules & {Module.TIMELINE, Module.UPDATE}) and counts.posts is None


class Pricing:
    """Prices the lists of a crawl.

    Args:
        options: Of the crawl.
        network: Whose prices, pages and limits count.
        kinds: Of the credentials that share the requests.
    """

    def __init__(self, options: CrawlOptions, network: Network, kinds: Sequence[str]) -> None:
        self._network = network
        self._kinds = kinds
        self._most_followers = options.max_followers
        self._most_posts = _rounded(options.max_posts, network)
        self.depth = options.max_depth if "A" in options.modules else 0
        size = network.posts_per_page
        posts = network.timeline("1", token=None, since_id=None, size=size)
        followers = network.followers("1", token=None, size=network.followers_per_page)
        self._lists = {
            Module.TIMELINE: (size, posts),
            Module.UPDATE: (size, posts),
            Module.FOLLOWER: (network.followers_per_page, followers),
        }

    def profiles(self, count: int) -> Row:
        size = self._network.users_per_request
        row = _priced(Span(count, count), size, self._network.users_by_id(["1"]), 1)
        return self._timed(row, "users")

    def module(self, module: Module, subjects: Sequence[Subject]) -> Row:
        """Price one module: the targets, and whom their followers may lead to."""
        all_rows = [self.row(module, subject) for subject in subjects]
        row = _sum(
            [row for row, subject in zip(all_rows, subjects, strict=True) if module not in subject.kept]
        )
        found = self._found(subjects)
        if found:
            mean = _sum(all_rows)

            def with_deeper(here: Span, each: Span) -> Span:
                if here.high is None or each.high is None or math.isinf(found):
                    return Span(here.low, None)
                return Span(here.low, here.high + math.ceil(each.high / len(subjects) * found))

            row = msgspec.structs.replace(
                row,
                requests=with_deeper(row.requests, mean.requests),
                resources=with_deeper(row.resources, mean.resources),
                cost=with_deeper(row.cost, mean.cost),
            )
        return self._timed(row, self._lists[module][1].endpoint)

    def row(self, module: Module, subject: Subject) -> Row:
        """Price one list, were it bought."""
        size, asked = self._lists[module]
        return _priced(self._length(module, subject), size, asked, size)

    def _length(self, module: Module, subject: Subject) -> Span:
        """Return how many records a list will have."""
        counts = subject.counts or Counts()
        if counts.unavailable:
            return _NOTHING
        if module is Module.FOLLOWER:
            return _cut(counts.followers, self._most_followers)
        if module is Module.UPDATE and subject.has_timeline:  # which MAX_POSTS does not cut
            return Span(0, _cut(counts.posts, self._network.timeline_ceiling).high)
        return _cut(counts.posts, self._most_posts)

    def _found(self, subjects: Sequence[Subject]) -> float:
        """Return how many users can be found at most within the depth, infinite where nothing tells."""
        level = float(len(subjects))
        lengths = [self._length(Module.FOLLOWER, subject).high for subject in subjects]
        if not self.depth or not subjects:
            return 0
        if None in lengths:
            return math.inf
        mean, found = sum(length or 0 for length in lengths) / level, 0.0
        for _ in range(self.depth):
            level *= mean
            found += level
            if not level or found > _ENDLESS:
                break
        return found if found <= _ENDLESS else math.inf

    def _timed(self, row: Row, endpoint: str) -> Row:
        """Add the hours: windows after the first, each used to its end."""
        limits = [limit for kind in self._kinds if (limit := self._network.limit(endpoint, kind))]
        together = sum(limit.requests for limit in limits)

        def hours(requests: float) -> float:
            return max(0, math.ceil(requests / together) - 1) * limits[0].window_s / 3600

        return msgspec.structs.replace(row, hours=row.requests.each(hours))


def _priced(length: Span, size: int, asked: Request, records: int) -> Row:
    """Price one list, from a request for so many records of it."""
    most = asked.most_resources / records
    high = None if length.high is None else length.high * most
    resources = Span(length.low, high)
    return Row(
        targets=1,
        requests=length.each(lambda count: max(1, math.ceil(count / size))),
        resources=resources,
        cost=resources.each(lambda count: count * asked.unit_price),
    )


def _cut(count: int | None, most: int | None) -> Span:
    """Return the length of a list that has `count` records, if known, of which `most` are bought."""
    if count is None:
        return Span(0, most)
    count = count if most is None else min(count, most)
    return Span(count, count)


def _rounded(most: int | None, network: Network) -> int:
    """Return how many posts MAX_POSTS buys: no page can be asked for fewer than five."""
    if most is None:
        return network.timeline_ceiling
    rest = most % network.posts_per_page
    most += _FEWEST_POSTS - rest if 0 < rest < _FEWEST_POSTS else 0
    return min(most, network.timeline_ceiling)


def _sum(rows: Sequence[Row]) -> Row:
    requests = resources = cost = _NOTHING
    for row in rows:
        requests, resources, cost = (
            requests.plus(row.requests),
            resources.plus(row.resources),
            cost.plus(row.cost),
        )
    return Row(targets=sum(row.targets for row in rows), requests=requests, resources=resources, cost=cost)


def _total(rows: Sequence[Row], targets: int) -> Row:
    highs = [row.hours.high for row in rows]
    slowest = None if None in highs else max((high or 0 for high in highs), default=0)
    hours = Span(max((row.hours.low for row in rows), default=0), slowest)
    return msgspec.structs.replace(_sum(rows), targets=targets, hours=hours)
