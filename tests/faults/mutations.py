"""Damage X's answers as servers, proxies and networks do, and record what each still served.

A mutation takes a page as X would send it and returns what is sent instead, together with what the oracle
needs: which records a careful reader can still identify, and how many X may charge for. Nothing here knows
how the crawler reads an answer.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

JSON_TYPE = "application/json; charset=utf-8"


@dataclass(kw_only=True)
class Reply:
    """An answer as it is sent.

    Attributes:
        body: Bytes to send.
        status: HTTP status code.
        headers: Headers other than Content-Length.
        declared: Content-Length to declare, None for the true one; a greater one makes a truncated answer.
        readable: Ids of records that were served whole and can be identified.
        profiled: Those of `readable` whose record is still a JSON object with that id.
        at_least: Records that X certainly charges for.
        at_most: Records that X may charge for.
    """

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": JSON_TYPE})
    declared: int | None = None
    readable: set[int] = field(default_factory=set)
    at_least: int = 0
    at_most: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether every declared byte is sent."""
        return self.declared is None


@dataclass(kw_only=True)
class Draft:
    """A page before it is written as JSON.

    Attributes:
        data: Records; None leaves `data` out.
        meta: Content of `meta`; None leaves it out.
        size: Number of records requested.
        extra: Further fields of the answer.
        lost: Ids of records on the page that nobody can identify any more.
        texts: Replacements in the JSON text, once each, for what `json` never writes.
    """

    data: list[Any] | None
    meta: dict[str, Any] | None
    size: int
    extra: dict[str, Any] = field(default_factory=dict)
    lost: set[int] = field(default_factory=set)
    texts: dict[bytes, bytes] = field(default_factory=dict)

    def ids(self) -> set[int]:
        """Return the ids of all records that a careful reader can identify."""
        return {
            int(record["id"])
            for record in self.data or ()
            if isinstance(record, dict)
            and isinstance(record.get("id"), (str, int))
            and not isinstance(record["id"], bool)
            and re.fullmatch("0|[1-9][0-9]{0,18}", str(record["id"]))
        }

    def encode(self) -> bytes:
        """Return the JSON text."""
        body: dict[str, Any] = dict(self.extra)
        if self.data is not None:
            body["data"] = self.data
        if self.meta is not None:
            body["meta"] = self.meta
        text = json.dumps(body).encode()
        for old, new in self.texts.items():
            text = text.replace(old, new, 1)
        return text

    def reply(self) -> Reply:
        """Return the answer that serves this page intact."""
        readable = self.ids()
        return Reply(
            body=self.encode(), readable=readable, at_least=len(readable), at_most=len(self.data or ())
        )


Mutation = Callable[[Draft, random.Random], Reply]
_SCALARS: tuple[Any, ...] = (None, True, 0, -1, 3.5, "", "x", [], {}, [[]], {"id": None}, "9" * 40)


def _edited(edit: Callable[[Draft, random.Random], None]) -> Mutation:
    def mutate(draft: Draft, dice: random.Random) -> Reply:
        edit(draft, dice)
        return draft.reply()

    return mutate


def _of_a_record(edit: Callable[[dict[str, Any], random.Random], None]) -> Mutation:
    """Make a mutation that edits one to three records of a page."""

    def mutate(draft: Draft, dice: random.Random) -> Reply:
        records = [record for record in draft.data or () if isinstance(record, dict)]
        for record in dice.sample(records, min(len(records), dice.randrange(1, 4))):
            edit(record, dice)
        return draft.reply()

    return mutate


def _drop_id(record: dict[str, Any], dice: random.Random) -> None:
    del record["id"]


def _spoil_id(record: dict[str, Any], dice: random.Random) -> None:
    record["id"] = dice.choice(["", "abc", "-5", "1e5", "9" * 20, None, True, 1.5, [], {}, "1 2", "1\n2"])


def _number_id(record: dict[str, Any], dice: random.Random) -> None:
    record["id"] = int(record["id"])


def _other_field(record: dict[str, Any], dice: random.Random) -> str:
    return dice.choice([key for key in record if key != "id"])


def _retype(record: dict[str, Any], dice: random.Random) -> None:
    record[_other_field(record, dice)] = dice.choice(_SCALARS)


def _retype_count(record: dict[str, Any], dice: random.Random) -> None:
    metrics = record.get("public_metrics")
    if isinstance(metrics, dict) and metrics:
        key = dice.choice(sorted(metrics))
        metrics[key] = dice.choice([str(metrics[key]), float(metrics[key]), None, "many", -1, 10**30])


def _drop_field(record: dict[str, Any], dice: random.Random) -> None:
    del record[_other_field(record, dice)]


def _reorder(record: dict[str, Any], dice: random.Random) -> None:
    items = list(record.items())
    dice.shuffle(items)
    record.clear()
    record.update(items)


