"""Read an answer of X that is not quite what X documents: as many of its records as can be read.

The strict reader in `reply` comes first and is much faster. This one takes a body apart without building it:
it finds the brackets and commas of the outer levels, then reads each record for itself, so that a bad one
costs no other. Bytes that are not UTF-8 become U+FFFD; raw control characters in a text are escaped; numbers
that JSON does not have become null; an id may be a number.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

LONGEST_RECORD = 8 * 1024 * 1024  # real ones stay under 100 KB; our own readers stop at 16 MiB a line
_LONGEST_BODY = 16 * 1024 * 1024  # taking one apart holds the process up, a second for each 16 MiB

_TOKEN = re.compile(r'"(?:[^"\\]+|\\.)*("?)|[{}\[\],]', re.DOTALL)
_MEMBER = re.compile(r'\s*("(?:[^"\\]+|\\.)*")\s*:\s*', re.DOTALL)
_ID = re.compile(r"0*([0-9]{1,19})", re.ASCII)
_NAMED = re.compile(r'"id(?:_str)?"\s*:')
_PART = re.compile(r'\{|"\s*:')  # of JSON, whose beginning is missing or behind something else
_NAMES = frozenset({"data", "meta", "errors"})
_RECORDS = frozenset({"data", "includes"})
_MOST_EXACT = 2**53  # a float holds no greater integer exactly

# An escape sequence, tried in this order: an emoji in two halves, half an emoji, anything else.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB]%b\\u[dD][c-fC-F]%b|(u[dD][89a-fA-F]%b)|.)" % ((rb"[0-9a-fA-F]{2}",) * 3), re.DOTALL
)


class CutError(ValueError):
    """The body ends in its middle, so it does not tell how much there was."""


class Record(msgspec.Struct, frozen=True):
    """An element of `data`.

    Attributes:
        id: Decimal, None where it cannot be read.
        text: The JSON object on one line, its `id` a string; empty where it cannot be read.
    """

    id: str | None
    text: bytes


class Answer(msgspec.Struct, frozen=True):
    """What a body holds.

    Attributes:
        records: The elements of `data`, None when it is absent.
        includes: The objects of each list in `includes`, null where one cannot be read.
        meta: Empty when it is absent, None where it cannot be read, so that nobody knows what comes next.
    """

    records: Sequence[Record] | None
    includes: Mapping[str, Sequence[msgspec.Raw]]
    meta: Mapping[str, Any] | None


def text_of(body: bytes) -> str:
    """Decode a body, in whatever encoding of Unicode it is; what is none becomes U+FFFD."""
    encoding = json.detect_encoding(body)
    return body.decode(encoding, errors="replace").removeprefix("\ufeff")


def half_emoji_replaced(body: bytes) -> bytes:
    """Replace escaped halves of emoji, which X leaves where it cuts a text, and no decoder takes."""
    return _ESCAPE.sub(lambda found: rb"\ufffd" if found[1] else found[0], body)


def without_records(body: bytes) -> dict[str, Any]:
    """Return what a body says beside its records, empty when it is no JSON object; never fails.

    Where the body as a whole cannot be read, its records are None.
    """
    try:
        # The standard parser takes half of an emoji, which X may have cut from a text; msgspec does not.
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
    """Take a body apart; None when it is no JSON object.

    Raises:
        CutError: it ends in its middle, or takes too long to read.
    """
    members = _outer(body)
    if not members and not text_of(body).strip().startswith("{"):
        return None
    data, includes, meta = (_value(members.get(name)) for name in ("data", "includes", "meta"))
    told = _loads(meta) if meta else {}
    return Answer(
        records=_records(data),
        includes={
            kind: [_object(item) for item in _elements(listed)]
            for kind, listed in (_members(includes, 0) if includes.startswith("{") else {}).items()
            if listed.startswith("[")
        },
        meta=told if isinstance(told, dict) else None,
    )


def most_served(body: bytes, most: int) -> int | None:
    """Return how many billed objects an answer can hold from which nothing was read.

    Args:
        body: It arrived whole.
        most: How many were asked for.

    Returns:
        None where the body is only a part of an answer, or no text at all.
    """
    if len(body) > _LONGEST_BODY:
        return None
    text = text_of(body).strip()
    if text.startswith("<"):  # a page for people
        return 0
    if text.startswith(("{", "[")):
        try:
            _children(text, 0)
        except CutError:
            return None
        return min(len(_NAMED.findall(text)), most)
    return 0 if not _PART.search(text) and _is_text(text) else None


def id_of(value: object) -> str | None:
    """Return an id in its one spelling, None when this is none: text, an integer, a float that is exact."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _MOST_EXACT:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value < 10**19:
        value = str(value)
    found = _ID.fullmatch(value.strip()) if isinstance(value, str) else None
    return str(int(found[1])) if found else None


