"""Read the parts of a response that we need: ids, the next page, what is missing, what is billed.

The records pass through as X wrote them, each on one line. Formats: docs.x.com, x-api/fundamentals/pagination
and response-codes-and-errors; X leaves out empty members, such as `data`. A body in another format is read
record by record in `salvage`.
"""

from __future__ import annotations

import re
from codecs import utf_8_decode
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec

from twittomatic.networks.base import Page, PriceList, Request, Response
from twittomatic.networks.x import salvage
from twittomatic.networks.x.errors import refusal, senseless, stated_error
from twittomatic.networks.x.flatten import flatten
from twittomatic.networks.x.prices import expanded, units
from twittomatic.networks.x.problems import problems_of
from twittomatic.networks.x.profiles import name_of

_PIECE = 32 * 1024  # bytes checked at once, so that the decoded copy fits into the CPU cache
_IDS = re.compile(r"(?:(?:0|[1-9][0-9]{0,18})\n)+")  # a leading zero would make two texts of one id
_MARK = r"\A[!-~]{1,2048}\Z"
_ASKED = {"users": "ids", "users_by": "usernames"}  # the parameter that lists the requested users


class _Meta(msgspec.Struct, frozen=True):
    result_count: int | None = None
    next_token: Annotated[str, msgspec.Meta(pattern=_MARK)] | None = None


class _Body(msgspec.Struct, frozen=True):
    data: list[msgspec.Raw] | None = None
    includes: dict[str, list[msgspec.Raw]] | None = None
    meta: _Meta | None = None


class _Record(msgspec.Struct, frozen=True, gc=False):
    id: str


class _Content(msgspec.Struct, frozen=True, kw_only=True):
    """Content of a body, from either reader.

    Attributes:
        ids: Ids of the records.
        records: The records, parallel to `ids`; empty where only the id can be read.
        unreadable: Records that cannot be read completely, by id or position.
        served: Number of records in the body; None if `data` is absent.
        includes: Expanded objects, by the name of their list.
        result_count: Number of records according to X.
        next_token: Pagination token of the next page.
    """

    ids: Sequence[str]
    records: Sequence[bytes]
    unreadable: Sequence[str] = ()
    served: int | None
    includes: Mapping[str, Sequence[msgspec.Raw]]
    result_count: int | None
    next_token: str | None


_BROKEN = (msgspec.MsgspecError, ValueError, RecursionError)

_decode_body = msgspec.json.Decoder(_Body).decode
_decode_records = msgspec.json.Decoder(list[_Record]).decode


def decode(request: Request, response: Response, prices: PriceList) -> Page:
    """Turn any response into a page or an error.

    Raises:
        NetworkError: its leaf says what to do; nothing else is ever raised.
    """
    if response.status == 200:
        return _usage(request, response) if request.endpoint == "usage" else _page(request, response, prices)
    if response.status == 404:
        missing = _missing(request, response.body)
        if missing:  # X's documented answer to a lookup if none of the users exists
            return Page(ids=(), records=(), missing=missing)
    raise refusal(request, response)


def _page(request: Request, response: Response, prices: PriceList) -> Page:
    try:
        content = _as_documented(response.body)
    except _BROKEN:
        content = _salvaged(request, response, prices)
    if not content.served:
        return _without_data(request, response, content, prices)
    ids, records = content.ids, content.records
    missing = _missing(request, response.body, ids, records)
    if request.endpoint in _ASKED and not all(records):
        there = [(user_id, record) for user_id, record in zip(ids, records, strict=True) if record]
        ids, records = [user_id for user_id, _ in there], [record for _, record in there]
    unreadable = content.unreadable
    if content.includes and request.endpoint == "timeline":
        records, bare = flatten(records, content.includes)
        unreadable = [*unreadable, *(ids[place] for place in bare)]
    return Page(
        ids=ids,
        records=records,
        next_token=_next_token(request, content),
        missing=missing,
        billed=content.served + _expanded(request, content.includes, prices),
        unreadable=unreadable,
    )


def _as_documented(body: bytes) -> _Content:
    """Read a body in the documented format, fast.

    Raises:
        MsgspecError, ValueError, RecursionError: the body is not in that format.
    """
    _check_text(body)
    content = _decoded(body)
    records = [bytes(record) for record in content.data or ()]
    together = b"[%b]" % b",".join(records)
    if b"\n" in together or b"\r" in together:
        records = [_one_line(record) for record in records]
    ids = [record.id for record in _decode_records(together)]
    together_ids = "\n".join([*ids, ""])
    if ids and (together_ids.count("\n") != len(ids) or not _IDS.fullmatch(together_ids)):
        raise ValueError("an id is not decimal")
    if records and max(map(len, records)) > salvage.LONGEST_RECORD:
        raise ValueError("a record is longer than any that X has")
    return _Content(
        ids=ids,
        records=records,
        served=None if content.data is None else len(records),
        includes=content.includes or {},
        result_count=content.meta.result_count if content.meta else None,
        next_token=content.meta.next_token if content.meta else None,
    )


