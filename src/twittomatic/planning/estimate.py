"""Estimate requests, cost and waiting time of a crawl before anything is spent.

Each figure is a range. At depth 0, with known counts, its two ends are equal. The cost of greater depths
depends on the users that the crawl will discover. If a target's followers are already in the dataset, the
users that SELECT selects among them are known, and so is their cost. For all other targets the low end counts
nothing, and the high end is an assumption: every follower is selected, follows one target only, and has the
average number of followers and posts of the known users.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import reduce
from typing import NamedTuple

import msgspec

from twittomatic.crawler.options import CrawlOptions
from twittomatic.model import MODULES, Module
from twittomatic.networks.base import Counts, Network, Request

PROFILES = "profiles"
"""Name of the profiles bought for the plan itself, as a line of the plan and in the ledger."""

_ENDLESS = 1e9  # users: more than are active in any network


class Range(NamedTuple):
    """A number known to lie between two ends; `high` is None when it has no upper limit."""

    low: float
    high: float | None

    def plus(self, other: Range) -> Range:
        """Return the sum of two ranges."""
        high = None if self.high is None or other.high is None else self.high + other.high
        return Range(self.low + other.low, high)

    def each(self, change: Callable[[float], float]) -> Range:
        """Apply a function to both ends."""
        return Range(change(self.low), None if self.high is None else change(self.high))


_NOTHING = Range(0, 0)


class TargetEstimate(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about a target before the crawl.

    Attributes:
        user_id: Decimal.
        counts: Lengths of the user's lists; None when they are not known.
        kept: Modules whose list is complete in the dataset, so nothing has to be bought.
        has_timeline: Whether the dataset holds a timeline that an update can continue.
        bought: Number of records already bought of each list that is unfinished or ended too early, by
            module.
        continued: Modules whose list ended too early and will be continued, whether or not more records come.
    """

    user_id: str
    counts: Counts | None = None
    kept: Collection[Module] = ()
    has_timeline: bool = False
    bought: Mapping[Module, int] = {}
    continued: Collection[Module] = ()


class Discovered(msgspec.Struct, frozen=True, kw_only=True):
    """Users that the crawl will discover at depth 1, as far as the dataset shows.

    Attributes:
        of: Ids of the targets whose followers were read.
        users: The followers that SELECT selects, each once, without the targets themselves.
    """

    of: Collection[str] = ()
    users: Sequence[TargetEstimate] = ()


class PlanLine(msgspec.Struct, frozen=True, kw_only=True):
    """Estimate for one module, or for the whole crawl.

    Attributes:
        targets: Number of given targets whose list has to be bought; for profiles, the number of profiles.
        requests: Number of requests.
        resources: Number of posts or profiles that the network charges for.
        cost: Micro-dollars.
        hours: Hours of waiting for rate limits; 0 for requests that fit into one window.
    """

    targets: int
    requests: Range = _NOTHING
    resources: Range = _NOTHING
    cost: Range = _NOTHING
    hours: Range = _NOTHING


_NO_LINE = PlanLine(targets=0)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The quote of a crawl.

    Attributes:
        rows: Estimate for each module, preceded by one for the profiles bought for the plan.
        total: Sum of all rows; its hours are those of the slowest module, since modules run concurrently.
        due: Minimum in micro-dollars for the targets' own lists; the profiles are already paid.
        unknown: Number of targets whose counts are needed but not known.
        unavailable: Number of targets whose lists the network does not show.
        kept: Number of lists that are complete in the dataset and not bought again.
        depth: Hops that the crawl goes beyond its targets.
        found: Number of users at depth 1 that are already known.
        assumes: Whether the high end includes users that are not known.
        selects: Whether SELECT is set.
        title: Name of the network as users know it.
        is_free: Whether the network charges nothing.
        once_a_day: Whether the network charges for the same object once a UTC day.
    """

    rows: dict[str, PlanLine]
    total: PlanLine
    due: int
    unknown: int
    unavailable: int
    kept: int
    depth: int
    found: int
    assumes: bool
    selects: bool
    title: str
    is_free: bool
    once_a_day: bool


def plan(
    estimates: Iterable[TargetEstimate],
    options: CrawlOptions,
    network: Network,
    *,
    kinds: Sequence[str],
    bought: int = 0,
    found: Discovered | None = None,
) -> Plan:
    """Estimate what a crawl takes.

    Args:
        estimates: The targets.
        options: The crawl's options.
        network: Gives prices, page sizes and rate limits.
        kinds: Kind of each credential that shares the requests, such as `app` or `user`.
        bought: Number of profiles that were bought for this plan.
        found: Users at depth 1 that the dataset already shows.
    """
    tally = Tally(options, network, kinds=kinds, found=found)
    for estimate in estimates:
        tally.add(estimate)
    return tally.plan(bought=bought)


def needs_counts(estimate: TargetEstimate, options: CrawlOptions) -> bool:
    """Return whether the target's profile would make the plan more exact."""
    counts, modules = estimate.counts or Counts(), {*options.first_modules} - {*estimate.kept}
    if counts.unavailable:
        return False
    needed = {MODULES[module].records for module in modules} - {""}
    return any(getattr(counts, records) is None for records in needed)


