"""The indices: one for each month and generation, behind the alias that is searched.

`PREFIX-2026.11-000001` holds the posts of a month. All indices of one generation are behind the alias PREFIX;
a rebuild fills those of the next one, to which the alias is moved in a single step.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from typing import Any

from twittomatic.errors import ReceiverUnavailable, SettingsError
from twittomatic.streaming.indexer.documents import PROPERTIES, UNDATED
from twittomatic.streaming.indexer.server import Refused, SearchServer

_EXISTS = "resource_already_exists_exception"
_NAMES = 50  # in one URL, which is refused beyond 4,096 characters
_TEMPLATE = {
    "priority": 500,  # above what servers bring along
    "template": {
        "settings": {
            "number_of_shards": 1,  # a month of a crawl's posts stays far below the 50 GB that one bears well
            "auto_expand_replicas": "0-1",
            "refresh_interval": "1s",
        },
        "mappings": {"dynamic": False, "properties": PROPERTIES},
    },
}


class Generation:
    """The indices of one generation.

    Args:
        indices: Whose.
        number: From 1.
        aliased: Those that are behind the alias; None where all are to stay apart from it.
    """

    def __init__(self, indices: Indices, number: int, aliased: Collection[str] | None) -> None:
        self._indices = indices
        self._ready = set(aliased or ())
        self._serves = aliased is not None
        self.number = number

    async def itself(self) -> Generation:
        """Return this one, for who asks each time to which he shall write."""
        return self

    @property
    def is_bare(self) -> bool:
        """Whether none of its indices is known to be there."""
        return not self._ready

    @property
    def pattern(self) -> str:
        """Matches all its indices, and no others of ours."""
        return f"{self._indices.prefix}-*-{self.number:06}"

    def index(self, month: str) -> str:
        """Name the index of a month."""
        return f"{self._indices.prefix}-{month}-{self.number:06}"

    async def prepare(self, months: Iterable[str]) -> None:
        """Make sure that the indices of some months are there, behind the alias where they serve.

        Raises:
            ReceiverUnavailable: the server does not make them.
        """
        names = sorted({self.index(month) for month in months} - self._ready)
        await asyncio.gather(*[self._indices.create(name, aliased=self._serves) for name in names])
        self._ready.update(names)

    async def refresh(self) -> None:
        """Let searches see what was written."""
        await self._indices.ask("POST", f"/{self.pattern}/_refresh")

    async def search(self, query: dict[str, Any]) -> list[dict[str, Any]]:
        """Return what a search hits: `_index`, `_id` and what else it asks for."""
        answer = await self._indices.ask("POST", f"/{self.pattern}/_search", query)
        try:
            return [hit for hit in answer["hits"]["hits"] if {"_index", "_id"} <= hit.keys()]
        except (KeyError, TypeError, AttributeError):
            return []

    async def count(self) -> int:
        """Return how many posts searches see."""
        answer = await self._indices.ask("GET", f"/{self.pattern}/_count")
        return int(answer.get("count", 0))


class Indices:
    """All generations of one prefix.

    Args:
        server: Where they are.
        prefix: What their names begin with, and the alias.
    """

    def __init__(self, server: SearchServer, prefix: str) -> None:
        self._server = server
        self.prefix = prefix
        self._ours = re.compile(rf"{re.escape(prefix)}-(?:[0-9]{{4}}\.[0-9]{{2}}|{UNDATED})-([0-9]{{6}})")

    async def ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Ask the server for what it has no reason to refuse: that it does will pass, or its keeper acts.

        Raises:
            ReceiverUnavailable: it is away, or refuses.
        """
        try:
            return await self._server.ask(method, path, body)
        except Refused as error:
            raise ReceiverUnavailable(f"{self._server.name} refuses ({error}).") from None

    async def begin(self) -> None:
        """Put the index template in its place.

        Raises:
            SettingsError: the server does not let us, or is none; the user corrects what he gave.
            ReceiverUnavailable: it is away.
        """
        patterns = [f"{self.prefix}-*.*-*", f"{self.prefix}-{UNDATED}-*"]
        try:
            await self._server.ask(
                "PUT", f"/_index_template/{self.prefix}", {"index_patterns": patterns, **_TEMPLATE}
            )
        except Refused as error:
            advice = "the indexer needs Elasticsearch 7.17 or newer, or OpenSearch"
            if error.status in (401, 403):
                advice = (
                    "give user and password of somebody who may write there, as in https://USER:PASSWORD@HOST"
                )
            raise SettingsError(
                f"ELASTICSEARCH_URL: {self._server.name} refuses us ({error}); {advice}."
            ) from None

    async def serving(self) -> Generation:
        """Return the generation that is searched, the first one where there is none yet.

        Raises:
            ReceiverUnavailable: the server is away.
        """
        aliased = [name for name, is_aliased in (await self._all()).items() if is_aliased]
        return Generation(self, max(map(self._number, aliased), default=1), aliased)

    async def begin_generation(self) -> Generation:
        """Return a generation after all others, with its first index, in which nobody searches.

        Raises:
            ReceiverUnavailable: the server is away.
        """
        number = max(map(self._number, await self._all()), default=1) + 1
        while True:
            generation = Generation(self, number, None)
            with suppress(FileExistsError):
                await self.create(generation.index(UNDATED), aliased=False, new=True)
                return generation
            number += 1  # another rebuild has it

    async def create(self, name: str, *, aliased: bool, new: bool = False) -> None:
        """Create an index unless it is there, and put it behind the alias.

        Args:
            name: From `Generation.index`.
            aliased: Whether it is searched.
            new: Whether it must not be there yet.

        Raises:
            FileExistsError: it is there, though it must not be.
            ReceiverUnavailable: the server does not make it.
        """
        try:
            await self._server.ask("PUT", f"/{name}", {"aliases": {self.prefix: {}}} if aliased else {})
        except Refused as error:
            if error.kind != _EXISTS:
                raise ReceiverUnavailable(f"{self._server.name} makes no index {name} ({error}).") from None
            if new:
                raise FileExistsError(name) from None
            if aliased:
                await self.ask("POST", "/_aliases", {"actions": [self._action("add", [name])]})

    async def move_alias(self, generation: Generation) -> None:
        """Let searches see one generation, and no other one from the same moment on.

        Raises:
            SettingsError: a later generation serves already; nothing was changed.
            ReceiverUnavailable: the server is away; searches see one generation, this one or the one before.
        """
        known = await self._all()
        ours = [name for name in known if self._number(name) == generation.number]
        others = [name for name, is_aliased in known.items() if is_aliased and name not in ours]
        if any(self._number(name) > generation.number for name in others):
            raise SettingsError(f"Another rebuild of “{self.prefix}” ended before this one; it serves.")
        actions = [self._action("add", ours), *([self._action("remove", others)] if others else [])]
        await self.ask("POST", "/_aliases", {"actions": actions})

    async def delete_before(self, generation: Generation) -> int:
        """Delete all earlier generations, also of rebuilds that died; return how many indices that were.

        Raises:
            ReceiverUnavailable: the server is away; doing it again is harmless.
        """
        past = [name for name in await self._all() if self._number(name) < generation.number]
        await self._delete(past)
        return len(past)

    async def discard(self, generation: Generation) -> None:
        """Delete a generation that never served.

        Raises:
            ReceiverUnavailable: the server is away; the next rebuild that ends deletes it.
        """
        known = await self._all()
        await self._delete(
            [
                name
                for name, is_aliased in known.items()
                if not is_aliased and self._number(name) == generation.number
            ]
        )

    async def _delete(self, names: Sequence[str]) -> None:
        for first in range(0, len(names), _NAMES):
            await self.ask("DELETE", f"/{','.join(names[first : first + _NAMES])}?ignore_unavailable=true")

    async def _all(self) -> dict[str, bool]:
        """Return our indices, and whether they are behind the alias."""
        answer = await self.ask("GET", f"/{self.prefix}-*/_alias")
        return {
            name: self.prefix in told.get("aliases", {})
            for name, told in answer.items()
            if self._ours.fullmatch(name) and isinstance(told, dict)
        }

    def _number(self, name: str) -> int:
        found = self._ours.fullmatch(name)
        return int(found[1]) if found else 0

    def _action(self, what: str, names: Sequence[str]) -> dict[str, Any]:
        return {what: {"indices": names, "alias": self.prefix}}