def _add_field(record: dict[str, Any], dice: random.Random) -> None:
    record["a_new_field"] = dice.choice(_SCALARS)


def _lone_surrogate(record: dict[str, Any], dice: random.Random) -> None:
    record[dice.choice(["text", "name"])] = "half an emoji \ud83d"


def _replace_record(draft: Draft, dice: random.Random) -> None:
    if draft.data:
        draft.data[dice.randrange(len(draft.data))] = dice.choice(_SCALARS)


def _double_record(draft: Draft, dice: random.Random) -> None:
    if draft.data:
        draft.data.insert(dice.randrange(len(draft.data) + 1), dict(dice.choice(draft.data)))


def _double_key(draft: Draft, dice: random.Random) -> None:
    draft.texts[b'"name": '] = b'"name": "first", "name": '


def _raw_bytes(new: bytes) -> Mutation:
    def edit(draft: Draft, dice: random.Random) -> None:
        draft.texts[b"some words"] = b"some " + new + b" words"

    return _edited(edit)


def _broken_value(draft: Draft, dice: random.Random) -> None:
    """Damage a record so that only its id can be read."""
    draft.texts[b'"created_at": "'] = b'"created_at": nonsense "'


def _white_space(draft: Draft, dice: random.Random) -> None:
    draft.texts[b'"id": '] = b'\r\n\t"id":\n '


def _shuffle(draft: Draft, dice: random.Random) -> None:
    dice.shuffle(draft.data or [])


def _meta(edit: Callable[[dict[str, Any], random.Random], None]) -> Mutation:
    def mutate(draft: Draft, dice: random.Random) -> Reply:
        if draft.meta is not None:
            edit(draft.meta, dice)
        return draft.reply()

    return mutate


def _wrong_count(draft: Draft, dice: random.Random) -> Reply:
    """Give a wrong count of records, which cannot be recognized if there are none."""
    meta = draft.meta or {}
    count = meta.pop("result_count", 0)
    wrong = dice.choice(["gone", str(count), float(count), count + 5, None, -1])
    if wrong != "gone":
        meta["result_count"] = wrong
    reply = draft.reply()
    if not draft.data:
        reply.at_most = draft.size
    return reply


def _without_token(meta: dict[str, Any], dice: random.Random) -> None:
    meta.pop("next_token", None)
    if dice.random() < 0.5:
        meta["next_token"] = dice.choice([None, ""])


def _without_meta(draft: Draft, dice: random.Random) -> None:
    draft.meta = None


def _without_data(draft: Draft, dice: random.Random) -> Reply:
    """Omit the records that `meta` counts, so the page serves no user."""
    draft.data = dice.choice([None, []])
    if dice.random() < 0.5:
        draft.extra["data"] = None
    reply = draft.reply()
    reply.at_most = draft.size
    return reply


def _early_end(draft: Draft, dice: random.Random) -> Reply:
    """Answer with an empty last page."""
    return Draft(data=None, meta={"result_count": 0}, size=draft.size).reply()


def _errors_beside(draft: Draft, dice: random.Random) -> None:
    draft.extra["errors"] = [
        {
            "resource_type": "user",
            "parameter": "pinned_tweet_id",
            "resource_id": "5",
            "title": "Not Found Error",
            "detail": "Could not find tweet with pinned_tweet_id: [5].",
            "type": "https://api.twitter.com/2/problems/resource-not-found",
        }
    ]


def _unknown_beside(draft: Draft, dice: random.Random) -> None:
    draft.extra["includes"] = dice.choice([{}, {"users": []}, {"things": [{"a": 1}]}, None])
    draft.extra["a_new_field"] = dice.choice(_SCALARS)


def _cut(draft: Draft, dice: random.Random) -> Reply:
    """Break the connection within the body."""
    body = draft.encode()
    return Reply(body=body[: dice.randrange(len(body))], declared=len(body), at_most=draft.size)


def _cut_gzip(draft: Draft, dice: random.Random) -> Reply:
    """Send a truncated gzip stream with the matching Content-Length."""
    packed = gzip.compress(draft.encode(), mtime=0)
    headers = {"Content-Type": JSON_TYPE, "Content-Encoding": "gzip"}
    return Reply(body=packed[: dice.randrange(1, len(packed))], headers=headers, at_most=draft.size)


def _cut_json(draft: Draft, dice: random.Random) -> Reply:
    """Truncate the text with the matching Content-Length, as a proxy may do."""
    body = draft.encode()
    return Reply(body=body[: dice.randrange(1, len(body) - 1)], at_most=draft.size)


def _wrapped(before: bytes, after: bytes) -> Mutation:
    def mutate(draft: Draft, dice: random.Random) -> Reply:
        reply = draft.reply()
        reply.body = before + reply.body + after
        return reply

    return mutate


