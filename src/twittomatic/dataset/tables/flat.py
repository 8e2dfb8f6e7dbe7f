"""Flatten a record of the network into a row: nested fields get dotted names, lists become JSON text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from twittomatic.dataset.tables.columns import Batch, Column, Type

_DECIMAL: Final = re.compile(r"-?[0-9]{1,19}")


def flatten(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a record by their dotted names: `{"a": {"b": 1}}` gives `{"a.b": 1}`."""
    return dict(_fields(record, ""))


def _fields(record: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in record.items():
        if isinstance(value, dict):
            yield from _fields(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def batch_of(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> Batch:
    """Return flat rows as a batch; values that do not fit the type of their column are missing."""
    return {column.name: [_CONVERT[column.type](row.get(column.name)) for row in rows] for column in columns}


def _integer(value: Any) -> int | None:
    if isinstance(value, str):
        if not _DECIMAL.fullmatch(value):
            return None
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**63:
        return None
    return value


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value)


def moment(value: Any) -> datetime | None:
    """Parse a time in RFC 3339 as an aware UTC `datetime`; None if it is invalid."""
    try:
        found = datetime.fromisoformat(value)
        return found.astimezone(UTC) if found.tzinfo else None
    except (TypeError, ValueError, OverflowError):
        return None


_CONVERT: Final = {
    Type.INT64: _integer,
    Type.INT32: _integer,
    Type.FLOAT: _number,
    Type.BOOLEAN: _boolean,
    Type.TEXT: _text,
    Type.JSON: _json,
    Type.TIME: moment,
}
