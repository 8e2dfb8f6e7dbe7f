"""Sends documents in bulk requests, and retries exactly those that were rejected temporarily."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from twittomatic.clock import Clock, rfc3339_ms, utc
from twittomatic.errors import ReceiverUnavailable
from twittomatic.faultpoint import reach
from twittomatic.sinks.indexer.client import RequestRefused, SearchServer, shown
from twittomatic.sinks.indexer.documents import Document
from twittomatic.sinks.indexer.indices import Generation
from twittomatic.sinks.indexer.rejected import RejectedPost, RejectedPosts

_DELAYS_S = (0.1, 0.4, 1.6)  # between attempts; after the last one, the caller waits as for a dead server
_TAKEN, _CREATED, _OLDER = (200, 201), 201, 409
_DELETED = (200, 404, _OLDER)  # 404: already gone; 409: a newer copy has arrived
_TEMPORARY = frozenset({403, 404, 408, 429})  # blocked, index missing, timed out, overloaded or full
_TOO_MUCH = (400, 413)  # for a whole request: one item makes all of it invalid, or it is too large
_MAX_HITS = 1000  # posts deleted per request
_QUERY = {"filter_path": "items.*.status,items.*.error.type,items.*.error.reason"}
_encode = msgspec.json.Encoder().encode


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """The result of sending documents.

    Attributes:
        taken: The number that the server accepted.
        created: The number of those whose post was new to the server.
    """

    taken: int = 0
    created: int = 0

    def __add__(self, other: Sent) -> Sent:
        return Sent(taken=self.taken + other.taken, created=self.created + other.created)


class Bulk:
    """Writes to the indices of a generation.

    Args:
        server: The search server.
        generation: Returns the generation to write to; called before each attempt, since it may change.
        rejected: Receives the posts that the server will never accept.
        clock: The clock.
    """

    def __init__(
        self,
        server: SearchServer,
        generation: Callable[[], Awaitable[Generation]],
        rejected: RejectedPosts,
        clock: Clock,
    ) -> None:
        self._server = server
        self._generation = generation
        self._rejected = rejected
        self._clock = clock
        self.deleted = 0

    async def send(self, documents: Sequence[Document]) -> Sent:
        """Write documents; a copy older than the indexed one changes nothing.

        Args:
            documents: A few hundred documents.

        Raises:
            ReceiverUnavailable: The server rejected some of them temporarily; sending all again is harmless.
            StorageUnavailable: A rejected post cannot be written to the dead-letter file.
        """
        left, why = list(documents), ""
        created = rejected = 0
        for delay_s in (0.0, *_DELAYS_S):
            await self._clock.sleep(delay_s)
            generation = await self._generation()
            await generation.prepare(one.month for one in left)
            retry: list[Document] = []
            bad: list[RejectedPost] = []
            for one, (status, reason) in zip(left, await self._answers(generation, left), strict=True):
                if status in _TAKEN or status == _OLDER:
                    created += status == _CREATED
                elif status in _TEMPORARY or status >= 500:
                    retry.append(one)
                    why = f"{status}: {shown(reason)}"
                else:
                    bad.append(self._bad(one, status, reason))
            if bad:
                await asyncio.to_thread(self._rejected.append, bad)
                rejected += len(bad)
            reach("indexer.sent")
            left = retry
            if not left:
                return Sent(taken=len(documents) - rejected, created=created)
        raise ReceiverUnavailable(f"{self._server.name} rejected {len(left):,} posts temporarily ({why}).")

    async def _answers(self, generation: Generation, documents: Sequence[Document]) -> list[tuple[int, str]]:
        """Return the server's answer for each document; a request that is rejected as a whole is split."""
        try:
            return await self._request(
                b"".join([_index(generation, one) for one in documents]), len(documents)
            )
        except RequestRefused as error:
            if error.status not in _TOO_MUCH:
                raise ReceiverUnavailable(f"{self._server.name} refuses the request ({error}).") from None
            if len(documents) == 1:
                return [(error.status, str(error))]
            middle = len(documents) // 2
            first = await self._answers(generation, documents[:middle])
            return first + await self._answers(generation, documents[middle:])

    async def delete(self, queries: Sequence[dict[str, Any]]) -> int:
        """Delete the posts that match any of some queries, and return their number.

        Raises:
            ReceiverUnavailable: The server is unavailable; repeating the call is harmless.
        """
        if not queries:
            return 0
        generation = await self._generation()
        matches = {"bool": {"should": queries}}
        query = {"size": _MAX_HITS, "_source": False, "version": True, "query": matches}
        before = self.deleted
        while True:
            await generation.refresh()
            hits = await generation.search(query)
            if not hits:
                return self.deleted - before
            try:
                answers = await self._request(b"".join(map(_delete, hits)), len(hits))
            except RequestRefused as error:
                raise ReceiverUnavailable(f"{self._server.name} does not delete posts ({error}).") from None
            for status, reason in answers:
                if status not in _DELETED:
                    why = shown(reason)
                    raise ReceiverUnavailable(f"{self._server.name} does not delete a post ({why}).")
                self.deleted += status == 200

    async def _request(self, lines: bytes, count: int) -> list[tuple[int, str]]:
        """Send one request of `count` items, and return status and reason of each in order."""
        answer = await self._server.ask("POST", "/_bulk", lines=lines, query=_QUERY)
        items = answer.get("items")
        answers = [_parse_item(item) for item in items] if isinstance(items, list) else []
        if len(answers) != count:
            raise self._server.not_a_search_server("a bulk answer with missing items")
        return answers

    def _bad(self, one: Document, status: int, reason: str) -> RejectedPost:
        return RejectedPost(
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
    """Return the action that deletes exactly this copy: a newer version stays."""
    action = {
        "_index": hit["_index"],
        "_id": hit["_id"],
        "version": hit["_version"],
        "version_type": "external_gte",
    }
    return _encode({"delete": action}) + b"\n"


def _parse_item(item: Any) -> tuple[int, str]:
    """Return status and reason of an item; a malformed item counts as a temporary failure."""
    result = next(iter(item.values()), None) if isinstance(item, dict) else None
    status = result.get("status") if isinstance(result, dict) else None
    if not isinstance(result, dict) or not isinstance(status, int):
        return 500, "no status"
    error = result.get("error")
    return status, str(error.get("reason") or error.get("type") or "") if isinstance(error, dict) else ""
