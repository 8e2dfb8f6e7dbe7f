"""Mutated pages of X: no good record is lost, and the price is right.

A page is made, written as X writes it, and then changed: fields are dropped, doubled, retyped and reordered,
bodies are padded, encoded otherwise, damaged, and cut. Whatever comes out, X charges for the records that it
served, and our ledger must never hold less, nor more unless the body may have been cut.
"""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given, note, settings
from hypothesis import strategies as st

from twittomatic.errors import UnexpectedPayload
from twittomatic.model import User
from twittomatic.networks.base import Request, Response
from twittomatic.networks.x import X
from twittomatic.storage.formats import member

x = X(url="https://api.x.com")
SIZE = 20
LISTS: list[tuple[Request, str]] = [
    (x.followers(User("1"), token=None, size=SIZE), "name"),
    (x.following(User("1"), token="t" * 16, size=SIZE), "description"),
    (x.timeline(User("1"), token=None, since_id=None, size=SIZE), "text"),
]
lists = st.sampled_from(LISTS)
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
ids = st.lists(st.integers(0, 10**19 - 1), min_size=1, max_size=8, unique=True)

Mutation = Callable[[dict[str, Any], str], bytes]
"""Returns a record, in which one text is named, as the bytes of a record that is not as X writes it."""


def written(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode()


RETYPED: list[Mutation] = [
    lambda record, field: written({**record, "id": int(record["id"])}),
    lambda record, field: written({**record, "id": f" {record['id']} "}),
    lambda record, field: written({**record, field: None}),
    lambda record, field: written({**record, field: [1, {"id": "5"}]}),
    lambda record, field: written({**record, "public_metrics": {"followers_count": "5"}}),
    lambda record, field: written(dict(reversed(record.items()))),
    lambda record, field: written(record)[:-1] + b"," + written(record)[1:],  # every field twice
    lambda record, field: written(record).replace(b": ", b":\r\n\t"),
    lambda record, field: written({**record, "n": "MARK"}).replace(b"MARK", b"a\xe9\xff"),
    lambda record, field: written({**record, "n": "MARK"}).replace(b"MARK", b"a\x01\x1f\n"),
    lambda record, field: written({**record, "n": "MARK"}).replace(b"MARK", rb"a\ud83d"),
    lambda record, field: written({**record, "n": "MARK"}).replace(b'"MARK"', b"NaN"),
]
"""The record is clear all the same: its id stays in the list, and the record with it."""

UNREADABLE: list[Mutation] = [
    lambda record, field: written({**record, "n": "MARK"}).replace(b'"MARK"', b"undefined"),
    lambda record, field: written({**record, "n": "MARK"}).replace(b'"MARK"', b"007"),
    lambda record, field: written({**record, "n": "MARK"}).replace(b'"MARK"', b'"he said "hi""'),
    lambda record, field: written(record)[:-1] + b",}",
    lambda record, field: written({**record, "n": "MARK"}).replace(b'"MARK"', b"[" * 5_000 + b"]" * 5_000),
]
"""The id stays in the list, though nothing else can be read."""

NAMELESS: list[Mutation] = [
    lambda record, field: written({name: value for name, value in record.items() if name != "id"}),
    lambda record, field: written({**record, "id": None}),
    lambda record, field: written({**record, "id": "../../etc/passwd"}),
    lambda record, field: b"null",
    lambda record, field: b"[]",
]
"""It costs what it costs, and no other record."""

AROUND: list[Callable[[bytes], bytes]] = [
    lambda body: body,
    lambda body: b"\xef\xbb\xbf" + body,
    lambda body: b"\n\n " + body + b"\r\n\0\0",
    lambda body: b")]}',\n" + body,
    lambda body: body + b"<!-- served by cache 7 -->",
    lambda body: body.decode(errors="replace").encode("utf-16"),
]


@st.composite
def pages(draw: st.DrawFn) -> tuple[Request, list[tuple[str, bytes, str]], bytes, str | None]:
    """Return the question, the records with what became of them, the body, and the next token."""
    request, field = draw(lists)
    records = []
    for number in draw(ids):
        record = {"id": str(number), field: draw(texts), "username": "a"}
        kind = draw(st.sampled_from(["good", "good", "good", "retyped", "unreadable", "nameless"]))
        mutations = {"retyped": RETYPED, "unreadable": UNREADABLE, "nameless": NAMELESS}.get(kind)
        text = draw(st.sampled_from(mutations))(record, field) if mutations else written(record)
        records.append((record["id"], text, kind))
    token = draw(st.sampled_from([None, "7140dibdnow9c7btw4b0"]))
    meta = {"result_count": len(records), **({"next_token": token} if token else {})}
    parts = [b'"data": [%b]' % b",".join(text for _, text, _ in records), b'"meta": %b' % written(meta)]
    body = b"{%b}" % b", ".join(draw(st.permutations(parts)))
    return request, records, draw(st.sampled_from(AROUND))(body), token


@settings(deadline=None, print_blob=True, max_examples=150)
@given(page=pages())
def test_no_record_is_lost_and_each_is_paid_for_once(page: Any) -> None:
    request, records, body, token = page
    note(repr(body))
    staying = [user_id for user_id, _, kind in records if kind != "nameless"]
    try:
        found = x.decode(request, Response(status=200, headers={}, body=body))
    except UnexpectedPayload as error:
        assert not staying
        assert error.most_billed == len(records)
        return
    assert found.ids == staying
    assert (found.billed, found.next_token) == (len(records), token)
    assert len(found.unreadable) == sum(kind in ("unreadable", "nameless") for _, _, kind in records)
    by_id = {user_id: (text, kind) for user_id, text, kind in records}
    for user_id, record in zip(found.ids, found.records, strict=True):
        text, kind = by_id[user_id]
        if kind == "unreadable":
            assert record == b""
        else:
            assert json.loads(record)["id"] == user_id
        if kind == "good":
            assert json.loads(record) == json.loads(text)
    member(found.records)


@settings(deadline=None, print_blob=True, max_examples=150)
@given(page=pages(), at=st.floats(0, 1), is_whole=st.booleans())
def test_what_was_cut_costs_a_page_unless_it_is_all_there(page: Any, at: float, is_whole: bool) -> None:
    request, records, body, _ = page
    cut = body[: int(len(body) * at)]
    note(repr(cut))
    try:
        found = x.decode(request, Response(status=200, headers={}, body=cut, is_whole=is_whole))
    except UnexpectedPayload as error:
        blank = not cut.strip(b"\xef\xbb\xbf\xfe\xff \n\0)]}',")
        if error.most_billed is not None and not (blank and is_whole):
            assert error.most_billed == len(records)
        assert is_whole or error.most_billed is None or error.most_billed == len(records)
        return
    assert found.billed == len(records)


@settings(deadline=None, print_blob=True, max_examples=150)
@given(
    page=pages(),
    places=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=3)), min_size=1, max_size=3),
)
def test_damage_costs_no_more_than_a_page(page: Any, places: list[tuple[float, bytes]]) -> None:
    """Bytes that are written over: nothing is promised but the price, and that we stand it."""
    request, _, body, _ = page
    for at, data in places:
        begin = int((len(body) - 1) * at)
        body = body[:begin] + data + body[begin + len(data) :]
    note(repr(body))
    try:
        found = x.decode(request, Response(status=200, headers={}, body=body))
    except UnexpectedPayload as error:
        assert error.most_billed is None or 0 <= error.most_billed <= SIZE
        return
    assert len(found.ids) == len(found.records)
    member(found.records)
