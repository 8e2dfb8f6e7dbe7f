"""Buy the profiles that a crawl needs before it begins: to resolve names, and for the lengths of lists."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from twittomatic.clock import Clock, rfc3339, utc
from twittomatic.fetch.fetcher import Fetched, Fetcher
from twittomatic.model import MICROS_PER_USD, Phase, User, is_address
from twittomatic.networks.base import Counts, Network, Page, Request
from twittomatic.planning.estimate import PROFILES
from twittomatic.planning.targets import Targets
from twittomatic.planning.userids import UserIds
from twittomatic.state.cache import CountCache, NameCache
from twittomatic.state.crawl import CrawlState
from twittomatic.state.events import FileCommitted
from twittomatic.state.stream import EventStream
from twittomatic.storage.purchases import BoughtProfiles

_UNFINISHED = (Phase.RUNNING, Phase.PAUSED)
_REASONS = {"deleted": "no such user", "unavailable": "the network returned nothing for this user"}


class ProfileBuyer:
    """Buy profiles request by request; each answer is stored before the next request is sent.

    Args:
        fetcher: Sends the requests.
        network: The network.
        crawl: Remembers which users the names belonged to, so that a resumed crawl keeps to the same users.
        names: Cache of the owners of names, shared by all crawls.
        counts: Cache of the counts in profiles, shared by all crawls.
        kept: Stores the profiles in the dataset.
        events: Announces them to the sinks.
        clock: The clock.
        refresh_older_than: Age in seconds from which a name is resolved again; None for the age of the cache.
    """

    def __init__(
        self,
        *,
        fetcher: Fetcher,
        network: Network,
        crawl: CrawlState,
        names: NameCache,
        counts: CountCache,
        kept: BoughtProfiles,
        events: EventStream,
        clock: Clock,
        refresh_older_than: float | None = None,
    ) -> None:
        self._fetcher = fetcher
        self._network = network
        self._crawl = crawl
        self._names = names
        self._counts = counts
        self._kept = kept
        self._events = events
        self._clock = clock
        self._refresh_older_than = refresh_older_than
        self._remembered: dict[str, str] = {}  # id -> name, for names that were not resolved this time
        self._addresses: dict[str, str] = {}  # of the users whose address is known, by user id
        self.bought = 0  # profiles

    async def resolve(self, targets: Targets, report: Callable[[str], None]) -> Sequence[str]:
        """Return the ids of all targets, each once, the names among them after the ids.

        Args:
            targets: The targets as given.
            report: Called with a sentence for each name that the network does not know.

        Raises:
            TwittomaticError: see `Fetcher.page`.
        """
        self._addresses |= targets.addresses
        known = await self._known(targets)
        self._remembered |= {user.user_id: name for name, user in known.items()}
        missing_names: dict[str, str] = {}
        unknown = [name for name in targets.names if name not in known]
        before = _users(await self._names.read(unknown, self._clock.now()) | await self._crawl.names(unknown))
        async with self._buying():
            async for wanted, fetched in self._pages(unknown, self._network.users_by_name):
                page = fetched.page
                answers = {
                    self._network.name_of(record).lower(): User(
                        str(int(user_id)), self._network.address_of(record)
                    )
                    for user_id, record in zip(page.ids, page.records, strict=True)
                }
                answers = {name: user for name, user in answers.items() if name in wanted and _fits(user)}
                missing_names |= {name.lower(): reason for name, reason in page.missing.items()}
                await self._store(fetched)
                await self._names.keep(_entries(answers), self._clock.now())
                await self._keep(fetched)
                known |= answers
                for name, user in answers.items():
                    was = before.get(name, user).user_id
                    if was != user.user_id:
                        report(
                            f"@{name} is user {user.user_id} now, and was {was}; what was crawled of "
                            f"{was} stays."
                        )
        self._addresses |= {user.user_id: user.address for user in known.values() if user.address}
        known = {name: known[name] for name in targets.names if name in known}
        await self._crawl.remember_names(_entries(known))
        named = [user.user_id for user in known.values()]
        rest = "; the others are crawled" if targets.ids or named else ""
        for name in targets.names:
            if name not in known:
                reason = missing_names.get(name, "unavailable")
                report(f"@{name}: {_REASONS.get(reason, reason)}{rest}.")
        if not named:
            return targets.ids
        ids = UserIds(targets.ids)
        ids.extend(named)
        return ids

    def users(self, user_ids: Sequence[str]) -> Sequence[str]:
        """Return users as the frontier holds them; see `User.entry`.

        Args:
            user_ids: As `resolve` returned them.
        """
        if not self._addresses:
            return user_ids
        return [User(user_id, self._addresses.get(user_id, "")).entry for user_id in user_ids]

    async def unresolved(self, targets: Targets) -> list[str]:
        """Return the names whose profiles have to be bought to resolve the targets."""
        known = await self._known(targets)
        return [name for name in targets.names if name not in known]

    async def _known(self, targets: Targets) -> dict[str, User]:
        """Return the known owners of names: this crawl's own record first, then the shared cache.

        REFRESH_OLDER_THAN is ignored for a crawl that is being resumed, or its names would be bought again
        after each interruption.
        """
        if targets.refresh_names:
            return {}
        now, names = self._clock.now(), targets.names
        if self._refresh_older_than is None or await self._crawl.field("phase") in _UNFINISHED:
            here = await self._crawl.names(names)
            unknown = [name for name in names if name not in here]
            return _users(here | await self._names.read(unknown, now))
        return _users(await self._names.read(names, now, since=now - self._refresh_older_than))

    async def count(self, user_ids: Sequence[str], report: Callable[[str], None]) -> dict[str, Counts]:
        """Buy the profiles of users and return the counts in each.

        Args:
            user_ids: Decimal.
            report: Called with a sentence for each user that now has another name than the one remembered.

        Raises:
            TwittomaticError: see `Fetcher.page`.
        """
        found: dict[str, Counts] = {}
        async with self._buying():
            async for wanted, fetched in self._pages(user_ids, self._by_id):
                await self._store(fetched)
                gone = {
                    user_id: Counts(unavailable=fetched.page.missing.get(user_id, "unavailable"))
                    for user_id in set(wanted) - {str(int(user_id)) for user_id in fetched.page.ids}
                }
                found |= gone | await self._keep(fetched)
                known = {
                    user_id: counts for user_id, counts in gone.items() if user_id in fetched.page.missing
                }
                await self._counts.keep(known, self._clock.now())
                await self._forget_renamed(fetched.page, report)
        return found

    def _by_id(self, user_ids: Sequence[str]) -> Request:
        return self._network.users_by_id(
            [User(user_id, self._addresses.get(user_id, "")) for user_id in user_ids]
        )

    async def _forget_renamed(self, page: Page, report: Callable[[str], None]) -> None:
        """Forget names whose users have been renamed, so that the next command resolves them again."""
        renamed: list[str] = []
        for user_id, record in zip(page.ids, page.records, strict=True):
            name, now = self._remembered.get(user_id), self._network.name_of(record)
            if name and now and name != now.lower():
                renamed.append(name)
                report(
                    f"@{name} was user {user_id}, who is @{now} now; this crawl is still of user {user_id}. "
                    f"Give --refresh-names to ask whose name @{name} is."
                )
        await self._names.forget(renamed)
        await self._crawl.forget_names(renamed)

    async def _store(self, fetched: Fetched) -> None:
        """Make the profiles durable before their content is cached and their cost settled."""
        now, cost_usd = self._clock.now(), fetched.cost / MICROS_PER_USD
        await asyncio.to_thread(self._kept.add, fetched.page.records, at=now, cost_usd=cost_usd)

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

    @asynccontextmanager
    async def _buying(self) -> AsyncIterator[None]:
        """Commit whatever was bought within a block, even if the block fails."""
        try:
            yield
        finally:
            await self._commit()

    async def _commit(self) -> None:
        """Add the bought profiles to the dataset and announce them to the sinks."""
        committed = await asyncio.to_thread(self._kept.commit, rfc3339(utc(self._clock.now())))
        await self._events.add(
            *[
                FileCommitted(
                    file=one.file,
                    module=PROFILES,
                    user_id="",
                    records=one.records,
                    begin=one.begin,
                    end=one.end,
                    first_id=one.first_id,
                    last_id=one.last_id,
                )
                for one in committed
            ]
        )
        await asyncio.to_thread(self._kept.settle, committed)

    async def _pages(
        self, wanted: Sequence[str], ask: Callable[[Sequence[str]], Request]
    ) -> AsyncIterator[tuple[Sequence[str], Fetched]]:
        if wanted:
            await asyncio.to_thread(self._kept.prepare)
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


def _users(entries: Mapping[str, str]) -> dict[str, User]:
    return {name: User.read(entry) for name, entry in entries.items()}


def _entries(users: Mapping[str, User]) -> dict[str, str]:
    return {name: user.entry for name, user in users.items()}


def _fits(user: User) -> bool:
    """Return whether the address is empty or fit to be stored."""
    return not user.address or is_address(user.address)
