"""Salvage records from a malformed answer of X.

The strict reader in `reply` comes first and is much faster. This one splits a body at the brackets and commas
of its outer levels and parses each record separately, so that a bad record does not affect the others. Bytes
that are not UTF-8 become U+FFFD, raw control characters in strings are escaped, numbers that JSON does not
have become null, and an id may be a number.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

LONGEST_RECORD = 8 * 1024 * 1024  # real records stay under 100 KB; our own readers stop at 16 MiB a line
_LONGEST_BODY = 16 * 1024 * 1024  # splitting blocks the process for a second per 16 MiB

_TOKEN = re.compile(r'"(?:[^"\\]+|\\.)*("?)|[{}\[\],]', re.DOTALL)
_MEMBER = re.compile(r'\s*("(?:[^"\\]+|\\.)*")\s*:\s*', re.DOTALL)
_ID = re.compile(r"0*([0-9]{1,19})", re.ASCII)
_NAMED = re.compile(r'"id(?:_str)?"\s*:')
_PART = re.compile(r'\{|"\s*:')  # sign of JSON whose beginning is missing or preceded by something else
_NAMES = frozenset({"data", "meta", "errors"})
_RECORDS = frozenset({"data", "includes"})
_MOST_EXACT = 2**53  # the greatest integer that a float holds exactly

# An escape sequence, tried in this order: a surrogate pair, a lone surrogate, anything else.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB]%b\\u[dD][c-fC-F]%b|(u[dD][89a-fA-F]%b)|.)" % ((rb"[0-9a-fA-F]{2}",) * 3), re.DOTALL
)


class CutError(ValueError):
    """The body is cut off, so it does not show how much there was."""


class Record(msgspec.Struct, frozen=True):
    """An element of `data`.

    Attributes:
        id: Decimal; None if it cannot be read.
        text: The JSON object on one line, its `id` a string; empty if it cannot be read.
    """

    id: str | None
    text: bytes


class Answer(msgspec.Struct, frozen=True):
    """Content of a body.

    Attributes:
        records: The elements of `data`; None if it is absent.
        includes: The objects of each list in `includes`; null for one that cannot be read.
        meta: Empty if it is absent; None if it cannot be read, so that the next page is unknown.
    """

    records: Sequence[Record] | None
    includes: Mapping[str, Sequence[msgspec.Raw]]
    meta: Mapping[str, Any] | None


def text_of(body: bytes) -> str:
    """Decode a body in any Unicode encoding; invalid bytes become U+FFFD."""
    encoding = json.detect_encoding(body)
    return body.decode(encoding, errors="replace").removeprefix("\ufeff")


def half_emoji_replaced(body: bytes) -> bytes:
    """Replace escaped lone surrogates, which X leaves when it cuts a text, and which decoders reject."""
    return _ESCAPE.sub(lambda found: rb"\ufffd" if found[1] else found[0], body)


def without_records(body: bytes) -> dict[str, Any]:
    """Return the members of a body except its records; empty if it is not a JSON object. Never fails.

    If the body as a whole cannot be parsed, its records are None.
    """
    try:
        # The standard parser accepts lone surrogates, which X produces when it cuts a text; msgspec does not.
        content = json.loads(text_of(body), strict=False)
    except (ValueError, RecursionError):
        try:
            content = {
                name: None if name in _RECORDS else _loads(value) for name, value in _outer(body).items()
            }
        except CutError:
            return {}
    return content if isinstance(content, dict) else {}


def read(body: bytes) -> Answer | None:
    """Split a body into records; None if it is not a JSON object.

    Raises:
        CutError: it is cut off, or too long to split.
    """
    members = _outer(body)
    if not members and not text_of(body).strip().startswith("{"):
        return None
    data, includes, meta = (_value(members.get(name)) for name in ("data", "includes", "meta"))
    document = _loads(meta) if meta else {}
    return Answer(
        records=_records(data),
        includes={
            kind: [_object(item) for item in _elements(listed)]
            for kind, listed in (_members(includes, 0) if includes.startswith("{") else {}).items()
            if listed.startswith("[")
        },
        meta=document if isinstance(document, dict) else None,
    )


def most_served(body: bytes, most: int) -> int | None:
    """Return the maximum number of billed objects in an answer from which nothing could be read.

    Args:
        body: A body that arrived complete.
        most: Number of objects requested.

    Returns:
        None if the body is only a part of an answer, or not text.
    """
    if len(body) > _LONGEST_BODY:
        return None
    text = text_of(body).strip()
    if text.startswith("<"):  # HTML
        return 0
    if text.startswith(("{", "[")):
        try:
            _children(text, 0)
        except CutError:
            return None
        return min(len(_NAMED.findall(text)), most)
    return 0 if not _PART.search(text) and _is_text(text) else None


def id_of(value: object) -> str | None:
    """Return an id given as text, integer or exact float in canonical form; None if it is none of these."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _MOST_EXACT:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value < 10**19:
        value = str(value)
    found = _ID.fullmatch(value.strip()) if isinstance(value, str) else None
    return str(int(found[1])) if found else None


