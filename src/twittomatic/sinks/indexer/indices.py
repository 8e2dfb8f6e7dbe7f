"""The indices: one per month and generation, behind the alias that is searched.

`PREFIX-2026.11-000001` holds the posts of a month. All indices of one generation are behind the alias PREFIX;
a rebuild fills the next generation, and then moves the alias to it atomically.

Several datasets may share a server, so names prove nothing. Each index, and the index template that reserves
PREFIX for one dataset, has the id of its dataset in `_meta`. Only indices with our id are written to, put
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
from twittomatic.sinks.indexer.client import NotASearchServer, RequestRefused, SearchServer
from twittomatic.sinks.indexer.documents import PROPERTIES, UNDATED

_EXISTS = "resource_already_exists_exception"
_MAX_NAMES = 50  # in one URL, which servers refuse beyond 4,096 characters
_PRIORITY = 500  # above the servers' own templates
_MAX_ODD_ANSWERS = 10  # of something that is not a search server, before giving up
_ADVICE = "the indexer needs Elasticsearch 7.17 or newer, or OpenSearch"
_META = "twittomatic"
_ABOUT = "filter_path=**.aliases,**._meta,**.provided_name"  # with the name, so that no index is omitted


def _template(patterns: Sequence[str], prefix: str, dataset: str) -> dict[str, Any]:
    """Return the index template of a prefix; if two match a name, that of the longer prefix wins."""
    return {
        "index_patterns": patterns,
        "priority": _PRIORITY + len(prefix),
        "_meta": _meta(dataset),
        "template": {
            "settings": {
                "number_of_shards": 1,  # a month of a crawl is far below the recommended maximum of 50 GB
                "auto_expand_replicas": "0-1",
                "refresh_interval": "1s",
            },
            "mappings": {"dynamic": False, "properties": PROPERTIES},  # no id: strangers may create an index
        },
    }


class _Index(msgspec.Struct, frozen=True, kw_only=True):
    """An index on the server.

    Attributes:
        name: The index's name.
        number: The number of its generation, 0 if the name does not follow our pattern.
        is_aliased: Whether it is behind the alias, or has the alias's name.
        is_ours: Whether it has the id of our dataset.
    """

    name: str
    number: int
    is_aliased: bool
    is_ours: bool


class Generation:
    """The indices of one generation.

    Args:
        indices: All generations.
        number: The number of this one, from 1.
        aliased: Its indices behind the alias; None if all are to stay outside.
    """

    def __init__(self, indices: Indices, number: int, aliased: Collection[str] | None) -> None:
        self._indices = indices
        self._ready = set(aliased or ())
        self._serves = aliased is not None
        self.number = number

    async def itself(self) -> Generation:
        """Return self; lets a fixed generation stand in for `Indices.serving`."""
        return self

    @property
    def is_empty(self) -> bool:
        """Whether none of its indices is known to exist."""
        return not self._ready

    @property
    def pattern(self) -> str:
        """An index pattern that matches all of its indices, and perhaps some of other prefixes."""
        return f"{self._indices.prefix}-*-{self.number:06}"

    def index(self, month: str) -> str:
        """Return the name of a month's index."""
        return f"{self._indices.prefix}-{month}-{self.number:06}"

    async def prepare(self, months: Iterable[str]) -> None:
        """Create missing indices of some months, behind the alias if this generation is the searched one.

        Raises:
            ReceiverUnavailable: The server does not create them.
        """
        names = sorted({self.index(month) for month in months} - self._ready)
        await asyncio.gather(*[self._indices.create(name, aliased=self._serves) for name in names])
        self._ready.update(names)

    async def refresh(self) -> None:
        """Make everything written so far visible to searches."""
        await self._indices.ask("POST", f"/{self.pattern}/_refresh")

    async def search(self, request: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the hits of a search: `_index`, `_id` and whatever else the request selects."""
        query = await self._within(request["query"])
        answer = await self._indices.ask("POST", f"/{self.pattern}/_search", {**request, "query": query})
        try:
            return [hit for hit in answer["hits"]["hits"] if {"_index", "_id"} <= hit.keys()]
        except (KeyError, TypeError, AttributeError):
            return []

    async def count(self) -> int:
        """Return the number of searchable posts."""
        query = await self._within({"match_all": {}})
        answer = await self._indices.ask("POST", f"/{self.pattern}/_count", {"query": query})
        return int(answer.get("count", 0))

    async def _within(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """Restrict a query to our indices: the pattern also matches longer prefixes that begin with ours."""
        names = await self._indices.names(self.number)
        return {"bool": {"filter": [query, {"terms": {"_index": names}}]}}


class Indices:
    """All generations of one prefix that belong to one dataset.

    Args:
        server: The search server.
        prefix: The prefix of their names, which is also the alias.
        dataset: Returns the id of the dataset; called in a thread once the server answers.
    """

    def __init__(self, server: SearchServer, prefix: str, dataset: Callable[[], str]) -> None:
        self._server = server
        self.prefix = prefix
        self._id_of_dataset = dataset
        self._dataset = ""
        self._odd_answers = 0
        self._ours = re.compile(rf"{re.escape(prefix)}-(?:[0-9]{{4}}\.[0-9]{{2}}|{UNDATED})-([0-9]{{6}})")

    async def ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Send a request that the server has no reason to refuse; a refusal is treated as temporary.

        Raises:
            ReceiverUnavailable: The server is unavailable or refuses.
        """
        try:
            return await self._server.ask(method, path, body)
        except RequestRefused as error:
            raise ReceiverUnavailable(f"{self._server.name} refuses the request ({error}).") from None

    async def begin(self) -> None:
        """Reserve the prefix for this dataset by an index template.

        Raises:
            SettingsError: The server denies access, is not a search server, or another dataset has the
                prefix; the user must correct the settings.
            ReceiverUnavailable: The server is unavailable.
            StorageUnavailable: The dataset has no id, and none can be written.
        """
        try:
            found = await self._template()
            self._dataset = await asyncio.to_thread(self._id_of_dataset)
            self._check(await self._about())
            await self._claim(found)
        except RequestRefused as error:
            advice = _ADVICE
            if error.status in (401, 403):
                advice = "give a user who may write there and the password, as in https://USER:PASSWORD@HOST"
            raise SettingsError(
                f"ELASTICSEARCH_URL: {self._server.name} refuses access ({error}); {advice}."
            ) from None
        except NotASearchServer as error:
            self._odd_answers += 1
            if self._odd_answers < _MAX_ODD_ANSWERS:
                raise
            raise SettingsError(f"ELASTICSEARCH_URL: {error} Correct the URL; {_ADVICE}.") from None

    async def _template(self) -> dict[str, Any] | None:
        """Return the index template that has our name, or None."""
        try:
            answer = await self._server.ask("GET", f"/_index_template/{self.prefix}")
        except RequestRefused as error:
            if error.status == 404:
                return None
            raise
        try:
            [found] = [one["index_template"] for one in answer["index_templates"]]
            return dict(found)
        except (KeyError, TypeError, ValueError):
            raise self._server.not_a_search_server("an index template without its content") from None

    async def _claim(self, found: dict[str, Any] | None) -> None:
        """Write the template, unless another dataset owns it; of two concurrent creators, one fails."""
        patterns = [f"{self.prefix}-*.*-*", f"{self.prefix}-{UNDATED}-*"]
        if found:
            owner = _owner(found)
            if owner != self._dataset and (owner or found.get("index_patterns") != patterns):
                raise self._taken(f"the index template {self.prefix}")
        path = f"/_index_template/{self.prefix}"
        template = _template(patterns, self.prefix, self._dataset)
        try:
            answer = await self._server.ask("PUT", path if found else f"{path}?create=true", template)
        except RequestRefused:
            if found or not (found := await self._template()):
                raise
            return await self._claim(found)  # another process created it first, perhaps one of ours
        if answer.get("acknowledged") is not True:
            raise self._server.not_a_search_server("an index template that is not acknowledged")
        return None

    async def serving(self) -> Generation:
        """Return the generation that is searched, or the first one if there is none yet.

        Raises:
            SettingsError: The alias points to an index that is not this dataset's.
            ReceiverUnavailable: The server is unavailable.
        """
        known = await self._all()
        self._check(known)
        aliased = [one for one in known if one.is_aliased]
        number = max((one.number for one in aliased), default=1)
        return Generation(self, number, [one.name for one in aliased])

    async def names(self, number: int) -> list[str]:
        """Return the names of this dataset's indices of a generation."""
        return [one.name for one in await self._all() if one.is_ours and one.number == number]

    async def others(self) -> int:
        """Return how many indices have such names but are not known to be this dataset's."""
        return sum(not one.is_ours for one in await self._all())

    async def begin_generation(self) -> Generation:
        """Create a generation after all others, with its first index, outside the alias.

        Raises:
            ReceiverUnavailable: The server is unavailable.
        """
        number = max((one.number for one in await self._all()), default=1) + 1
        while True:
            generation = Generation(self, number, None)
            with suppress(FileExistsError):
                await self.create(generation.index(UNDATED), aliased=False, new=True)
                return generation
            number += 1  # another rebuild has taken it

    async def create(self, name: str, *, aliased: bool, new: bool = False) -> None:
        """Create an index unless it exists.

        Args:
            name: The name, from `Generation.index`.
            aliased: Whether to put it behind the alias.
            new: Whether it must not exist yet.

        Raises:
            FileExistsError: It exists although `new` was given.
            ReceiverUnavailable: The server does not create it.
        """
        body: dict[str, Any] = {"mappings": {"_meta": _meta(self._dataset)}}
        if aliased:
            body["aliases"] = {self.prefix: {}}
        try:
            await self._server.ask("PUT", f"/{name}", body)
        except RequestRefused as error:
            if error.kind != _EXISTS:
                raise ReceiverUnavailable(
                    f"{self._server.name} does not create index {name} ({error})."
                ) from None
            if new:
                raise FileExistsError(name) from None
            if name not in [one.name for one in await self._all() if one.is_ours]:
                raise self._taken(f"the index {name}") from None
            if aliased:
                await self.ask("POST", "/_aliases", {"actions": [self._action("add", [name])]})

    async def move_alias(self, generation: Generation) -> None:
        """Move the alias to one generation atomically.

        Raises:
            SettingsError: A later generation is already behind the alias, or the alias points to an index
                that is not this dataset's; nothing was changed.
            ReceiverUnavailable: The server is unavailable; searches see either this generation or the
                previous one.
        """
        known = await self._all()
        self._check(known)
        ours = [one.name for one in known if one.is_ours and one.number == generation.number]
        others = [one for one in known if one.is_aliased and one.number != generation.number]
        if any(one.number > generation.number for one in others):
            raise SettingsError(
                f"A later rebuild of “{self.prefix}” has ended before this one; its indices are searched."
            )
        actions = [self._action("add", ours)]
        if others:
            actions.append(self._action("remove", [one.name for one in others]))
        await self.ask("POST", "/_aliases", {"actions": actions})

    async def delete_before(self, generation: Generation) -> int:
        """Delete this dataset's earlier generations, including those of dead rebuilds; return the number.

        Raises:
            ReceiverUnavailable: The server is unavailable; repeating the call is harmless.
        """
        past = [one.name for one in await self._all() if one.is_ours and one.number < generation.number]
        await self._delete(past)
        return len(past)

    async def discard(self, generation: Generation) -> None:
        """Delete a generation that was never behind the alias.

        Raises:
            ReceiverUnavailable: The server is unavailable; the next completed rebuild deletes it.
        """
        await self._delete(
            [
                one.name
                for one in await self._all()
                if one.is_ours and not one.is_aliased and one.number == generation.number
            ]
        )

    async def _delete(self, names: Sequence[str]) -> None:
        for first in range(0, len(names), _MAX_NAMES):
            some = ",".join(names[first : first + _MAX_NAMES])
            await self.ask("DELETE", f"/{some}?ignore_unavailable=true")

    async def _all(self) -> list[_Index]:
        """Return all indices that follow our naming pattern or are behind the alias, of any owner."""
        try:
            return await self._about()
        except RequestRefused as error:
            raise ReceiverUnavailable(f"{self._server.name} refuses the request ({error}).") from None

    async def _about(self) -> list[_Index]:
        path = f"/{self.prefix},{self.prefix}-*?ignore_unavailable=true&expand_wildcards=open,closed&{_ABOUT}"
        found = []
        for name, content in (await self._server.ask("GET", path)).items():
            about = content if isinstance(content, dict) else {}
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
        """Refuse an alias that points to an index of another owner."""
        for one in known:
            if one.is_aliased and not one.is_ours:
                raise self._taken(f"the index {one.name}")

    def _taken(self, what: str) -> SettingsError:
        return SettingsError(
            f"ELASTICSEARCH_INDEX: on {self._server.name}, {what} is not known to be this dataset's; name "
            "another one with --elasticsearch-index, or delete it if it is not needed."
        )

    def _action(self, what: str, names: Sequence[str]) -> dict[str, Any]:
        return {what: {"indices": names, "alias": self.prefix}}


def _meta(dataset: str) -> dict[str, Any]:
    return {_META: {"dataset": dataset}}


def _owner(about: object) -> str:
    """Return the dataset id in the `_meta` of a template or mapping, or an empty string."""
    try:
        owner = about["_meta"][_META]["dataset"]  # type: ignore[index]
    except (KeyError, TypeError):
        return ""
    return owner if isinstance(owner, str) else ""