def _outer(body: bytes) -> dict[str, str]:
    """Return the members of the object that is a body, empty when it is none.

    Raises:
        CutError: it ends in its middle, or takes too long to read.
    """
    if len(body) > _LONGEST_BODY:
        raise CutError("the body is longer than any that makes sense")
    text = text_of(body)
    begin = text.find("{")
    if begin < 0 or text.lstrip().startswith(("<", "[")):
        return {}
    members = _members(text, begin)
    if text[:begin].strip() and _NAMES.isdisjoint(members):  # not what some servers put before JSON
        return {}
    return members


def _children(text: str, begin: int) -> tuple[list[str], int]:
    """Return what is between the commas of an object or array that begins here, and where it ends."""
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
    raise CutError("the body ends in its middle")


def _elements(array: str) -> list[str]:
    return _children(array, 0)[0]


def _members(text: str, begin: int) -> dict[str, str]:
    """Return the members of an object, each value as text."""
    members = {}
    for child in _children(text, begin)[0]:
        if found := _MEMBER.match(child):
            name = _loads(found[1])
            members[name if isinstance(name, str) else found[1]] = child[found.end() :]
    return members


def _value(text: str | None) -> str:
    """Return a value, empty for null: X leaves out what is empty, others write null."""
    return "" if text is None or text == "null" else text


def _records(data: str) -> Sequence[Record] | None:
    if data.startswith("["):
        return [_record(text) for text in _elements(data)]
    if data.startswith("{"):  # a single one
        return [_record(data)] if _members(data, 0) else []
    return None


def _record(text: str) -> Record:
    if not text.startswith("{"):
        return Record(None, b"")
    mended = bytes(_object(text))
    content = _loads(mended.decode())
    if not isinstance(content, dict):
        return Record(_id_alone(text), b"")
    written = content.get("id")
    user_id = id_of(written) or id_of(content.get("id_str"))
    if user_id is None or len(mended) > LONGEST_RECORD:
        return Record(user_id, b"")
    return Record(user_id, mended if written == user_id else _encoded({**content, "id": user_id}))


def _object(text: str) -> msgspec.Raw:
    """Return a JSON object on one line, as it was written where that can be; null where it cannot be read."""
    raw = text.encode()
    for attempt in (raw, half_emoji_replaced(raw)):
        try:
            msgspec.json.decode(attempt, type=dict[str, msgspec.Raw])  # which looks, and builds little
            one_line = b"\n" not in attempt and b"\r" not in attempt
            return msgspec.Raw(attempt if one_line else msgspec.json.format(attempt, indent=-1))
        except (msgspec.MsgspecError, RecursionError):
            continue
    content = _loads(half_emoji_replaced(raw).decode())
    return msgspec.Raw(_encoded(content) if isinstance(content, dict) else b"null")


def _id_alone(text: str) -> str | None:
    """Return the id of a record of which nothing else can be read."""
    try:
        members = _members(text, 0)
    except CutError:
        return None
    return id_of(_loads(members.get("id", ""))) or id_of(_loads(members.get("id_str", "")))


def _loads(text: str) -> Any:
    """Decode JSON with raw control characters in its texts; None where it is none."""
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
    """Tell whether this was written for somebody to read, and is not what is left of a compressed body."""
    odd = sum(not (letter.isprintable() or letter.isspace()) or letter == "\ufffd" for letter in text)
    return odd * 10 <= len(text)
