"""Pumps timeline pages into the indices: reads in a thread, sends several bulk requests concurrently."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

import msgspec

from twittomatic.clock import Clock, rfc3339_ms, utc
from twittomatic.networks.base import Records
from twittomatic.sinks.indexer.bulk import Sent
from twittomatic.sinks.indexer.documents import Document, Unreadable, document
from twittomatic.sinks.indexer.rejected import RejectedPost, RejectedPosts

_MAX_DOCUMENTS, _MAX_BYTES = 1_000, 4 * 1024 * 1024  # per request: more is not faster, and costlier to retry
_IN_FLIGHT = 2  # requests: the server processes one while the next one arrives

Send: TypeAlias = Callable[[Sequence[Document]], Awaitable[Sent]]


class PostPage(msgspec.Struct, frozen=True, kw_only=True):
    """Posts of one timeline that were fetched together.

    Attributes:
        author_id: The owner of the timeline.
        fetched_at: When they were fetched, in seconds since the epoch; 0 if unknown.
        lines: One post per line.
        author: The owner's screen name in lower case, empty if unknown.
    """

    author_id: str
    author: str = ""
    fetched_at: int
    lines: Sequence[bytes]


async def pump(
    pages: Iterable[PostPage], network: Records, send: Send, rejected: RejectedPosts, clock: Clock
) -> Sent:
    """Send all posts of some pages, and return the totals.

    Reading is throttled by sending: at most a few thousand posts are in memory.

    Args:
        pages: The pages, iterated in a thread.
        network: Parses the posts.
        send: Sends documents, such as `Bulk.send`.
        rejected: Receives lines that are not posts.
        clock: The clock.

    Raises:
        TwittomaticError: Reading or sending failed.
    """
    pieces = _pieces(pages, network, rejected, clock)
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
    pages: Iterable[PostPage], network: Records, rejected: RejectedPosts, clock: Clock
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
                rejected.append([_unreadable(line, page.author_id, str(error), now)])
                continue
            piece.append(one)
            size += len(one.source)
            if len(piece) >= _MAX_DOCUMENTS or size >= _MAX_BYTES:
                yield piece
                piece, size = [], 0
    if piece:
        yield piece


def _unreadable(line: bytes, author_id: str, reason: str, now: float) -> RejectedPost:
    return RejectedPost(
        at=rfc3339_ms(utc(now)),
        author_id=author_id,
        reason=reason,
        text=line.decode(errors="backslashreplace"),
    )