def _outer(body: bytes) -> dict[str, str]:
    """Return the members of a body that is an object; empty if it is not.

    Raises:
        CutError: it is cut off, or too long to split.
    """
    if len(body) > _LONGEST_BODY:
        raise CutError("the body is implausibly long")
    text = text_of(body)
    begin = text.find("{")
    if begin < 0 or text.lstrip().startswith(("<", "[")):
        return {}
    members = _members(text, begin)
    if text[:begin].strip() and _NAMES.isdisjoint(
        members
    ):  # not one of the prefixes that some servers put before JSON
        return {}
    return members


def _children(text: str, begin: int) -> tuple[list[str], int]:
    """Split the object or array that begins at `begin` at its commas; also return its end."""
    depth, at, children = 0, begin + 1, []
    for token in _TOKEN.finditer(text, begin):
        kind = token[0][0]
        if kind in "{[":
            depth += 1
        elif kind in "}]":
            depth -= 1
            if depth == 0:
                children.append(text[at : token.start()])
                return [child for child in map(str.strip, children) if child], token.end()
        elif kind == "," and depth == 1:
            children.append(text[at : token.start()])
            at = token.end()
    raise CutError("the body is truncated")


def _elements(array: str) -> list[str]:
    return _children(array, 0)[0]


def _members(text: str, begin: int) -> dict[str, str]:
    """Return the members of an object, with values as text."""
    members = {}
    for child in _children(text, begin)[0]:
        if found := _MEMBER.match(child):
            name = _loads(found[1])
            members[name if isinstance(name, str) else found[1]] = child[found.end() :]
    return members


def _value(text: str | None) -> str:
    """Return the text of a value, empty for null: X leaves empty members out, others write null."""
    return "" if text is None or text == "null" else text


def _records(data: str) -> Sequence[Record] | None:
    if data.startswith("["):
        return [_record(text) for text in _elements(data)]
    if data.startswith("{"):  # a single record
        return [_record(data)] if _members(data, 0) else []
    return None


def _record(text: str) -> Record:
    if not text.startswith("{"):
        return Record(None, b"")
    clean = bytes(_object(text))
    content = _loads(clean.decode())
    if not isinstance(content, dict):
        return Record(_id_alone(text), b"")
    written = content.get("id")
    user_id = id_of(written) or id_of(content.get("id_str"))
    if user_id is None or len(clean) > LONGEST_RECORD:
        return Record(user_id, b"")
    return Record(user_id, clean if written == user_id else _encoded({**content, "id": user_id}))


def _object(text: str) -> msgspec.Raw:
    """Return a JSON object on one line, unchanged if possible; null if it cannot be parsed."""
    raw = text.encode()
    for attempt in (raw, half_emoji_replaced(raw)):
        try:
            msgspec.json.decode(attempt, type=dict[str, msgspec.Raw])  # checks the syntax and builds little
            one_line = b"\n" not in attempt and b"\r" not in attempt
            return msgspec.Raw(attempt if one_line else msgspec.json.format(attempt, indent=-1))
        except (msgspec.MsgspecError, RecursionError):
            continue
    content = _loads(half_emoji_replaced(raw).decode())
    return msgspec.Raw(_encoded(content) if isinstance(content, dict) else b"null")


def _id_alone(text: str) -> str | None:
    """Return the id of a record that cannot be parsed otherwise."""
    try:
        members = _members(text, 0)
    except CutError:
        return None
    return id_of(_loads(members.get("id", ""))) or id_of(_loads(members.get("id_str", "")))


def _loads(text: str) -> Any:
    """Parse JSON that may have raw control characters in strings; None if it is not JSON."""
    try:
        return json.loads(text, strict=False, parse_constant=lambda _: None, parse_float=_finite)
    except (ValueError, RecursionError):
        return None


def _finite(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


def _encoded(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def _is_text(text: str) -> bool:
    """Return whether this is readable text rather than the rest of a compressed body."""
    odd = sum(not (letter.isprintable() or letter.isspace()) or letter == "\ufffd" for letter in text)
    return odd * 10 <= len(text)
