"""The keys in Redis, from the classes that name them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from generators import docstrings
from twittomatic.state.keys import CrawlKeys, NetworkKeys

_FAMILIES = (
    ("Keys of one crawl", CrawlKeys("<crawl>", "<modules>")),
    ("Keys that the crawls of one network share", NetworkKeys("<account>")),
)


def markdown() -> str:
    return "\n\n".join(_section(title, family) for title, family in _FAMILIES)


def _section(title: str, family: CrawlKeys | NetworkKeys) -> str:
    rows = [f"| `{key}` | {meaning} |" for key, meaning in _keys(family)]
    return "\n".join([f"## {title}", "", "| key | type and content |", "|---|---|", *rows])


def _keys(family: CrawlKeys | NetworkKeys) -> Iterator[tuple[str, str]]:
    for name, member in vars(type(family)).items():
        if name.startswith("_") or not isinstance(member, property | type(_keys)):
            continue
        if isinstance(member, property):
            key = getattr(family, name)
        else:
            parameters = [*inspect.signature(member).parameters][1:]
            key = member(family, *(f"<{parameter}>" for parameter in parameters))
        yield key, docstrings.cell(docstrings.text(member, f"{type(family).__name__}.{name}"))
