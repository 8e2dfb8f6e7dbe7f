"""The plan: what a crawl asks for, costs and waits for, computed before anything is spent.

Each figure is a span: at depth 0, with known counts, its two ends meet. What a crawl goes on to at greater
depths depends on whom it finds. Whose followers stand in the dataset is known, and so is whom SELECT selects
of them and what they cost; of others the low end counts nothing, and the high end is an assumption: every
follower is selected, follows one target alone, and has as many followers and posts as those who are known
have on average.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

import msgspec

from twittomatic.crawler.options import CrawlOptions
from twittomatic.model import Module
from twittomatic.networks.base import Counts, Network, Request

PROFILES = "profiles"
"""The row of what was bought for the plan itself, and its name in the ledger."""

_FEWEST_POSTS = 5  # that a page can be asked for
_ENDLESS = 1e9  # users: more than are active in any network


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
        bought: Records that are there of lists that are unfinished or ended too early, by module.
        continued: Modules whose list ended too early and is gone on with, whether or not anything comes.
    """

    user_id: str
    counts: Counts | None = None
    kept: Collection[Module] = ()
    has_timeline: bool = False
    bought: Mapping[Module, int] = {}
    continued: Collection[Module] = ()


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a crawl finds at depth 1, as far as the dataset tells.

    Attributes:
        of: Ids of the targets whose followers were looked at.
        users: Those of them whom SELECT selects, each once, no target among them.
    """

    of: Collection[str] = ()
    users: Sequence[Subject] = ()


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What one module, or the whole crawl, takes.

    Attributes:
        targets: Of those given, whose list is to be bought; of profiles, how many.
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
        due: Micro-dollars that the targets' own lists take at least: the profiles are paid.
        unknown: Targets whose counts are needed and not known.
        unavailable: Targets whose lists the network does not show.
        kept: Lists that are there and not bought again.
        depth: Hops that the crawl goes beyond its targets.
        found: Users at depth 1 who are known.
        assumes: Whether the high end counts users who are not.
        selects: Whether there is a SELECT.
    """

    rows: dict[str, Row]
    total: Row
    due: int
    unknown: int
    unavailable: int
    kept: int
    depth: int
    found: int
    assumes: bool
    selects: bool


def plan(
    subjects: Sequence[Subject],
    options: CrawlOptions,
    network: Network,
    *,
    kinds: Sequence[str],
    bought: int = 0,
    found: Found | None = None,
) -> Plan:
    """Quote a crawl.

    Args:
        subjects: The targets.
        options: Of the crawl.
        network: Whose prices, pages and limits count.
        kinds: Of the credentials that share the requests, `app` or `user` for each.
        bought: Profiles that were bought for this plan.
        found: Whom the dataset shows at depth 1.
    """
    pricing = Pricing(options, network, kinds or ("app",))
    found = found if found and pricing.depth else Found()
    rows: dict[str, Row] = {}
    due = 0.0
    if bought:
        rows[PROFILES] = pricing.profiles(bought)
    for module in options.first_modules:
        if module is not Module.ANALYZER:
            rows[module] = pricing.module(module, subjects, found)
            due += pricing.lists(module, subjects).cost.low
    if "A" in options.modules:
        rows[Module.ANALYZER] = Row(targets=len(subjects))  # the followers' pages bring the profiles
    return Plan(
        rows=rows,
        total=_total(list(rows.values()), len(subjects)),
        due=int(due),
        unknown=sum(needs_counts(subject, options) for subject in subjects),
        unavailable=sum(bool(subject.counts and subject.counts.unavailable) for subject in subjects),
        kept=sum(module in subject.kept for subject in subjects for module in options.first_modules),
        depth=pricing.depth,
        found=len(found.users),
        assumes=pricing.beyond(subjects, found) > 0,
        selects=bool(options.select),
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
        return self._timed(msgspec.structs.replace(row, targets=count), "users")

    def module(self, module: Module, subjects: Sequence[Subject], found: Found) -> Row:
        """Price one module: the targets, whom they lead to, and whom these may lead to."""
        known = [*subjects, *found.users]
        row = self.lists(module, known)
        beyond = self.beyond(subjects, found)
        if beyond:
            mean = _sum([self.row(module, subject) for subject in known])

            def with_deeper(here: Span, each: Span) -> Span:
                if here.high is None or each.high is None or math.isinf(beyond):
                    return Span(here.low, None)
                return Span(here.low, here.high + math.ceil(each.high / len(known) * beyond))

            row = msgspec.structs.replace(
                row,
                requests=with_deeper(row.requests, mean.requests),
                resources=with_deeper(row.resources, mean.resources),
                cost=with_deeper(row.cost, mean.cost),
            )
        targets = sum(module not in subject.kept for subject in subjects)
        return self._timed(msgspec.structs.replace(row, targets=targets), self._lists[module][1].endpoint)

    def lists(self, module: Module, subjects: Sequence[Subject]) -> Row:
        """Price what is not there yet of users' lists."""
        size, asked = self._lists[module]
        return _sum(
            [
                _priced(
                    _without(self._length(module, subject), subject.bought.get(module, 0)), size, asked, size
                )
                for subject in subjects
                if module not in subject.kept
            ]
        )

    def row(self, module: Module, subject: Subject) -> Row:
        """Price one whole list, were it bought."""
        size, asked = self._lists[module]
        return _priced(self._length(module, subject), size, asked, size)

    def _length(self, module: Module, subject: Subject) -> Span:
        """Return how many records a list will have."""
        counts = subject.counts or Counts()
        if counts.unavailable:
            return _NOTHING
        if module in subject.continued:
            whole = self._length(module, msgspec.structs.replace(subject, continued=()))
            return Span(0, whole.high)
        if module is Module.FOLLOWER:
            return _cut(counts.followers, self._most_followers)
        if module is Module.UPDATE and subject.has_timeline:  # which MAX_POSTS does not cut
            return Span(0, _cut(counts.posts, self._network.timeline_ceiling).high)
        return _cut(counts.posts, self._most_posts)

    def beyond(self, subjects: Sequence[Subject], found: Found) -> float:
        """Return how many users more can be found within the depth, infinite where nothing tells."""
        if not self.depth or not subjects:
            return 0
        known = [*subjects, *found.users]
        lengths = {subject.user_id: self._length(Module.FOLLOWER, subject).high for subject in known}
        if None in lengths.values():
            return math.inf
        mean = sum(length or 0 for length in lengths.values()) / len(lengths)
        unseen = sum(lengths[one.user_id] or 0 for one in subjects if one.user_id not in found.of)
        level, total = unseen + len(found.users), unseen
        for _ in range(self.depth - 1):
            level *= mean
            total += level
            if not level or total > _ENDLESS:
                break
        return total if total <= _ENDLESS else math.inf

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


def _without(length: Span, had: int) -> Span:
    """Return what is left of a list of which there are `had` records."""
    return length.each(lambda count: max(0, count - had))


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
