"""The events that sinks read, from their structs."""

from __future__ import annotations

import inspect
from typing import get_args

import msgspec

from generators import docstrings
from twittomatic.state.events import Event


def markdown() -> str:
    return "\n\n".join(_section(kind) for kind in get_args(Event))


def _section(kind: type[msgspec.Struct]) -> str:
    meanings = docstrings.attributes(kind)
    types = inspect.get_annotations(kind)
    rows = [
        f"| `{field.name}` | {types[field.name]} | {docstrings.cell(meanings.get(field.name, ''))} |"
        for field in msgspec.structs.fields(kind)
    ]
    table = ["| field | type | meaning |", "|---|---|---|", *rows] if rows else []
    return "\n".join([f"## {kind.__name__}", docstrings.text(kind, kind.__name__), "", *table])
