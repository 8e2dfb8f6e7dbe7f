"""Sends documents, many at a time; what the server does not take for now is sent again, and that alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from twittomatic.clock import Clock, rfc3339_ms, utc
from twittomatic.errors import ReceiverUnavailable
from twittomatic.faultpoint import reach
from twittomatic.sinks.indexer.client import Refused, SearchServer, shown
from twittomatic.sinks.indexer.documents import Document
from twittomatic.sinks.indexer.indices import Generation
from twittomatic.sinks.indexer.rejected import RefusedPost, RejectedPosts

_DELAYS_S = (
    0.1,
    0.4,
    1.6,
)  # between tries of what is rejected; after that, who sends waits as for a dead server
_TAKEN, _CREATED, _OLDER = (200, 201), 201, 409
_DELETED = (200, 404, _OLDER)  # gone before, or a newer copy came
_FOR_NOW = frozenset({403, 404, 408, 429})  # blocked, its index gone, too late, overloaded or full
_TOO_MUCH = (400, 413)  # of a whole request: one item makes all of it bad, or too large
_HITS = 1000  # copies deleted at a time
_QUERY = {"filter_path": "items.*.status,items.*.error.type,items.*.error.reason"}
_encode = msgspec.json.Encoder().encode


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What became of documents.

    Attributes:
        taken: Those that the server has.
        created: Those of them whose post it did not have.
    """

    taken: int = 0
    created: int = 0

    def __add__(self, other: Sent) -> Sent:
        return Sent(taken=self.taken + other.taken, created=self.created + other.created)


class Bulk:
    """Writes to the indices of a generation.

    Args:
        server: Where they are.
        generation: Returns the generation to write to, asked before each try: it may have changed.
        refused: Where those go that the server will never take.
        clock: Of this process.
    """

    def __init__(
        self,
        server: SearchServer,
        generation: Callable[[], Awaitable[Generation]],
        refused: RejectedPosts,
        clock: Clock,
    ) -> None:
        self._server = server
        self._generation = generation
        self._refused = refused
        self._clock = clock
        self.deleted = 0

    async def send(self, documents: Sequence[Document]) -> Sent:
        """Write documents; an older copy of a post than the one there changes nothing.

        Args:
            documents: Some hundred.

        Raises:
            ReceiverUnavailable: the server does not take all of them for now; sending them again is harmless.
            StorageUnavailable: what it refuses cannot be kept.
        """
        left, why = list(documents), ""
        created = refused = 0
        for delay_s in (0.0, *_DELAYS_S):
            await self._clock.sleep(delay_s)
            generation = await self._generation()
            await generation.prepare(one.month for one in left)
            rejected: list[Document] = []
            bad: list[RefusedPost] = []
            for one, (status, reason) in zip(left, await self._answers(generation, left), strict=True):
                if status in _TAKEN or status == _OLDER:
                    created += status == _CREATED
                elif status in _FOR_NOW or status >= 500:
                    rejected.append(one)
                    why = f"{status}: {shown(reason)}"
                else:
                    bad.append(self._bad(one, status, reason))
            if bad:
                await asyncio.to_thread(self._refused.append, bad)
                refused += len(bad)
            reach("indexer.sent")
            left = rejected
            if not left:
                return Sent(taken=len(documents) - refused, created=created)
        raise ReceiverUnavailable(f"{self._server.name} takes {len(left):,} posts not for now ({why}).")

    async def _answers(self, generation: Generation, documents: Sequence[Document]) -> list[tuple[int, str]]:
        """Return what the server says of each document; a request that it refuses as a whole is halved."""
        try:
            return await self._request(
                b"".join([_index(generation, one) for one in documents]), len(documents)
            )
        except Refused as error:
            if error.status not in _TOO_MUCH:
                raise ReceiverUnavailable(f"{self._server.name} refuses ({error}).") from None
            if len(documents) == 1:
                return [(error.status, str(error))]
            middle = len(documents) // 2
            first = await self._answers(generation, documents[:middle])
            return first + await self._answers(generation, documents[middle:])

    async def delete(self, queries: Sequence[dict[str, Any]]) -> int:
        """Delete the posts that any of some queries hits; return how many there were.

        Raises:
            ReceiverUnavailable: the server is away; doing it again is harmless.
        """
        if not queries:
            return 0
        generation = await self._generation()
        query = {"size": _HITS, "_source": False, "version": True, "query": {"bool": {"should": queries}}}
        before = self.deleted
        while True:
            await generation.refresh()
            hits = await generation.search(query)
            if not hits:
                return self.deleted - before
            try:
                answers = await self._request(b"".join(map(_delete, hits)), len(hits))
            except Refused as error:
                raise ReceiverUnavailable(f"{self._server.name} deletes no post ({error}).") from None
            for status, reason in answers:
                if status not in _DELETED:
                    raise ReceiverUnavailable(f"{self._server.name} deletes no post ({shown(reason)}).")
                self.deleted += status == 200

    async def _request(self, lines: bytes, count: int) -> list[tuple[int, str]]:
        """Send one request of so many items; return status and reason of each, in order."""
        answer = await self._server.ask("POST", "/_bulk", lines=lines, query=_QUERY)
        items = answer.get("items")
        told = [_told(item) for item in items] if isinstance(items, list) else []
        if len(told) != count:
            raise self._server.strange("a bulk request without its items")
        return told

    def _bad(self, one: Document, status: int, reason: str) -> RefusedPost:
        return RefusedPost(
            at=rfc3339_ms(utc(self._clock.now())),
            author_id=one.author_id,
            id=one.id,
            status=status,
            reason=reason,
            text=one.source.decode(),
        )


def _index(generation: Generation, one: Document) -> bytes:
    action = {
        "_index": generation.index(one.month),
        "_id": one.id,
        "version": one.fetched_at,
        "version_type": "external_gte",
    }
    return b"%b\n%b\n" % (_encode({"index": action}), one.source)


def _delete(hit: dict[str, Any]) -> bytes:
    """Delete this very copy: one that came since is a newer version, and stays."""
    action = {
        "_index": hit["_index"],
        "_id": hit["_id"],
        "version": hit["_version"],
        "version_type": "external_gte",
    }
    return _encode({"delete": action}) + b"\n"


def _told(item: Any) -> tuple[int, str]:
    """Return status and reason; of what cannot be understood, that it failed for now."""
    told = next(iter(item.values()), None) if isinstance(item, dict) else None
    status = told.get("status") if isinstance(told, dict) else None
    if not isinstance(told, dict) or not isinstance(status, int):
        return 500, "no status"
    error = told.get("error")
    return status, str(error.get("reason") or error.get("type") or "") if isinstance(error, dict) else ""