def _trailing_garbage(draft: Draft, dice: random.Random) -> Reply:
    """Append something to the JSON; the page may be read, or requested again."""
    reply = draft.reply()
    reply.body += dice.choice([b"}", b"\0", b"<!-- proxy -->", b"{}"])
    reply.readable, reply.at_least = set(), 0
    return reply


def _other_encoding(draft: Draft, dice: random.Random) -> Reply:
    reply = draft.reply()
    reply.body = reply.body.decode().encode("utf-16")
    reply.readable, reply.at_least = set(), 0
    return reply


def _nothing(*bodies: bytes) -> Mutation:
    def mutate(draft: Draft, dice: random.Random) -> Reply:
        return Reply(body=dice.choice(bodies))

    return mutate


def _status(status: int, body: bytes) -> Mutation:
    return lambda draft, dice: Reply(body=body, status=status)


def _absent(kind: str, title: str) -> Mutation:
    """Report the user as unreadable: status 200, with errors instead of records."""
    error = {
        "value": "22",
        "resource_id": "22",
        "resource_type": "user",
        "parameter": "id",
        "title": title,
        "detail": f"{title}: [22].",
        "type": f"https://api.twitter.com/2/problems/{kind}",
    }
    body = json.dumps({"errors": [error]}).encode()
    return lambda draft, dice: Reply(body=body)


def _too_many(draft: Draft, dice: random.Random) -> Reply:
    headers = {"Content-Type": JSON_TYPE}
    if dice.random() < 0.7:
        headers["Retry-After"] = dice.choice(["0", "1", "3", "-1", "x"])
    body = {"title": "Too Many Requests", "detail": "Too Many Requests", "type": "about:blank", "status": 429}
    return Reply(body=json.dumps(body).encode(), status=429, headers=headers)


def _busy(draft: Draft, dice: random.Random) -> Reply:
    headers = {"Content-Type": "text/html", "Retry-After": dice.choice(["0", "1", "3"])}
    return Reply(body=b"<html>busy</html>", status=503, headers=headers)


def _expired(draft: Draft, dice: random.Random) -> Reply:
    message = "The `pagination_token` query parameter value [x] is not valid"
    error = {"parameters": {"pagination_token": ["x"]}, "message": message}
    body = {"title": "Invalid Request", "errors": [error]}
    return Reply(body=json.dumps(body).encode(), status=400)


REFUSALS: Mapping[str, Mutation] = {
    "protected": _absent("not-authorized-for-resource", "Authorization Error"),
    "gone": _absent("resource-not-found", "Not Found Error"),
    "429": _too_many,
    "503 later": _busy,
    "expired": _expired,
}
"""Complete answers that refuse a page, by name."""

MUTATIONS: Mapping[str, Mutation] = {
    "drop id": _of_a_record(_drop_id),
    "spoil id": _of_a_record(_spoil_id),
    "number as id": _of_a_record(_number_id),
    "retype field": _of_a_record(_retype),
    "retype count": _of_a_record(_retype_count),
    "drop field": _of_a_record(_drop_field),
    "reorder fields": _of_a_record(_reorder),
    "new field": _of_a_record(_add_field),
    "lone surrogate": _of_a_record(_lone_surrogate),
    "replace record": _edited(_replace_record),
    "double record": _edited(_double_record),
    "double key": _edited(_double_key),
    "bad byte": _raw_bytes(b"\xe9"),
    "bad bytes": _raw_bytes(b"\xff\xfe\xc3"),
    "control character": _raw_bytes(b"\x01"),
    "raw newline": _raw_bytes(b"\n"),
    "broken value": _edited(_broken_value),
    "white space": _edited(_white_space),
    "shuffle records": _edited(_shuffle),
    "wrong count": _wrong_count,
    "no token": _meta(_without_token),
    "no meta": _edited(_without_meta),
    "no data": _without_data,
    "early end": _early_end,
    "errors beside": _edited(_errors_beside),
    "unknown beside": _edited(_unknown_beside),
    "cut": _cut,
    "cut gzip": _cut_gzip,
    "cut JSON": _cut_json,
    "padded": _wrapped(b" \r\n\t", b"\n\n "),
    "byte order mark": _wrapped(b"\xef\xbb\xbf", b""),
    "trailing garbage": _trailing_garbage,
    "UTF-16": _other_encoding,
    "empty object": _nothing(b"{}"),
    "no object": _nothing(b"[]", b"null", b'"x"', b"7", b""),
    "HTML": _nothing(b"<html><body>Something went wrong.</body></html>"),
    "503": _status(503, b"<html>over capacity</html>"),
    "500": _status(500, b'{"title":"Internal Server Error","status":500}'),
}
"""Every mutation of a single answer, by name."""

ENDS_EARLY = ("no token", "no meta", "early end")
"""Mutations that end a list too early."""
