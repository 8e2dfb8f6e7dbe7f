"""The quote of a crawl: what it takes of the budget, as far as the counts of its targets are known."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

import msgspec

from twittomatic.clock import SystemClock
from twittomatic.crawler.options import CrawlOptions
from twittomatic.errors import BudgetExhausted
from twittomatic.model import MICROS_PER_USD, Module, dollars
from twittomatic.modules.selection import Selection
from twittomatic.networks.base import Counts, Network
from twittomatic.planning.estimate import Discovered, Plan, Tally, TargetEstimate, needs_counts
from twittomatic.planning.known import KnownTargets
from twittomatic.planning.profiles import ProfileBuyer
from twittomatic.planning.userids import UserIds
from twittomatic.state.account import Account

_BATCH = 10_000  # targets that are Python objects at a time


@dataclass(frozen=True, kw_only=True)
class Quote:
    """What a crawl takes, by module and in total.

    Attributes:
        plan: Requests, resources, micro-dollars and hours, each as a range.
        prices_as_of: Day from which the prices hold.
        left: Micro-dollars that the budget leaves; None without a budget.
    """

    plan: Plan
    prices_as_of: str
    left: int | None

    @property
    def cost_usd(self) -> tuple[float, float | None]:
        """The least and the most dollars it can cost; None if there is no known limit."""
        low, high = self.plan.total.cost.low, self.plan.total.cost.high
        return low / MICROS_PER_USD, None if high is None else high / MICROS_PER_USD


class QuoteBuilder:
    """Builds the quote of one crawl, which becomes more exact with every profile that is bought.

    Args:
        options: The crawl's options.
        network: The network that serves it.
        known: Knows lists and counts without a request.
        buyer: Buys profiles.
        account: The account that pays.
        kinds: Kind of each credential, `app` or `user`.
        user_ids: The targets.
        assumed: Counts for targets whose profiles are not known.
        unresolved: Screen names that have not been resolved.
        remaining: Subtracts what an unfinished crawl has already done; None for a new crawl.
    """

    def __init__(
        self,
        options: CrawlOptions,
        network: Network,
        known: KnownTargets,
        buyer: ProfileBuyer,
        account: Account,
        *,
        kinds: Sequence[str],
        user_ids: Sequence[str],
        assumed: Counts | None = None,
        unresolved: Sequence[str] = (),
        remaining: Callable[[Sequence[TargetEstimate]], Awaitable[Sequence[TargetEstimate]]] | None = None,
    ) -> None:
        self._options = options
        self._network = network
        self._known = known
        self._buyer = buyer
        self._account = account
        self._kinds = kinds
        self._ids = user_ids
        self._assumed = assumed
        self._unresolved = unresolved
        self._remaining = remaining
        self._clock = SystemClock()
        self._found: Discovered | None = None
        self._tally = self._new_tally()
        self._unknown = UserIds()

    async def gather(self) -> None:
        """Collect what is known without a request, some thousand targets at a time."""
        options = self._options
        if self._found is None and options.max_depth and options.includes(Module.ANALYZER):
            self._found = await self._find_followers()
        self._tally, self._unknown = self._new_tally(), UserIds()
        async for estimates in self._batches():
            self._unknown.extend(
                estimate.user_id for estimate in estimates if needs_counts(estimate, options)
            )
            for estimate in estimates:
                self._tally.add(self._with_assumed(estimate))
        for name in self._unresolved:
            self._tally.add(self._with_assumed(TargetEstimate(user_id=f"@{name}")))

    async def unknown(self) -> Sequence[str]:
        """Return the targets whose counts are not known, not even from the dataset's profiles."""
        if self._unknown and await self._known.search(self._unknown, self._clock.now()):
            await self.gather()
        return self._unknown

    async def buy(self, user_ids: Sequence[str], report: Callable[[str], None]) -> None:
        """Buy the profiles of targets.

        Args:
            user_ids: Their ids.
            report: Called with a sentence for each target that has changed its screen name.
        """
        await self._buyer.count(user_ids, report)
        await self.gather()

    async def quote(self) -> Quote:
        """Return the quote as far as it is known."""
        return Quote(
            plan=self._tally.plan(bought=self._buyer.bought),
            prices_as_of=self._network.prices.as_of,
            left=await self._account.left(),
        )

    async def _find_followers(self) -> Discovered:
        """Read the followers of those targets whose lists are in the dataset."""
        selection = Selection(self._options.select, "", self._network)
        crawled = [
            estimate
            async for estimates in self._batches(done=False)
            for estimate in estimates
            if Module.FOLLOWER in estimate.kept
        ]
        return await self._known.found(
            crawled,
            self._clock.now(),
            lambda profile: not self._options.select or selection.score(profile) is not None,
            targets=self._ids,
        )

    async def _batches(self, *, done: bool = True) -> AsyncIterator[Sequence[TargetEstimate]]:
        """Yield the targets as they are now.

        Args:
            done: Whether what the crawl has already done counts as if it were in the dataset.
        """
        for start in range(0, len(self._ids), _BATCH):
            ids = self._ids[start : start + _BATCH]
            estimates = await self._known.estimates(ids, self._clock.now())
            yield await self._remaining(estimates) if done and self._remaining else estimates

    def _new_tally(self) -> Tally:
        return Tally(self._options, self._network, kinds=self._kinds, found=self._found)

    def _with_assumed(self, estimate: TargetEstimate) -> TargetEstimate:
        if self._assumed is None:
            return estimate
        counts, assumed = estimate.counts or Counts(), self._assumed
        return msgspec.structs.replace(
            estimate,
            counts=Counts(
                followers=assumed.followers if counts.followers is None else counts.followers,
                posts=assumed.posts if counts.posts is None else counts.posts,
                unavailable=counts.unavailable,
            ),
        )


async def require_budget(account: Account, budget: int | None, cost: int, what: str, advice: str) -> None:
    """Fail early when the budget cannot cover a cost.

    Args:
        account: The account that pays.
        budget: BUDGET_USD in micro-dollars; None for none.
        cost: Micro-dollars; a cost of 0 is always covered.
        what: What costs that much, as the subject of a sentence.
        advice: What to do about it.

    Raises:
        BudgetExhausted: the budget cannot cover it.
    """
    left = await account.left()
    if left is None or budget is None or cost <= max(left, 0):
        return
    totals = await account.totals()
    reserved = f", {dollars(totals.reserved)} is reserved" if totals.reserved else ""
    rest = f"leaves {dollars(left)} of {dollars(budget)}" if left > 0 else f"of {dollars(budget)} is used up"
    raise BudgetExhausted(
        f"{what} takes {dollars(cost)} of the budget, and BUDGET_USD {rest}: "
        f"{dollars(totals.spent)} was spent before{reserved}; {advice}."
    )


async def require_profiles(account: Account, budget: int | None, network: Network, count: int) -> None:
    """Fail early when the budget cannot cover so many profiles; see `require_budget`."""
    cost = count * network.prices.user
    await require_budget(
        account, budget, cost, f"To read {profiles(count)}", "raise it, or give fewer targets"
    )


def profiles(count: int) -> str:
    """Return a number of profiles in words: `1 profile`."""
    return f"{count:,} profile{'' if count == 1 else 's'}"
