"""Profiles that have to be bought before a crawl begins: whose name this is, and how long his lists are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence

from twittomatic.clock import Clock
from twittomatic.crawler.plan import PROFILES
from twittomatic.crawler.targets import Targets
from twittomatic.fetch.fetcher import Fetched, Fetcher
from twittomatic.networks.base import Counts, Network, Request
from twittomatic.state.counts import KnownCounts
from twittomatic.state.crawl import CrawlState
from twittomatic.state.names import KnownNames

_NOBODY = "?"  # what is remembered of a name that the network does not know, before the reason
_REASONS = {"deleted": "no such user", "unavailable": "the network says nothing of this user"}


class Lookup:
    """Buys profiles, a request's worth at a time, and keeps what they tell before the next request.

    Args:
        fetcher: Asks the network.
        network: The network.
        crawl: Keeps the ids of its names, so that it goes on with the same users.
        names: Keeps them for all crawls.
        counts: Keeps the counts.
        clock: Tells the time.
    """

    def __init__(
        self,
        *,
        fetcher: Fetcher,
        network: Network,
        crawl: CrawlState,
        names: KnownNames,
        counts: KnownCounts,
        clock: Clock,
    ) -> None:
        self._fetcher = fetcher
        self._network = network
        self._crawl = crawl
        self._names = names
        self._counts = counts
        self._clock = clock
        self.bought = 0  # profiles

    async def resolve(self, targets: Targets, report: Callable[[str], None]) -> list[str]:
        """Return the ids of all targets, each once, the names among them after the ids.

        Args:
            targets: As given.
            report: Told of each name that the network does not know.

        Raises:
            TwittomaticError: see `Fetcher.page`.
        """
        known = await self._known(targets.names)
        unknown = [name for name in targets.names if name not in known]
        async for wanted, fetched in self._pages(unknown, self._network.users_by_name):
            page = fetched.page
            answers = {
                self._network.name_of(record).lower(): str(int(user_id))
                for user_id, record in zip(page.ids, page.records, strict=True)
            }
            answers |= {name.lower(): _NOBODY + reason for name, reason in page.missing.items()}
            answers = {name: answers.get(name, f"{_NOBODY}unavailable") for name in wanted}
            await self._names.keep(answers, self._clock.now())
            await self._keep(fetched)
            known |= answers
        await self._crawl.remember_names({name: known[name] for name in targets.names})
        named = [known[name] for name in targets.names if not known[name].startswith(_NOBODY)]
        rest = "; the others go on" if targets.ids or named else ""
        for name in targets.names:
            if known[name].startswith(_NOBODY):
                reason = known[name].removeprefix(_NOBODY)
                report(f"@{name}: {_REASONS.get(reason, reason)}{rest}.")
        return list(dict.fromkeys([*targets.ids, *named]))

    async def unresolved(self, targets: Targets) -> list[str]:
        """Return the names that have to be bought to resolve targets."""
        known = await self._known(targets.names)
        return [name for name in targets.names if name not in known]

    async def _known(self, names: Sequence[str]) -> dict[str, str]:
        """Return the owners of names, by the memory of this crawl, then by that of all."""
        known = await self._crawl.names(names)
        unknown = [name for name in names if name not in known]
        return known | await self._names.read(unknown, self._clock.now())

    async def count(self, user_ids: Sequence[str]) -> dict[str, Counts]:
        """Buy the profiles of users, and return what they say of their lists, for each of them.

        Raises:
            TwittomaticError: see `Fetcher.page`.
        """
        found: dict[str, Counts] = {}
        async for wanted, fetched in self._pages(user_ids, self._network.users_by_id):
            gone = {
                user_id: Counts(unavailable=fetched.page.missing.get(user_id, "unavailable"))
                for user_id in set(wanted) - {str(int(user_id)) for user_id in fetched.page.ids}
            }
            found |= gone | await self._keep(fetched)
            await self._counts.keep(gone, self._clock.now())
        return found

    async def _keep(self, fetched: Fetched) -> dict[str, Counts]:
        page = fetched.page
        counts = {
            str(int(user_id)): self._network.counts_of(record)
            for user_id, record in zip(page.ids, page.records, strict=True)
        }
        await self._counts.keep(counts, self._clock.now())
        await fetched.settle()
        self.bought += len(page.ids)
        return counts

    async def _pages(
        self, wanted: Sequence[str], ask: Callable[[Sequence[str]], Request]
    ) -> AsyncIterator[tuple[Sequence[str], Fetched]]:
        start = 0
        while start < len(wanted):
            batch = wanted[start : start + self._network.users_per_request]
            fetched = await self._fetcher.page(
                lambda size, batch=batch: ask(batch[:size]),  # type: ignore[misc]
                len(batch),
                purpose=PROFILES,
            )
            yield batch[: fetched.size], fetched
            start += fetched.size