class Pricing:
    """Calculate what the lists of a crawl cost.

    Args:
        options: The crawl's options.
        network: Gives prices, page sizes and rate limits.
        kinds: Kind of each credential that shares the requests.
    """

    def __init__(self, options: CrawlOptions, network: Network, kinds: Sequence[str]) -> None:
        self._network = network
        self._kinds = kinds
        self._most_followers = options.max_followers
        self._most_posts = _rounded(options.max_posts, network)
        self.depth = options.max_depth if options.includes(Module.ANALYZER) else 0
        size = network.posts_per_page
        posts = network.timeline(network.example_user, token=None, since_id=None, size=size)
        followers = network.followers(network.example_user, token=None, size=network.followers_per_page)
        pages = {"posts": (size, posts), "followers": (network.followers_per_page, followers)}
        self._lists = {module: pages[spec.records] for module, spec in MODULES.items() if spec.records}

    def profiles(self, count: int) -> PlanLine:
        size = self._network.users_per_request
        row = _priced(Range(count, count), size, self._network.users_by_id([self._network.example_user]), 1)
        return self._timed(msgspec.structs.replace(row, targets=count), "users")

    def rest(self, module: Module, estimate: TargetEstimate) -> PlanLine:
        """Price the missing part of a list that is not complete in the dataset."""
        size, asked = self._lists[module]
        had = estimate.bought.get(module, 0)
        return _priced(_without(self.length(module, estimate), had), size, asked, size)

    def row(self, module: Module, estimate: TargetEstimate) -> PlanLine:
        """Price a whole list, as if nothing of it had been bought."""
        size, asked = self._lists[module]
        return _priced(self.length(module, estimate), size, asked, size)

    def length(self, module: Module, estimate: TargetEstimate) -> Range:
        """Return how many records a list is going to have."""
        counts = estimate.counts or Counts()
        if counts.unavailable:
            return _NOTHING
        if module in estimate.continued:
            whole = self.length(module, msgspec.structs.replace(estimate, continued=()))
            return Range(0, whole.high)
        if module is Module.FOLLOWER:
            return _cut(counts.followers, self._most_followers)
        if module is Module.UPDATE and estimate.has_timeline:  # which MAX_POSTS does not cut
            return Range(0, _cut(counts.posts, self._network.timeline_ceiling).high)
        return _cut(counts.posts, self._most_posts)

    def timed(self, row: PlanLine, module: Module) -> PlanLine:
        """Add the waiting time of a module."""
        return self._timed(row, self._lists[module][1].endpoint)

    def _timed(self, row: PlanLine, endpoint: str) -> PlanLine:
        """Add the waiting time: every window after the first one, each used up."""
        limits = [limit for kind in self._kinds if (limit := self._network.limit(endpoint, kind))]
        together = sum(limit.requests for limit in limits)

        def hours(requests: float) -> float:
            return max(0, math.ceil(requests / together) - 1) * limits[0].window_s / 3600

        return msgspec.structs.replace(row, hours=row.requests.each(hours))


class _Sums:
    """Sums over the lists of one module, for all targets that were added."""

    def __init__(self) -> None:
        self.wanted = 0  # targets whose list has to be bought
        self.targets = _NO_LINE  # the missing parts of the targets' lists
        self.found = _NO_LINE  # the same for the known users at depth 1
        self.whole = _NO_LINE  # all lists of both, as if nothing had been bought


