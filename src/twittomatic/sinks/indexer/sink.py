"""The indexer as a sink: adds announced posts to the indices, and removes those gone from a timeline."""

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
from twittomatic.sinks.indexer.pump import PostPage, Send, pump
from twittomatic.sinks.indexer.rejected import RejectedPosts
from twittomatic.sinks.records import dataset_file, id_or_empty, new_pages
from twittomatic.state.events import FileCommitted, FileRepaired
from twittomatic.state.stream import StreamEvent
from twittomatic.storage.paths import Layout

NAME = "indexer"


class Indexer(Sink):
    """Keeps the indices in sync with the timelines of the dataset.

    Args:
        bulk: Writes to the indices.
        layout: The dataset's layout.
        network: The network of the posts.
        rejected: Receives the posts that the server will never accept.
        clock: The clock.
        indices: The searched indices; None if `bulk` writes to others.
        send: Replaces `bulk.send`.
    """

    name = NAME
    is_new = False

    def __init__(
        self,
        bulk: Bulk,
        layout: Layout,
        network: Records,
        rejected: RejectedPosts,
        clock: Clock,
        *,
        indices: Indices | None = None,
        send: Send | None = None,
    ) -> None:
        self._bulk = bulk
        self._layout = layout
        self._network = network
        self._rejected = rejected
        self._clock = clock
        self._indices = indices
        self._send = send or bulk.send
        self._authors = Authors(layout, network)

    async def begin(self) -> None:
        """See `Sink`. Reserve the indices, and check whether there are any.

        Raises:
            SettingsError: They are another dataset's, or the server denies access.
        """
        if self._indices:
            await self._indices.begin()
            self.is_new = (await self._indices.serving()).is_empty

    async def handle(self, events: Sequence[StreamEvent], skip: Callable[[str], None]) -> int:
        """See `Sink`. The server has stored everything when this returns; searches see it a second later."""
        gone: list[dict[str, Any]] = []
        sent = await pump(
            self._pages(events, gone, skip), self._network, self._send, self._rejected, self._clock
        )
        reach("indexer.fed")
        await self._bulk.delete(gone)
        reach("indexer.deleted")
        return sent.taken

    def _pages(
        self, events: Sequence[StreamEvent], gone: list[dict[str, Any]], skip: Callable[[str], None]
    ) -> Iterator[PostPage]:
        """Yield the posts that events announce. Blocks.

        Args:
            events: The events in order.
            gone: Receives queries for posts that, according to the events, are no longer in the dataset.
            skip: Receives a sentence about each unreadable file.
        """
        self._authors.refresh()
        for one in events:
            event = one.event
            if isinstance(event, FileCommitted) and event.file.endswith(".twt"):
                yield from self._committed(event, int(one.at), gone, skip)
            elif isinstance(event, FileRepaired) and event.file.endswith(".twt"):
                yield from self._repaired(event, int(one.at), gone, skip)

    def _page(self, user_id: str, fetched_at: int, lines: Sequence[bytes]) -> PostPage:
        author = self._authors.name_of(user_id)
        return PostPage(author_id=user_id, author=author, fetched_at=fetched_at, lines=lines)

    def _committed(
        self, event: FileCommitted, at: int, gone: list[dict[str, Any]], skip: Callable[[str], None]
    ) -> Iterator[PostPage]:
        noted: list[str] = []
        oldest = at
        for fetched_at, lines in new_pages(self._layout, event, noted.append):
            oldest = min(oldest, fetched_at)
            yield self._page(event.user_id, fetched_at, lines)
        if noted:
            skip(noted[0])
        elif event.end == 0:  # a whole timeline: posts without a newer copy are no longer in it
            gone.append(_of(event.user_id, {"lt": rfc3339(utc(oldest))}))

    def _repaired(
        self, event: FileRepaired, at: int, gone: list[dict[str, Any]], skip: Callable[[str], None]
    ) -> Iterator[PostPage]:
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
        """Return whether a file reported as gone is really gone, rather than its volume not mounted."""
        path = dataset_file(self._layout, event)
        return bool(path and event.is_gone and self._layout.journals.is_dir() and not path.exists())


def _of(author_id: str, fetched_at: dict[str, str], but: Sequence[str] = ()) -> dict[str, Any]:
    """Return a query for the posts of an author fetched in a time range, except some ids."""
    filters = [{"term": {"author_id": author_id}}, {"range": {"fetched_at": fetched_at}}]
    return {"bool": {"filter": filters, "must_not": [{"ids": {"values": list(but)}}]}}