def _salvaged(request: Request, response: Response, prices: PriceList) -> _Content:
    """Read a body in another format, as far as its meaning is clear.

    Raises:
        UnexpectedPayload: it is not clear; the error says how many resources may be billed.
    """
    try:
        answer = salvage.read(response.body)
    except salvage.CutError:
        answer = None
    if answer is None:
        raise senseless(request, response, "with something that is not its JSON")
    records = answer.records or ()
    most_billed = len(records) + _expanded(request, answer.includes, prices)
    if records and all(record.id is None for record in records):
        raise senseless(request, response, "with records none of which has an id", most_billed=most_billed)
    meta: Mapping[str, Any] = {} if request.endpoint in _ASKED else answer.meta or {}
    token = meta.get("next_token") or None
    token = str(token) if isinstance(token, int) and token is not True else token
    lost = answer.meta is None and request.endpoint not in _ASKED
    if lost or not (token is None or (isinstance(token, str) and re.search(_MARK, token))):
        raise senseless(
            request, response, "without a readable mark of the next page", most_billed=most_billed
        )
    return _Content(
        ids=[record.id for record in records if record.id is not None],
        records=[record.text for record in records if record.id is not None],
        unreadable=[
            record.id or f"number {number} of the page"
            for number, record in enumerate(records, start=1)
            if not record.text
        ],
        served=None if answer.records is None else len(records),
        includes=answer.includes,
        result_count=_count(meta.get("result_count")),
        next_token=token,
    )


def _count(value: object) -> int | None:
    text = salvage.id_of(value)
    return None if text is None else int(text)


def _usage(request: Request, response: Response) -> Page:
    """Check the answer to a request for the account's usage, of which nothing else is used."""
    if "data" in salvage.without_records(response.body):
        return Page(ids=(), records=())
    problems = problems_of(response.body)
    raise stated_error(request, response, problems) or senseless(request, response, "without a figure")


def _without_data(request: Request, response: Response, content: _Content, prices: PriceList) -> Page:
    """Distinguish an empty page from a refusal; both are a 200 without `data`."""
    missing = _missing(request, response.body)
    if missing:
        return Page(ids=(), records=(), missing=missing)
    problems = problems_of(response.body)
    error = stated_error(request, response, problems)
    if error is not None:
        raise error
    claimed = content.result_count
    if any(problem.matters for problem in problems):
        what = "with nothing but errors that say neither what nor why"
        raise senseless(request, response, what, most_billed=claimed)
    if claimed or (claimed is None and content.served is None):
        raise senseless(request, response, "with neither data nor a result_count of 0", most_billed=claimed)
    return Page(
        ids=(),
        records=(),
        next_token=_next_token(request, content),
        billed=_expanded(request, content.includes, prices),
    )


def _check_text(body: bytes) -> None:
    """Raise UnicodeDecodeError if a body is not UTF-8; msgspec does not check text that it skips."""
    text, at = memoryview(body), 0
    while at < len(body):
        end = at + _PIECE
        at += utf_8_decode(text[at:end], "strict", end >= len(body))[1]


def _decoded(body: bytes) -> _Body:
    try:
        return _decode_body(body)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        # Otherwise a name or text that X cut in the middle of an emoji would lose the whole paid page.
        return _decode_body(salvage.half_emoji_replaced(body))


def _one_line(record: bytes) -> bytes:
    return msgspec.json.format(record, indent=-1) if b"\n" in record or b"\r" in record else record


def _next_token(request: Request, content: _Content) -> str | None:
    return None if request.endpoint in _ASKED else content.next_token


def _missing(
    request: Request, body: bytes, ids: Sequence[str] = (), records: Sequence[bytes] = ()
) -> Mapping[str, str]:
    """Return the reasons for requested users that are missing; users without a stated reason are left out."""
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


def _expanded(request: Request, includes: Mapping[str, Sequence[msgspec.Raw]], prices: PriceList) -> int:
    """Return how many of the request's resources the expanded objects are billed as."""
    return sum(
        len(includes.get(kind, ())) * units(price, request.unit_price)
        for kind, price in expanded(prices).items()
    )
