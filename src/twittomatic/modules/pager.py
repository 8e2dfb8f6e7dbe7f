"""A list of the network, page by page: fetch, write, commit; the same for followers and posts."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from twittomatic.errors import CorruptFile, Interrupted, PaginationExpired, StorageError, TargetUnavailable
from twittomatic.faultpoint import reach
from twittomatic.fetch.fetcher import Fetched
from twittomatic.model import Checkpoint, Counter, Ending, Job
from twittomatic.modules.context import Context
from twittomatic.modules.threads import to_thread_shielded
from twittomatic.networks.base import Counts, Page, Request
from twittomatic.state.account import Permit
from twittomatic.state.jobs import settled
from twittomatic.storage.formats import Ids, member
from twittomatic.storage.idset import IdSet
from twittomatic.storage.part import PartFile, discard

_MOST_RESTARTS = 5
_SAME_TOKEN = 3  # pages in a row that lead to themselves: a slip of the network, or the end of what it gives
_BARREN_PAGES = 20  # in a row that bring nothing new and may cost, beyond what a list begun anew repeats
_EMPTY_PAGES = 1_000  # in a row: a million followers who are suspended or deleted but still fill pages
_EMPTY_S = 3_600.0  # seconds of empty pages in a row: 1,200 requests of one app; the next crawl goes on
_FEWEST_MISSING = 20  # fewer may be missing from any list: a profile's count is often a little out of date


@dataclass(frozen=True, kw_only=True)
class ListSpec:
    """What is particular to one kind of list.

    Attributes:
        ask: Makes the request for a page: pagination token, size.
        page_size: Records of a full page.
        least: The fewest that a page can be asked for.
        most: Records to keep, None for all.
        ceiling: Records that the network serves at most, None when it has no such limit.
        grows_in_front: Whether new records have greater ids than all before them, and usually come first.
        after: Records with this id or a smaller one are not wanted, whatever the network sends.
        split: Lines for each part file, by extension, from the ids and records of a page.
        known: Yields the ids in a part file of this kind.
        keyed: Extension of the file that `known` reads.
        claimed: Picks the length of this list from what the profile says, None where it says nothing.
        shortfall: Share of the claimed length that may be missing at the end, None where any may.
    """

    ask: Callable[[str | None, int], Request]
    page_size: int
    least: int = 1
    most: int | None = None
    ceiling: int | None = None
    grows_in_front: bool = False
    after: str | None = None
    split: Callable[[Sequence[str], Sequence[bytes]], dict[str, Sequence[bytes]]]
    known: Callable[[PartFile], Sequence[Ids]]
    keyed: str
    claimed: Callable[[Counts], int | None] = lambda counts: None
    shortfall: float | None = None


@dataclass(frozen=True, kw_only=True)
class _Written:
    """What of a page was written.

    Attributes:
        ids: Of the records.
        numbers: The same as numbers.
        fresh: How many would have been written without a limit.
        in_front: Whether the list, begun anew, is still in front of what was there before.
    """

    ids: Sequence[str]
    numbers: Ids
    fresh: int
    in_front: bool


class Pager:
    """One attempt at one list: grows its part files and moves its checkpoint until the list ends."""

    def __init__(self, context: Context, job: Job, listing: ListSpec, extensions: Sequence[str]) -> None:
        self._context = context
        self._job = job
        self._listing = listing
        self._extensions = extensions
        self._parts: dict[str, PartFile] = {}
        self._seen = IdSet()
        self._barren = 0  # pages in a row that bring nothing new and may cost
        self._empty = 0  # pages in a row that are empty, free, and lead on
        self._empty_since = 0.0
        self._lines_there = 0  # of the list in the dataset that this one is to replace
        self._tokens: set[int] = set()  # hashes of those that this pass asked for
        self._stem = new_stem(job)
        self._counts = False  # whether a checkpoint may count on the part files of this attempt
        self._predecessor = ""
        self._permit: Permit | None = None
        self.checkpoint = job.checkpoint

    async def run(self) -> Checkpoint:
        """Fetch what is missing of the list; return the final checkpoint, its bytes on disk.

        Raises:
            Interrupted: the worker is to stop; the checkpoint stands.
            LeaseLost: the job is somebody else's.
            NetworkError: see `twittomatic.errors`; the checkpoint stands.
        """
        if self.checkpoint.ended is None:
            try:
                if not self.checkpoint.part:
                    await self._note_claim()
                await to_thread_shielded(self._open)
                while self.checkpoint.ended is None:
                    await self._step()
            finally:
                for part in self._parts.values():
                    part.close()
                if self._permit:
                    await self._context.fetcher.give_up(self._permit)
                if not self._counts:
                    with suppress(StorageError):  # what is left is swept when the crawl is finished
                        await to_thread_shielded(remove_parts, self._context, self._stem, self._extensions)
        return self.checkpoint

    async def _note_claim(self) -> None:
        context, user_id = self._context, self._job.user_id
        known = await context.counts.read([user_id], context.clock.now())
        if user_id in known:
            claimed = self._listing.claimed(known[user_id])
            self.checkpoint = msgspec.structs.replace(self.checkpoint, claimed=claimed)

    def _open(self) -> None:
        context, before = self._context, self.checkpoint
        if self._listing.after is None and before.claimed is None:
            final = context.layout.file(self._job.user_id, self._listing.keyed)
            self._lines_there = existing_lines(context, final)
        stem = self._stem
        for ext in self._extensions:
            path = context.layout.part(context.crawl, stem, ext)
            if before.part and ext in before.files:
                predecessor = context.layout.part(context.crawl, before.part, ext)
                self._parts[ext] = PartFile.take_over(path, predecessor, before.files[ext])
            else:
                self._parts[ext] = PartFile.begin(path)
        if before.part:
            for ids in self._listing.known(self._parts[self._listing.keyed]):
                self._seen.add(ids)
            self._predecessor = before.part
            if before.continues and not before.requests:
                self._barren = _BARREN_PAGES - 1  # one page that costs tells whether it still brings nothing
            if before.restarts:  # maybe in the middle of what the list repeats since it was begun anew
                self._barren = -before.requests
        self.checkpoint = msgspec.structs.replace(
            before, part=stem, began_at=before.began_at or context.now()
        )

    async def _step(self) -> None:
        before, permit = self.checkpoint, self._permit
        self._permit = None
        try:
            fetched = await self._context.fetcher.page(
                self._ask,
                self._size(),
                purpose=self._job.module,
                least=self._listing.least,
                permit=permit,
            )
        except PaginationExpired:
            if before.continues or before.asked_again:  # begun anew, all that is there would be bought again
                await self._give_up(before.continues or Ending.SHORT)
                return
            if before.restarts >= _MOST_RESTARTS:
                raise
            self._barren, self._empty = -before.requests, 0
            self._tokens.clear()
            self.checkpoint = msgspec.structs.replace(
                before,
                token=None,
                restarts=before.restarts + 1,
                in_front=self._listing.grows_in_front and before.first_id is not None,
            )
            return
        except TargetUnavailable as error:
            self.checkpoint = msgspec.structs.replace(
                before,
                token=None,
                ended=Ending.UNAVAILABLE,
                ended_at=self._context.moment(),
                reason=error.reason,
            )
            await self._commit({})
            return
        reach("page.fetched")
        try:
            written = await to_thread_shielded(self._write, fetched)
        except BaseException:  # it is paid, whatever becomes of it
            await fetched.settle()
            raise
        await self._advance(fetched, written)

    async def _give_up(self, ending: Ending) -> None:
        """End a list that cannot be gone on with, since the network no longer knows its token."""
        self.checkpoint = msgspec.structs.replace(
            self.checkpoint, token=None, ended=ending, ended_at=self._context.moment()
        )
        await self._commit({})

    def _ask(self, size: int) -> Request:
        return self._listing.ask(self.checkpoint.token, size)

    def _size(self) -> int:
        """Return how many records to ask for next."""
        listing = self._listing
        if listing.most is None:
            return listing.page_size
        return min(listing.page_size, max(listing.most - len(self._seen), listing.least))

    def _write(self, fetched: Fetched) -> _Written:
        """Write what is new on a page, synced."""
        page, listing = fetched.page, self._listing
        # Not `to_ids`: each of its steps would hand the interpreter to the loop, and wait to get it back.
        numbers = np.fromiter(map(int, page.ids), np.uint64, len(page.ids))
        mask = self._seen.add(numbers)
        if listing.after is not None:
            mask &= numbers > np.uint64(listing.after)
        in_front = False
        if self.checkpoint.in_front and self.checkpoint.first_id is not None:
            # Posts that were published since the list was begun come in front when it is begun anew. They are
            # left to an update, which asks for all that is newer than the newest post here: if the list were
            # cut among the new posts, those between would never be asked for. Behind a post that was there
            # before, a greater id is no sign of a new post: not every server sorts by id.
            there = np.flatnonzero(numbers <= np.uint64(self.checkpoint.first_id))
            in_front = not len(there)
            mask[: there[0] if len(there) else len(numbers)] = False
        if mask.all():
            ids, records = page.ids, page.records
        else:
            places = mask.nonzero()[0].tolist()
            ids = [page.ids[place] for place in places]
            records = [page.records[place] for place in places]
            numbers = numbers[mask]
        fresh = len(ids)
        if listing.most is not None:
            room = max(0, listing.most - self._parts[listing.keyed].state.lines)
            ids, records = ids[:room], records[:room]
        if ids:
            came_at = self._context.clock.now()
            for ext, lines in listing.split(ids, records).items():
                self._parts[ext].append(member(lines, at=came_at), len(lines))
        return _Written(ids=ids, numbers=numbers[: len(ids)], fresh=fresh, in_front=in_front)

    async def _advance(self, fetched: Fetched, written: _Written) -> None:
        page, before, ids, fresh = fetched.page, self.checkpoint, written.ids, written.fresh
        leads_on = self._leads_on(page)
        if fresh:
            self._barren = self._empty = 0
        elif leads_on and not page.ids and not page.billed:
            self._empty_since = self._empty_since if self._empty else self._context.clock.now()
            self._empty += 1
        else:
            self._barren += 1
        received = before.received + len(page.ids)
        ended = self._ending(fetched, written, leads_on=leads_on)
        self.checkpoint = msgspec.structs.replace(
            before,
            files={ext: part.state for ext, part in self._parts.items()},
            token=self._next_token(page, ended),
            asked_again=ended is None and page.next_token is None,
            ended=ended,
            ended_at=self._context.moment() if ended else "",
            requests=before.requests + 1,
            cost=before.cost + fetched.cost,
            received=received,
            in_front=written.in_front,
            **self._extent(written),
        )
        module = self._job.module
        counters = {Counter.PAGES.of(module): 1, Counter.RECORDS.of(module): len(ids)}
        if page.unreadable:
            counters[Counter.UNREADABLE] = len(page.unreadable)
        await self._commit(counters, fetched)
        lines = self.checkpoint.files[self._listing.keyed].lines
        self._context.note(self._job.name, lines, self.checkpoint.requests)
        if ended is None and self._context.halt.is_set():
            raise Interrupted("The crawl is paused, or this process is leaving.")

    def _extent(self, written: _Written) -> dict[str, Any]:
        """Return the fields of the checkpoint that say between which ids the list is, and in which order."""
        before, ids, numbers = self.checkpoint, written.ids, written.numbers
        if not ids:
            return {}
        if not self._listing.grows_in_front:
            return {"first_id": before.first_id or ids[0], "last_id": ids[-1]}
        if before.first_id is None or before.last_id is None:
            greatest, smallest, descends = int(numbers[0]), int(numbers[0]), True
        else:
            greatest, smallest = int(before.first_id), int(before.last_id)
            descends = int(numbers[0]) < smallest
        return {
            "first_id": str(max(greatest, int(numbers.max()))),
            "last_id": str(min(smallest, int(numbers.min()))),
            "unordered": before.unordered or not descends or bool((numbers[1:] > numbers[:-1]).any()),
        }

    async def _commit(self, counters: dict[str, int], fetched: Fetched | None = None) -> None:
        self._counts = True
        together: list[asyncio.Future[None]] = [
            asyncio.ensure_future(self._context.jobs.commit(self._job, self.checkpoint, counters))
        ]
        if fetched:
            together.append(fetched.settle())
        ahead = self._ahead()
        try:
            await settled(*together, *([ahead] if ahead else []))
        finally:
            if ahead and ahead.done() and not ahead.cancelled() and not ahead.exception():
                self._permit = ahead.result()
        reach("page.committed")
        if self._predecessor:  # ours counts now
            await asyncio.to_thread(remove_parts, self._context, self._predecessor, self._extensions)
            self._predecessor = ""

    def _ahead(self) -> asyncio.Future[Permit | None] | None:
        """Ask for the permit of the next page, if there is one to come."""
        if self.checkpoint.ended is not None or self._context.halt.is_set():
            return None
        return asyncio.ensure_future(
            self._context.fetcher.ahead(
                self._ask, self._size(), purpose=self._job.module, least=self._listing.least
            )
        )

    def _leads_on(self, page: Page) -> bool:
        """Tell whether a page leads to one that this pass has not asked for yet."""
        if self.checkpoint.token is not None:
            self._tokens.add(hash(self.checkpoint.token))
        return page.next_token is not None and hash(page.next_token) not in self._tokens

    def _next_token(self, page: Page, ended: Ending | None) -> str | None:
        """Return the token to go on with, in this crawl or in a later one."""
        if page.next_token is None and (ended is None or (ended is Ending.SHORT and not page.ids)):
            return (
                self.checkpoint.token
            )  # of the last page: it is asked for again, if an empty one only for free
        return page.next_token if ended in (None, Ending.STALLED) else None

    def _ending(self, fetched: Fetched, written: _Written, *, leads_on: bool) -> Ending | None:
        listing, token, cut = self._listing, fetched.page.next_token, written.fresh > len(written.ids)
        if listing.ceiling is not None and len(self._seen) >= listing.ceiling:
            return Ending.CEILING
        if cut:
            return Ending.CUT
        if token is None:
            if self._came_past_the_ceiling(fetched):
                return Ending.CEILING
            if not self._is_short():
                return Ending.COMPLETE
            return Ending.SHORT if self.checkpoint.asked_again and not written.fresh else None
        if listing.most is not None and self._parts[listing.keyed].state.lines >= listing.most:
            return Ending.CUT
        if self._barren >= (_BARREN_PAGES if leads_on else _SAME_TOKEN) or self._is_empty_for_long():
            return Ending.STALLED
        return None

    def _is_empty_for_long(self) -> bool:
        """Tell whether empty pages, which are free and lead on, have come for too long in a row."""
        if not self._empty:
            return False
        return self._empty >= _EMPTY_PAGES or self._context.clock.now() - self._empty_since >= _EMPTY_S

    def _is_short(self) -> bool:
        """Tell whether far fewer records came than the profile claims, or without one than came before."""
        listing, claimed = self._listing, self.checkpoint.claimed
        if claimed is None:
            claimed = self._lines_there
        if listing.shortfall is None:
            return False
        goal = min(one for one in (claimed, listing.ceiling, listing.most) if one is not None)
        missing = goal - self._parts[listing.keyed].state.lines
        return missing >= _FEWEST_MISSING and missing > listing.shortfall * goal

    def _came_past_the_ceiling(self, fetched: Fetched) -> bool:
        """Tell whether a list ends where the network serves no more, and not where there is no more.

        It counts what it shows from the newest record, so whatever is new since the first page leaves as many
        of the oldest out of reach; then the page after the last that is shown is an empty one.
        """
        ceiling, page = self._listing.ceiling, self._listing.page_size
        return ceiling is not None and not fetched.page.ids and len(self._seen) > ceiling - page


def new_stem(job: Job) -> str:
    """Name the part files of one attempt, which nobody else ever writes."""
    return f"{job.module}-{job.user_id}-{secrets.token_hex(6)}"


def existing_lines(context: Context, final: Path) -> int:
    """Return how many records a list in the dataset has: 0 when its file is missing or broken."""
    if final.exists():
        with suppress(CorruptFile):
            return context.known_files.state(final).lines
    return 0


def remove_parts(context: Context, stem: str, extensions: Sequence[str]) -> None:
    """Remove the part files of an attempt on which no checkpoint counts any more."""
    for ext in extensions:
        discard(context.layout.part(context.crawl, stem, ext))