class Tally:
    """Accumulate targets into a plan without keeping them, so a million targets take no memory.

    Args:
        options: The crawl's options.
        network: Gives prices, page sizes and rate limits.
        kinds: Kind of each credential that shares the requests, such as `app` or `user`.
        found: Users at depth 1 that the dataset already shows.
    """

    def __init__(
        self,
        options: CrawlOptions,
        network: Network,
        *,
        kinds: Sequence[str],
        found: Discovered | None = None,
    ) -> None:
        self._options = options
        self._network = network
        self._pricing = Pricing(options, network, kinds or [*network.limits.by_kind][:1])
        self._found = found if found and self._pricing.depth else Discovered()
        self._sums = {module: _Sums() for module in options.first_modules if MODULES[module].list_ext}
        self._targets = self._unknown = self._unavailable = self._kept = 0
        self._followers = self._unseen = 0.0  # of all known users; of targets without a read list
        self._is_bounded = True  # whether all these numbers have an upper limit
        for user in self._found.users:
            self._follow(user)
            for module, sums in self._sums.items():
                sums.found = _plus(sums.found, self._rest(module, user))
                sums.whole = _plus(sums.whole, self._pricing.row(module, user))

    def add(self, estimate: TargetEstimate) -> None:
        """Add a target to the sums."""
        self._targets += 1
        self._unknown += needs_counts(estimate, self._options)
        self._unavailable += bool(estimate.counts and estimate.counts.unavailable)
        self._kept += sum(module in estimate.kept for module in self._options.first_modules)
        followers = self._follow(estimate)
        if estimate.user_id not in self._found.of:
            self._unseen += followers
        for module, sums in self._sums.items():
            sums.wanted += module not in estimate.kept
            sums.targets = _plus(sums.targets, self._rest(module, estimate))
            sums.whole = _plus(sums.whole, self._pricing.row(module, estimate))

    def plan(self, *, bought: int = 0) -> Plan:
        """Return the plan for all targets that were added.

        Args:
            bought: Number of profiles that were bought for it.
        """
        pricing, beyond = self._pricing, self._beyond()
        rows: dict[str, PlanLine] = {}
        if bought:
            rows[PROFILES] = pricing.profiles(bought)
        for module, sums in self._sums.items():
            row = self._deeper(sums, beyond) if beyond else _plus(sums.targets, sums.found)
            rows[module] = pricing.timed(msgspec.structs.replace(row, targets=sums.wanted), module)
        if self._options.includes(Module.ANALYZER):
            rows[Module.ANALYZER] = PlanLine(targets=self._targets)  # the followers' pages bring the profiles
        return Plan(
            rows=rows,
            total=_total(list(rows.values()), self._targets),
            due=int(sum(sums.targets.cost.low for sums in self._sums.values())),
            unknown=self._unknown,
            unavailable=self._unavailable,
            kept=self._kept,
            depth=pricing.depth,
            found=len(self._found.users),
            assumes=beyond > 0,
            selects=bool(self._options.select),
            title=self._network.title,
            is_free=self._network.prices.is_free,
            once_a_day=self._network.prices.once_a_day,
        )

    def _rest(self, module: Module, estimate: TargetEstimate) -> PlanLine:
        return _NO_LINE if module in estimate.kept else self._pricing.rest(module, estimate)

    def _follow(self, estimate: TargetEstimate) -> float:
        """Count the followers of a user at the high end, and return their number."""
        high = self._pricing.length(Module.FOLLOWER, estimate).high
        self._is_bounded = self._is_bounded and high is not None
        self._followers += high or 0
        return high or 0

    def _beyond(self) -> float:
        """Return how many more users the crawl may discover within its depth (infinite: no bound)."""
        if not self._pricing.depth or not self._targets:
            return 0
        if not self._is_bounded:
            return math.inf
        found = len(self._found.users)
        mean = self._followers / (self._targets + found)
        level, total = self._unseen + found, self._unseen
        for _ in range(self._pricing.depth - 1):
            level *= mean
            total += level
            if not level or total > _ENDLESS:
                break
        return total if total <= _ENDLESS else math.inf

    def _deeper(self, sums: _Sums, beyond: float) -> PlanLine:
        """Price the lists of known users, and of the users beyond them at the average of the known ones."""
        row, known = _plus(sums.targets, sums.found), self._targets + len(self._found.users)

        def with_deeper(here: Range, whole: Range) -> Range:
            if here.high is None or whole.high is None or math.isinf(beyond):
                return Range(here.low, None)
            return Range(here.low, here.high + math.ceil(whole.high / known * beyond))

        return msgspec.structs.replace(
            row,
            requests=with_deeper(row.requests, sums.whole.requests),
            resources=with_deeper(row.resources, sums.whole.resources),
            cost=with_deeper(row.cost, sums.whole.cost),
        )


def _priced(length: Range, size: int, asked: Request, records: int) -> PlanLine:
    """Price a list by a request for `records` of its records."""
    most = asked.most_resources / records
    high = None if length.high is None else length.high * most
    resources = Range(length.low, high)
    return PlanLine(
        targets=1,
        requests=length.each(lambda count: max(1, math.ceil(count / size))),
        resources=resources,
        cost=resources.each(lambda count: count * asked.unit_price),
    )


def _cut(count: int | None, most: int | None) -> Range:
    """Return how many records are bought of a list with `count` records (None: unknown), at most `most`."""
    if count is None:
        return Range(0, most)
    count = count if most is None else min(count, most)
    return Range(count, count)


def _without(length: Range, had: int) -> Range:
    """Return the length of a list without the `had` records that are already bought."""
    return length.each(lambda count: max(0, count - had))


def _rounded(most: int | None, network: Network) -> int | None:
    """Return how many posts MAX_POSTS buys; a network may refuse to serve very small pages."""
    ceiling, fewest = network.timeline_ceiling, network.fewest_posts_per_page
    if most is None:
        return ceiling
    rest = most % network.posts_per_page
    most += fewest - rest if 0 < rest < fewest else 0
    return most if ceiling is None else min(most, ceiling)


def _plus(one: PlanLine, other: PlanLine) -> PlanLine:
    return PlanLine(
        targets=one.targets + other.targets,
        requests=one.requests.plus(other.requests),
        resources=one.resources.plus(other.resources),
        cost=one.cost.plus(other.cost),
    )


def _total(rows: Sequence[PlanLine], targets: int) -> PlanLine:
    highs = [row.hours.high for row in rows]
    slowest = None if None in highs else max((high or 0 for high in highs), default=0)
    hours = Range(max((row.hours.low for row in rows), default=0), slowest)
    together = reduce(_plus, rows, _NO_LINE)
    return msgspec.structs.replace(together, targets=targets, hours=hours)
