"""Pager: downloads a list page by page: fetch, write, commit; the same for followers and posts."""

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
from twittomatic.state.jobs import settled
from twittomatic.state.permits import Permit
from twittomatic.storage.formats import Ids, member
from twittomatic.storage.idset import IdSet
from twittomatic.storage.part import PartFile, discard

_MOST_RESTARTS = 5
_SAME_TOKEN = 3  # pages in a row that point to themselves: a glitch, or the end of what the network serves
_BARREN_PAGES = (
    20  # in a row that bring nothing new and may cost, apart from those that a restarted list repeats
)
_EMPTY_PAGES = 1_000  # in a row: a million suspended or deleted followers that still fill pages
_EMPTY_S = 3_600.0  # seconds of empty pages in a row: 1,200 requests of one app; the next crawl continues
_FEWEST_MISSING = 20  # fewer may be missing from any list: a profile's count is often a little out of date


@dataclass(frozen=True, kw_only=True)
class ListSpec:
    """What distinguishes one kind of list.

    Attributes:
        ask: Builds the request for a page from pagination token and size.
        page_size: Records on a full page.
        least: Smallest page size that the network accepts.
        most: Greatest number of records to keep, None for all.
        ceiling: Greatest number of records that the network serves, None for no limit.
        grows_in_front: Whether new records have greater ids than all older ones, and usually come first.
        after: Records with this id or a smaller one are dropped, whatever the network sends.
        split: Returns the lines for each part file, by extension, from the ids and records of a page.
        known: Returns the ids in a part file.
        keyed: Extension of the file that `known` reads.
        claimed: Returns the length of the list according to the profile, None if it does not say.
        shortfall: Share of the claimed length that may be missing at the end, None for any share.
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
    """What was written of a page.

    Attributes:
        ids: Ids of the written records.
        numbers: The same ids as numbers.
        fresh: How many records would have been written without a limit.
        in_front: Whether a restarted list has not yet reached the posts from before the restart.
    """

    ids: Sequence[str]
    numbers: Ids
    fresh: int
    in_front: bool


class Pager:
    """One attempt at one list: grows its part files and moves its checkpoint until the list ends."""

    def __init__(self, context: Context, job: Job, spec: ListSpec, extensions: Sequence[str]) -> None:
        self._context = context
        self._job = job
        self._spec = spec
        self._extensions = extensions
        self._parts: dict[str, PartFile] = {}
        self._seen = IdSet()
        self._barren = 0  # pages in a row that bring nothing new and may cost
        self._empty = 0  # pages in a row that are empty, free, and have a successor
        self._empty_since = 0.0
        self._lines_there = 0  # lines of the list in the dataset that this one will replace
        self._tokens: set[int] = set()  # hashes of the tokens that this pass has used
        self._stem = new_stem(job)
        self._is_counted = False  # whether a checkpoint may count on this attempt's part files
        self._predecessor = ""
        self._permit: Permit | None = None
        self.checkpoint = job.checkpoint

    async def run(self) -> Checkpoint:
        """Fetch the rest of the list; return the final checkpoint, with its bytes on disk.

        Raises:
            Interrupted: the worker is to stop; the checkpoint is committed.
            LeaseLost: another worker has the job now.
            NetworkError: see `twittomatic.errors`; the checkpoint is committed.
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
                if not self._is_counted:
                    with suppress(StorageError):  # leftovers are removed when the crawl is finished
                        await to_thread_shielded(remove_parts, self._context, self._stem, self._extensions)
        return self.checkpoint

    async def _note_claim(self) -> None:
        context, user_id = self._context, self._job.user_id
        known = await context.counts.read([user_id], context.clock.now())
        if user_id in known:
            claimed = self._spec.claimed(known[user_id])
            self.checkpoint = msgspec.structs.replace(self.checkpoint, claimed=claimed)

    def _open(self) -> None:
        context, before = self._context, self.checkpoint
        if self._spec.after is None and before.claimed is None:
            final = context.layout.file(self._job.user_id, self._spec.keyed)
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
            for ids in self._spec.known(self._parts[self._spec.keyed]):
                self._seen.add(ids)
            self._predecessor = before.part
            if before.continues and not before.requests:
                self._barren = _BARREN_PAGES - 1  # one page that costs shows whether it still brings nothing
            if before.restarts:  # perhaps in the middle of the pages that a restarted list repeats
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
                least=self._spec.least,
                permit=permit,
                lease=self._context.jobs.lease_of(self._job),
            )
        except PaginationExpired:
            if before.continues or before.asked_again:  # a restart would buy all of it again
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
                in_front=self._spec.grows_in_front and before.first_id is not None,
            )
            return
        except TargetUnavailable as error:
            self.checkpoint = msgspec.structs.replace(
                before,
                token=None,
                ended=Ending.UNAVAILABLE,
                ended_at=self._context.journal_time(),
                reason=error.reason,
            )
            await self._commit({})
            return
        reach("page.fetched")
        try:
            written = await to_thread_shielded(self._write, fetched)
        except BaseException:  # it is paid for, whatever happens
            await fetched.settle()
            raise
        await self._advance(fetched, written)

    async def _give_up(self, ending: Ending) -> None:
        """End a list that cannot be continued, because the network no longer knows its token."""
        self.checkpoint = msgspec.structs.replace(
            self.checkpoint, token=None, ended=ending, ended_at=self._context.journal_time()
        )
        await self._commit({})

    def _ask(self, size: int) -> Request:
        return self._spec.ask(self.checkpoint.token, size)

    def _size(self) -> int:
        """Return how many records to request next."""
        spec = self._spec
        if spec.most is None:
            return spec.page_size
        return min(spec.page_size, max(spec.most - len(self._seen), spec.least))

    def _write(self, fetched: Fetched) -> _Written:
        """Write the new records of a page, synced."""
        page, spec = fetched.page, self._spec
        # Not `to_ids`: each of its steps would hand the interpreter to the loop, and wait to get it back.
        numbers = np.fromiter(map(int, page.ids), np.uint64, len(page.ids))
        mask = self._seen.add(numbers)
        if spec.after is not None:
            mask &= numbers > np.uint64(spec.after)
        in_front = False
        if self.checkpoint.in_front and self.checkpoint.first_id is not None:
            # After a restart, posts published since the first start come first. They are left to an update,
            # which requests everything newer than the newest post here: if the list were cut among the new
            # posts, those in between would never be requested. After a post that was there before, a greater
            # id does not mean a new post: not every server sorts by id.
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
        if spec.most is not None:
            room = max(0, spec.most - self._parts[spec.keyed].state.lines)
            ids, records = ids[:room], records[:room]
        if ids:
            came_at = self._context.clock.now()
            for ext, lines in spec.split(ids, records).items():
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
            ended_at=self._context.journal_time() if ended else "",
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
        lines = self.checkpoint.files[self._spec.keyed].lines
        self._context.note(self._job.name, lines, self.checkpoint.requests)
        if ended is None and self._context.halt.is_set():
            raise Interrupted("The crawl is paused, or this process is leaving.")

    def _extent(self, written: _Written) -> dict[str, Any]:
        """Return the checkpoint's fields for the first and last id, and whether posts are unordered."""
        before, ids, numbers = self.checkpoint, written.ids, written.numbers
        if not ids:
            return {}
        if not self._spec.grows_in_front:
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
        self._is_counted = True
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
        if self._predecessor:  # our part file is the one that counts now
            await asyncio.to_thread(remove_parts, self._context, self._predecessor, self._extensions)
            self._predecessor = ""

    def _ahead(self) -> asyncio.Future[Permit | None] | None:
        """Request the permit for the next page, if there will be one."""
        if self.checkpoint.ended is not None or self._context.halt.is_set():
            return None
        return asyncio.ensure_future(
            self._context.fetcher.ahead(
                self._ask, self._size(), purpose=self._job.module, least=self._spec.least
            )
        )

    def _leads_on(self, page: Page) -> bool:
        """Return whether a page points to one that this pass has not requested yet."""
        if self.checkpoint.token is not None:
            self._tokens.add(hash(self.checkpoint.token))
        return page.next_token is not None and hash(page.next_token) not in self._tokens

    def _next_token(self, page: Page, ended: Ending | None) -> str | None:
        """Return the token with which this crawl or a later one continues."""
        if page.next_token is None and (ended is None or (ended is Ending.SHORT and not page.ids)):
            # The last page is requested again; if it is empty, only because that is free.
            return self.checkpoint.token
        return page.next_token if ended in (None, Ending.STALLED) else None

    def _ending(self, fetched: Fetched, written: _Written, *, leads_on: bool) -> Ending | None:
        spec, token, cut = self._spec, fetched.page.next_token, written.fresh > len(written.ids)
        if spec.ceiling is not None and len(self._seen) >= spec.ceiling:
            return Ending.CEILING
        if cut:
            return Ending.CUT
        if token is None:
            if self._hit_ceiling(fetched):
                return Ending.CEILING
            if not self._is_short():
                return Ending.COMPLETE
            return Ending.SHORT if self.checkpoint.asked_again and not written.fresh else None
        if spec.most is not None and self._parts[spec.keyed].state.lines >= spec.most:
            return Ending.CUT
        if self._barren >= (_BARREN_PAGES if leads_on else _SAME_TOKEN) or self._is_empty_too_long():
            return Ending.STALLED
        return None

    def _is_empty_too_long(self) -> bool:
        """Return whether too many empty pages, or too long a run of them, came in a row; they are free."""
        if not self._empty:
            return False
        return self._empty >= _EMPTY_PAGES or self._context.clock.now() - self._empty_since >= _EMPTY_S

    def _is_short(self) -> bool:
        """Return whether far fewer records came than the profile claims, or, without one, than before."""
        spec, claimed = self._spec, self.checkpoint.claimed
        if claimed is None:
            claimed = self._lines_there
        if spec.shortfall is None:
            return False
        goal = min(one for one in (claimed, spec.ceiling, spec.most) if one is not None)
        missing = goal - self._parts[spec.keyed].state.lines
        return missing >= _FEWEST_MISSING and missing > spec.shortfall * goal

    def _hit_ceiling(self, fetched: Fetched) -> bool:
        """Return whether a list ended at the network's ceiling, and not because it has no more records.

        The ceiling counts from the newest record: each record that is new since the first page puts one of
        the oldest out of reach, and the page after the last visible one is empty.
        """
        ceiling, page = self._spec.ceiling, self._spec.page_size
        return ceiling is not None and not fetched.page.ids and len(self._seen) > ceiling - page


def new_stem(job: Job) -> str:
    """Return a unique stem for the part files of one attempt."""
    return f"{job.module}-{job.user_id}-{secrets.token_hex(6)}"


def existing_lines(context: Context, final: Path) -> int:
    """Return how many records a list in the dataset has: 0 if its file is missing or broken."""
    if final.exists():
        with suppress(CorruptFile):
            return context.complete_lists.state(final).lines
    return 0


def remove_parts(context: Context, stem: str, extensions: Sequence[str]) -> None:
    """Remove the part files of an attempt that no checkpoint counts on any more."""
    for ext in extensions:
        discard(context.layout.part(context.crawl, stem, ext))
