"""The indices: one for each month and generation, behind the alias that is searched.

`PREFIX-2026.11-000001` holds the posts of a month. All indices of one generation are behind the alias PREFIX;
a rebuild fills those of the next one, to which the alias is moved in a single step.

Several datasets may have one server, so names prove nothing. Each index, and the index template that makes
PREFIX one dataset's own, bears the id of its dataset in `_meta`; only what bears ours is written to, put
behind the alias, or deleted (decision 0027).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from twittomatic.errors import ReceiverUnavailable, SettingsError
from twittomatic.sinks.indexer.client import Refused, SearchServer, StrangeAnswer
from twittomatic.sinks.indexer.documents import PROPERTIES, UNDATED

_EXISTS = "resource_already_exists_exception"
_NAMES = 50  # in one URL, which is refused beyond 4,096 characters
_PRIORITY = 500  # above what servers bring along
_STRANGERS = 10  # answers of something that is no search server, before it is given up
_ADVICE = "the indexer needs Elasticsearch 7.17 or newer, or OpenSearch"
_META = "twittomatic"
_ABOUT = "filter_path=**.aliases,**._meta,**.provided_name"  # the name, so that no index is left out


def _template(patterns: Sequence[str], prefix: str, dataset: str) -> dict[str, Any]:
    """Return the index template of a prefix; where two match a name, that of the longer prefix counts."""
    return {
        "index_patterns": patterns,
        "priority": _PRIORITY + len(prefix),
        "_meta": _meta(dataset),
        "template": {
            "settings": {
                "number_of_shards": 1,  # a month of a crawl stays far below the 50 GB that one bears well
                "auto_expand_replicas": "0-1",
                "refresh_interval": "1s",
            },
            "mappings": {"dynamic": False, "properties": PROPERTIES},  # no id: others can make an index, too
        },
    }


class _Index(msgspec.Struct, frozen=True, kw_only=True):
    """An index of the server.

    Attributes:
        name: Its own.
        number: Of its generation, 0 where its name is none of ours.
        is_aliased: Whether it is behind the alias, or has its name.
        is_ours: Whether it bears the id of the dataset.
    """

    name: str
    number: int
    is_aliased: bool
    is_ours: bool


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
        """Matches all its indices, and perhaps some of other prefixes."""
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

    async def search(self, request: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return what a search hits: `_index`, `_id` and what else it asks for."""
        query = await self._within(request["query"])
        answer = await self._indices.ask("POST", f"/{self.pattern}/_search", {**request, "query": query})
        try:
            return [hit for hit in answer["hits"]["hits"] if {"_index", "_id"} <= hit.keys()]
        except (KeyError, TypeError, AttributeError):
            return []

    async def count(self) -> int:
        """Return how many posts searches see."""
        query = await self._within({"match_all": {}})
        answer = await self._indices.ask("POST", f"/{self.pattern}/_count", {"query": query})
        return int(answer.get("count", 0))

    async def _within(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """Narrow a query to our indices: the pattern also matches those of a prefix that begins with ours."""
        names = await self._indices.names(self.number)
        return {"bool": {"filter": [query, {"terms": {"_index": names}}]}}


class Indices:
    """All generations of one prefix that belong to one dataset.

    Args:
        server: Where they are.
        prefix: What their names begin with, and the alias.
        dataset: Returns the id of the dataset; asked in a thread, when the server answers.
    """

    def __init__(self, server: SearchServer, prefix: str, dataset: Callable[[], str]) -> None:
        self._server = server
        self.prefix = prefix
        self._id_of_dataset = dataset
        self._dataset = ""
        self._strangers = 0
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
        """Make the prefix this dataset's own, by its index template.

        Raises:
            SettingsError: the server does not let us, is none, or has the prefix of another dataset; the user
                corrects the settings.
            ReceiverUnavailable: it is away.
            StorageUnavailable: the dataset has no id, and none can be written.
        """
        try:
            found = await self._template()
            self._dataset = await asyncio.to_thread(self._id_of_dataset)
            self._check(await self._about())
            await self._claim(found)
        except Refused as error:
            advice = _ADVICE
            if error.status in (401, 403):
                advice = (
                    "give user and password of somebody who may write there, as in https://USER:PASSWORD@HOST"
                )
            raise SettingsError(
                f"ELASTICSEARCH_URL: {self._server.name} refuses us ({error}); {advice}."
            ) from None
        except StrangeAnswer as error:
            self._strangers += 1
            if self._strangers < _STRANGERS:
                raise
            raise SettingsError(f"ELASTICSEARCH_URL: {error} Correct the URL; {_ADVICE}.") from None

    async def _template(self) -> dict[str, Any] | None:
        """Return the index template that has our name, None where there is none."""
        try:
            answer = await self._server.ask("GET", f"/_index_template/{self.prefix}")
        except Refused as error:
            if error.status == 404:
                return None
            raise
        try:
            [found] = [one["index_template"] for one in answer["index_templates"]]
            return dict(found)
        except (KeyError, TypeError, ValueError):
            raise self._server.strange("an index template without its content") from None

    async def _claim(self, found: dict[str, Any] | None) -> None:
        """Write the template, unless it is somebody else's; of two that write the first one, one fails."""
        patterns = [f"{self.prefix}-*.*-*", f"{self.prefix}-{UNDATED}-*"]
        if found:
            owner = _owner(found)
            if owner != self._dataset and (owner or found.get("index_patterns") != patterns):
                raise self._taken(f"the index template {self.prefix}")
        path = f"/_index_template/{self.prefix}"
        template = _template(patterns, self.prefix, self._dataset)
        try:
            answer = await self._server.ask("PUT", path if found else f"{path}?create=true", template)
        except Refused:
            if found or not (found := await self._template()):
                raise
            return await self._claim(found)  # another process was faster, perhaps one of ours
        if answer.get("acknowledged") is not True:
            raise self._server.strange("an index template that is not acknowledged")
        return None

    async def serving(self) -> Generation:
        """Return the generation that is searched, the first one where there is none yet.

        Raises:
            SettingsError: the alias leads to what is not this dataset's.
            ReceiverUnavailable: the server is away.
        """
        known = await self._all()
        self._check(known)
        aliased = [one for one in known if one.is_aliased]
        number = max((one.number for one in aliased), default=1)
        return Generation(self, number, [one.name for one in aliased])

    async def names(self, number: int) -> list[str]:
        """Return the indices of a generation that are this dataset's."""
        return [one.name for one in await self._all() if one.is_ours and one.number == number]

    async def others(self) -> int:
        """Return how many indices have names of ours, and are not known to be this dataset's."""
        return sum(not one.is_ours for one in await self._all())

    async def begin_generation(self) -> Generation:
        """Return a generation after all others, with its first index, in which nobody searches.

        Raises:
            ReceiverUnavailable: the server is away.
        """
        number = max((one.number for one in await self._all()), default=1) + 1
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
        body: dict[str, Any] = {"mappings": {"_meta": _meta(self._dataset)}}
        if aliased:
            body["aliases"] = {self.prefix: {}}
        try:
            await self._server.ask("PUT", f"/{name}", body)
        except Refused as error:
            if error.kind != _EXISTS:
                raise ReceiverUnavailable(f"{self._server.name} makes no index {name} ({error}).") from None
            if new:
                raise FileExistsError(name) from None
            if name not in [one.name for one in await self._all() if one.is_ours]:
                raise self._taken(f"the index {name}") from None
            if aliased:
                await self.ask("POST", "/_aliases", {"actions": [self._action("add", [name])]})

    async def move_alias(self, generation: Generation) -> None:
        """Let searches see one generation, and no other one from the same moment on.

        Raises:
            SettingsError: a later generation serves already, or the alias leads to what is not this
                dataset's; nothing was changed.
            ReceiverUnavailable: the server is away; searches see one generation, this one or the one before.
        """
        known = await self._all()
        self._check(known)
        ours = [one.name for one in known if one.is_ours and one.number == generation.number]
        others = [one for one in known if one.is_aliased and one.number != generation.number]
        if any(one.number > generation.number for one in others):
            raise SettingsError(f"Another rebuild of “{self.prefix}” ended before this one; it serves.")
        actions = [self._action("add", ours)]
        if others:
            actions.append(self._action("remove", [one.name for one in others]))
        await self.ask("POST", "/_aliases", {"actions": actions})

    async def delete_before(self, generation: Generation) -> int:
        """Delete this dataset's earlier generations, also of rebuilds that died; return how many indices.

        Raises:
            ReceiverUnavailable: the server is away; doing it again is harmless.
        """
        past = [one.name for one in await self._all() if one.is_ours and one.number < generation.number]
        await self._delete(past)
        return len(past)

    async def discard(self, generation: Generation) -> None:
        """Delete a generation that never served.

        Raises:
            ReceiverUnavailable: the server is away; the next rebuild that ends deletes it.
        """
        await self._delete(
            [
                one.name
                for one in await self._all()
                if one.is_ours and not one.is_aliased and one.number == generation.number
            ]
        )

    async def _delete(self, names: Sequence[str]) -> None:
        for first in range(0, len(names), _NAMES):
            await self.ask("DELETE", f"/{','.join(names[first : first + _NAMES])}?ignore_unavailable=true")

    async def _all(self) -> list[_Index]:
        """Return all indices that have a name of ours or are behind the alias, whoever made them."""
        try:
            return await self._about()
        except Refused as error:
            raise ReceiverUnavailable(f"{self._server.name} refuses ({error}).") from None

    async def _about(self) -> list[_Index]:
        path = f"/{self.prefix},{self.prefix}-*?ignore_unavailable=true&expand_wildcards=open,closed&{_ABOUT}"
        found = []
        for name, told in (await self._server.ask("GET", path)).items():
            about = told if isinstance(told, dict) else {}
            named = self._ours.fullmatch(name)
            is_aliased = name == self.prefix or self.prefix in (about.get("aliases") or {})
            if named or is_aliased:
                found.append(
                    _Index(
                        name=name,
                        number=int(named[1]) if named else 0,
                        is_aliased=is_aliased,
                        is_ours=bool(named) and _owner(about.get("mappings")) == self._dataset,
                    )
                )
        return found

    def _check(self, known: Iterable[_Index]) -> None:
        """Refuse an alias that leads to what is not this dataset's."""
        for one in known:
            if one.is_aliased and not one.is_ours:
                raise self._taken(f"the index {one.name}")

    def _taken(self, what: str) -> SettingsError:
        return SettingsError(
            f"ELASTICSEARCH_INDEX: on {self._server.name}, {what} is not known to be this dataset's; name "
            "another one with --elasticsearch-index, or delete it if nobody needs it."
        )

    def _action(self, what: str, names: Sequence[str]) -> dict[str, Any]:
        return {what: {"indices": names, "alias": self.prefix}}


def _meta(dataset: str) -> dict[str, Any]:
    return {_META: {"dataset": dataset}}


def _owner(about: object) -> str:
    """Return the id of the dataset in the `_meta` of a template or of mappings, empty where there is none."""
    try:
        owner = about["_meta"][_META]["dataset"]  # type: ignore[index]
    except (KeyError, TypeError):
        return ""
    return owner if isinstance(owner, str) else ""
