"""Brings the lines of timelines into the indices: read in a thread, sent in pieces, some at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

import msgspec

from twittomatic.clock import Clock, rfc3339_ms, utc
from twittomatic.networks.base import Records
from twittomatic.sinks.indexer.bulk import Sent
from twittomatic.sinks.indexer.documents import Document, Unreadable, document
from twittomatic.sinks.indexer.rejected import RefusedPost, RejectedPosts

_DOCUMENTS, _BYTES = 1_000, 4 * 1024 * 1024  # of one request: more gains nothing, and is all sent again
_IN_FLIGHT = 2  # requests: the server works on one while the next one comes

Send: TypeAlias = Callable[[Sequence[Document]], Awaitable[Sent]]


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Posts of one timeline that came together.

    Attributes:
        author_id: Whose timeline.
        fetched_at: When they came, seconds since the epoch; 0 where it is not known.
        lines: One post each.
        author: That user's screen name in lower case, empty where it is not known.
    """

    author_id: str
    author: str = ""
    fetched_at: int
    lines: Sequence[bytes]


async def feed(
    pages: Iterable[Page], network: Records, send: Send, refused: RejectedPosts, clock: Clock
) -> Sent:
    """Send all posts of some pages, and return what became of them.

    No more is read than `send` takes: a few thousand posts are held at most.

    Args:
        pages: Iterated in a thread.
        network: Reads the posts.
        send: From `Bulk`.
        refused: Where lines go that are no posts.
        clock: Of this process.

    Raises:
        TwittomaticError: what `send` raises, or reading.
    """
    pieces = _pieces(pages, network, refused, clock)
    sending: set[asyncio.Future[Sent]] = set()
    total = Sent()
    try:
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            sending.add(asyncio.ensure_future(send(piece)))
            if len(sending) > _IN_FLIGHT:
                done, sending = await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
                total = sum((one.result() for one in done), total)
        return sum(await asyncio.gather(*sending), total)
    finally:
        for one in sending:
            one.cancel()
        await asyncio.gather(*sending, return_exceptions=True)


def _pieces(
    pages: Iterable[Page], network: Records, refused: RejectedPosts, clock: Clock
) -> Iterator[list[Document]]:
    piece: list[Document] = []
    size = 0
    for page in pages:
        now = clock.now()
        for line in page.lines:
            try:
                one = document(
                    line,
                    network,
                    author_id=page.author_id,
                    author=page.author,
                    fetched_at=page.fetched_at,
                    now=now,
                )
            except Unreadable as error:
                refused.append([_unreadable(line, page.author_id, str(error), now)])
                continue
            piece.append(one)
            size += len(one.source)
            if len(piece) >= _DOCUMENTS or size >= _BYTES:
                yield piece
                piece, size = [], 0
    if piece:
        yield piece


def _unreadable(line: bytes, author_id: str, reason: str, now: float) -> RefusedPost:
    return RefusedPost(
        at=rfc3339_ms(utc(now)),
        author_id=author_id,
        reason=reason,
        text=line.decode(errors="backslashreplace"),
    )
