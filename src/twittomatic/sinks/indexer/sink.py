"""The indexer as a sink: what events tell of becomes searchable, and what is gone from a timeline goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from twittomatic.clock import Clock, rfc3339, utc
from twittomatic.faultpoint import reach
from twittomatic.networks.base import Records
from twittomatic.sinks.consumer import Sink
from twittomatic.sinks.indexer.authors import Authors
from twittomatic.sinks.indexer.bulk import Bulk
from twittomatic.sinks.indexer.indices import Indices
from twittomatic.sinks.indexer.pump import Page, Send, feed
from twittomatic.sinks.indexer.rejected import RejectedPosts
from twittomatic.sinks.records import dataset_file, id_or_empty, new_pages
from twittomatic.state.events import FileCommitted, FileRepaired
from twittomatic.state.stream import Delivered
from twittomatic.storage.paths import Layout

NAME = "indexer"


class Indexer(Sink):
    """Keeps the indices as the timelines of the dataset are.

    Args:
        bulk: Writes to them.
        layout: Of the dataset.
        network: Whose posts they are.
        refused: Where posts go that the server will never take.
        clock: Of this process.
        indices: Those that are searched; None where `bulk` writes to others.
        send: Stands in for that of `bulk`.
    """

    name = NAME
    is_new = False

    def __init__(
        self,
        bulk: Bulk,
        layout: Layout,
        network: Records,
        refused: RejectedPosts,
        clock: Clock,
        *,
        indices: Indices | None = None,
        send: Send | None = None,
    ) -> None:
        self._bulk = bulk
        self._layout = layout
        self._network = network
        self._refused = refused
        self._clock = clock
        self._indices = indices
        self._send = send or bulk.send
        self._authors = Authors(layout, network)

    async def begin(self) -> None:
        """See `Sink`. Claim the indices, and look what the server has.

        Raises:
            SettingsError: they are another dataset's, or the server does not let us.
        """
        if self._indices:
            await self._indices.begin()
            self.is_new = (await self._indices.serving()).is_bare

    async def handle(self, events: Sequence[Delivered], skip: Callable[[str], None]) -> int:
        """See `Sink`. The server has it all for good before this returns; a second later it is searched."""
        gone: list[dict[str, Any]] = []
        sent = await feed(
            self._pages(events, gone, skip), self._network, self._send, self._refused, self._clock
        )
        reach("indexer.fed")
        await self._bulk.delete(gone)
        reach("indexer.deleted")
        return sent.taken

    def _pages(
        self, events: Sequence[Delivered], gone: list[dict[str, Any]], skip: Callable[[str], None]
    ) -> Iterator[Page]:
        """Yield the posts that events tell of; blocks while it reads them.

        Args:
            events: In their order.
            gone: Gets queries for the posts that are no longer in the dataset, as far as the events show it.
            skip: Told of what cannot be read.
        """
        self._authors.refresh()
        for one in events:
            event = one.event
            if isinstance(event, FileCommitted) and event.file.endswith(".twt"):
                yield from self._committed(event, int(one.at), gone, skip)
            elif isinstance(event, FileRepaired) and event.file.endswith(".twt"):
                yield from self._repaired(event, int(one.at), gone, skip)

    def _page(self, user_id: str, fetched_at: int, lines: Sequence[bytes]) -> Page:
        author = self._authors.name_of(user_id)
        return Page(author_id=user_id, author=author, fetched_at=fetched_at, lines=lines)

    def _committed(
        self, event: FileCommitted, at: int, gone: list[dict[str, Any]], skip: Callable[[str], None]
    ) -> Iterator[Page]:
        noted: list[str] = []
        oldest = at
        for fetched_at, lines in new_pages(self._layout, event, noted.append):
            oldest = min(oldest, fetched_at)
            yield self._page(event.user_id, fetched_at, lines)
        if noted:
            skip(noted[0])
        elif event.end == 0:  # a whole timeline: what it has no newer copy of is not in it
            gone.append(_of(event.user_id, {"lt": rfc3339(utc(oldest))}))

    def _repaired(
        self, event: FileRepaired, at: int, gone: list[dict[str, Any]], skip: Callable[[str], None]
    ) -> Iterator[Page]:
        noted: list[str] = []
        ids: list[str] = []
        if not self._is_gone(event):
            for fetched_at, lines in new_pages(self._layout, event, noted.append):
                ids += map(id_or_empty, lines)
                yield self._page(event.user_id, fetched_at, lines)
        if noted:
            skip(noted[0])
        else:
            gone.append(_of(event.user_id, {"lte": rfc3339(utc(at))}, ids))

    def _is_gone(self, event: FileRepaired) -> bool:
        """Tell whether a file that is told to be gone is; not of a dataset whose volume is not mounted."""
        path = dataset_file(self._layout, event)
        return bool(path and event.is_gone and self._layout.journals.is_dir() and not path.exists())


def _of(author_id: str, fetched_at: dict[str, str], but: Sequence[str] = ()) -> dict[str, Any]:
    """Return a query for the posts of an author that were fetched at some time, without some of them."""
    filters = [{"term": {"author_id": author_id}}, {"range": {"fetched_at": fetched_at}}]
    return {"bool": {"filter": filters, "must_not": [{"ids": {"values": list(but)}}]}}
