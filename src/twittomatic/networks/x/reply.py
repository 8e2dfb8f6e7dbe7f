"""Reads a response as far as we need it: ids, the next page, what is missing, what it cost.

The records themselves pass through as X wrote them, each on one line. Shapes: docs.x.com,
x-api/fundamentals/pagination and response-codes-and-errors; X leaves out what is empty, `data` first of all.
"""

from __future__ import annotations

import re
from codecs import utf_8_decode
from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec

from twittomatic.networks.base import Page, Request, Response
from twittomatic.networks.x.errors import garbage, refusal, said
from twittomatic.networks.x.flatten import FlattenError, flatten
from twittomatic.networks.x.prices import Prices, units
from twittomatic.networks.x.problems import problems_of
from twittomatic.networks.x.profiles import name_of

_PIECE = 32 * 1024  # bytes of text checked at once: its copy stays in the cache, a page's as a whole does not
_IDS = re.compile(r"(?:(?:0|[1-9][0-9]{0,18})\n)+")  # a leading zero would be another text for the same id
_LONGEST_RECORD = 8 * 1024 * 1024  # real ones stay under 100 KB; our own readers stop at 16 MiB a line
_ASKED = {"users": "ids", "users_by": "usernames"}  # the parameter that lists who was asked for

# An escape sequence, tried in this order: an emoji in two halves, half an emoji, anything else.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB]%b\\u[dD][c-fC-F]%b|(u[dD][89a-fA-F]%b)|.)" % ((rb"[0-9a-fA-F]{2}",) * 3), re.DOTALL
)


class _Meta(msgspec.Struct, frozen=True):
    result_count: int | None = None
    next_token: Annotated[str, msgspec.Meta(pattern=r"\A[!-~]{1,2048}\Z")] | None = None


class _Body(msgspec.Struct, frozen=True):
    data: list[msgspec.Raw] | None = None
    includes: dict[str, list[msgspec.Raw]] | None = None
    meta: _Meta | None = None


class _Record(msgspec.Struct, frozen=True, gc=False):
    id: str


_BROKEN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, FlattenError)

_decode_body = msgspec.json.Decoder(_Body).decode
_decode_records = msgspec.json.Decoder(list[_Record]).decode
_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def decode(request: Request, response: Response, prices: Prices) -> Page:
    """Turn any response into a page or an error.

    Raises:
        NetworkError: its leaf says what to do; nothing else is ever raised.
    """
    if response.status == 200:
        try:
            return _page(request, response, prices)
        except _BROKEN as error:
            raise garbage(request, "with something that is not its JSON") from error
    if response.status == 404:
        missing = _missing(request, response.body, ())
        if missing:  # the answer that X documents for a lookup of users none of whom there is
            return Page(ids=(), records=(), missing=missing)
    raise refusal(request, response)


def _page(request: Request, response: Response, prices: Prices) -> Page:
    _check_text(response.body)
    if request.endpoint == "usage":
        return _usage(request, response)
    content = _content(response.body)
    if not content.data:
        return _without_data(request, response, content, prices)
    records = [bytes(record) for record in content.data]
    together = b"[%b]" % b",".join(records)
    if b"\n" in together or b"\r" in together:
        records = [_one_line(record) for record in records]
    ids = [record.id for record in _decode_records(together)]
    together_ids = "\n".join([*ids, ""])
    if together_ids.count("\n") != len(ids) or not _IDS.fullmatch(together_ids):
        raise msgspec.ValidationError("an id is not decimal")
    missing = _missing(request, response.body, ids, records)
    includes = content.includes or {}
    if includes and request.endpoint == "timeline":
        records = flatten(records, includes)
    if max(map(len, records)) > _LONGEST_RECORD:
        raise garbage(request, "with a record longer than any that X has")
    return Page(
        ids=ids,
        records=records,
        next_token=_next_token(request, content),
        missing=missing,
        billed=len(ids) + _expanded(request, includes, prices),
    )


def _usage(request: Request, response: Response) -> Page:
    if "data" in _decode_object(response.body):
        return Page(ids=(), records=())
    problems = problems_of(response.body)
    raise said(request, response, problems) or garbage(request, "without a figure")


def _without_data(request: Request, response: Response, content: _Body, prices: Prices) -> Page:
    """Tell an empty page from a refusal: both are a 200 in which `data` is left out."""
    missing = _missing(request, response.body)
    if missing:
        return Page(ids=(), records=(), missing=missing)
    problems = problems_of(response.body)
    error = said(request, response, problems)
    if error is not None:
        raise error
    if any(problem.matters for problem in problems):
        claims = content.meta is not None and bool(content.meta.result_count)
        raise garbage(
            request, "with nothing but errors that say neither what nor why", billed=claims
        )  # X charges for what it returns, and nothing for errors
    if content.meta is None or content.meta.result_count != 0:
        raise garbage(request, "with neither data nor the count of none")
    includes = content.includes or {}
    return Page(
        ids=(),
        records=(),
        next_token=_next_token(request, content),
        billed=_expanded(request, includes, prices),
    )


def _check_text(body: bytes) -> None:
    """Raise UnicodeDecodeError when a body is not UTF-8; msgspec does not look at the text that it skips."""
    text, at = memoryview(body), 0
    while at < len(body):
        end = at + _PIECE
        at += utf_8_decode(text[at:end], "strict", end >= len(body))[1]


def _content(body: bytes) -> _Body:
    try:
        return _decode_body(body)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        # A name or a text that X cut in the middle of an emoji would otherwise lose the whole paid page.
        return _decode_body(_ESCAPE.sub(lambda found: rb"\ufffd" if found[1] else found[0], body))


def _one_line(record: bytes) -> bytes:
    return msgspec.json.format(record, indent=-1) if b"\n" in record or b"\r" in record else record


def _next_token(request: Request, content: _Body) -> str | None:
    return content.meta.next_token if content.meta and request.endpoint not in _ASKED else None


def _missing(
    request: Request, body: bytes, ids: Sequence[str] = (), records: Sequence[bytes] = ()
) -> Mapping[str, str]:
    """Return why users who were asked for are not there; one of whom X says nothing is not in it."""
    parameter = _ASKED.get(request.endpoint)
    if parameter is None or b'"errors"' not in body:
        return {}
    there = map(name_of, records) if parameter == "usernames" else ids
    absent = set(request.params[parameter].lower().split(",")) - {user.lower() for user in there}
    return {
        user: problem.reason
        for problem in problems_of(body)
        if problem.matters and problem.reason is not None
        for user in sorted(absent.intersection(value.lower() for value in problem.values))
    }


def _expanded(request: Request, includes: Mapping[str, Sequence[msgspec.Raw]], prices: Prices) -> int:
    """Return for how many of the request's resources the expanded objects are charged."""
    return sum(
        len(includes.get(kind, ())) * units(price, request.unit_price)
        for kind, price in prices.expanded.items()
    )
