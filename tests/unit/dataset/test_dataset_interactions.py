"""To whom posts refer, and how often."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twittomatic.dataset.interactions import Interaction, Reference, read_interactions, references
from twittomatic.storage.formats import member
from twittomatic.storage.paths import Layout


def post(number: int = 1, **fields: Any) -> dict[str, Any]:
    return {"id": str(number), "author_id": "1", "created_at": f"2026-01-{number:02}T00:00:00.000Z", **fields}


def mentions(*users: tuple[str | None, str], start: int = 10) -> dict[str, Any]:
    return {"mentions": [{"id": i, "username": name, "start": start} for i, name in users]}


def url(address: str) -> dict[str, Any]:
    return {"urls": [{"expanded_url": address}]}


CASES: dict[str, tuple[dict[str, Any], list[Reference]]] = {
    "nobody": (post(text="hello"), []),
    "each mention once, of a long post too": (
        post(
            entities=mentions(("2", "two"), ("2", "two")), note_tweet={"entities": mentions(("3", "three"))}
        ),
        [Reference("mention", 2, "two"), Reference("mention", 3, "three")],
    ),
    "a mention without an id": (
        post(entities={"mentions": [{"username": "two"}]}),
        [Reference("mention", None, "two")],
    ),
    "a retweet whose post was bought": (
        post(
            entities=mentions(("2", "two"), ("3", "three"), start=3),
            referenced_tweets=[
                {"type": "retweeted", "id": "9", "author_id": "2", "author": {"username": "two"}}
            ],
        ),
        [Reference("retweet", 2, "two")],
    ),
    "a retweet whose post was not bought": (
        post(
            entities={
                "mentions": [
                    *mentions(("3", "three"))["mentions"],
                    *mentions(("2", "two"), start=3)["mentions"],
                ]
            },
            referenced_tweets=[{"type": "retweeted", "id": "9"}],
        ),
        [Reference("retweet", 2, "two")],
    ),
    "a reply is no mention of whom it answers": (
        post(
            in_reply_to_user_id="2",
            entities=mentions(("2", "two"), ("3", "three")),
            referenced_tweets=[{"type": "replied_to", "id": "9"}],
        ),
        [Reference("reply", 2, "two"), Reference("mention", 3, "three")],
    ),
    "a reply without the user's id": (
        post(referenced_tweets=[{"type": "replied_to", "id": "9", "author_id": "2", "author": {}}]),
        [Reference("reply", 2, None)],
    ),
    "a reply to oneself": (post(in_reply_to_user_id="1"), [Reference("reply", 1, None)]),
    "a quote in a reply": (
        post(
            in_reply_to_user_id="2",
            referenced_tweets=[
                {"type": "quoted", "id": "8", "author_id": "4"},
                {"type": "replied_to", "id": "9"},
            ],
        ),
        [Reference("reply", 2, None), Reference("quote", 4, None)],
    ),
    "a quote whose post was not bought": (
        post(
            entities=url("https://twitter.com/Four/status/8"),
            referenced_tweets=[{"type": "quoted", "id": "8"}],
        ),
        [Reference("quote", None, "Four")],
    ),
    "a quote that cannot be told": (
        post(
            entities=url("https://twitter.com/Four/status/7"),
            referenced_tweets=[{"type": "quoted", "id": "8"}],
        ),
        [],
    ),
    "ids that are none": (
        post(
            in_reply_to_user_id="2" * 20,
            entities=mentions(("1e3", "x"), (str(2**63), "y"), (str(2**63 - 1), "z")),
        ),
        [
            Reference("mention", None, "x"),
            Reference("mention", None, "y"),
            Reference("mention", 2**63 - 1, "z"),
        ],
    ),
}


@pytest.mark.parametrize(("of", "expected"), CASES.values(), ids=CASES)
def test_to_whom_a_post_refers(of: dict[str, Any], expected: list[Reference]) -> None:
    assert list(references(of)) == expected


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "type", "username", "mentions", "urls", "entities", "author", "expanded_url"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)  # the machine may be busy
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "author",
                "entities",
                "in_reply_to_user",
                "in_reply_to_user_id",
                "note_tweet",
                "referenced_tweets",
            ]
        ),
        json_values,
    )
)
def test_a_malformed_post_is_not_an_error(of: dict[str, Any]) -> None:
    for reference in references(of):
        assert reference.user_id is not None or reference.name


def write_timeline(layout: Layout, user_id: str, posts: Sequence[dict[str, Any]]) -> None:
    path = layout.file(user_id, "twt")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(member([json.dumps(each).encode() for each in posts]))


def test_the_references_of_a_timeline_are_counted(layout: Layout) -> None:
    quoted = {
        "entities": url("https://x.com/Four/status/8"),
        "referenced_tweets": [{"type": "quoted", "id": "8"}],
    }
    write_timeline(
        layout,
        "5",
        [
            post(9, author={"username": "five"}, entities=mentions(("2", "new"))),
            post(8, entities=mentions(("2", "old"))),
            post(7, **quoted),
            post(6, **quoted, created_at="no time"),
            {**post(5, entities=mentions(("2", "old"))), "created_at": "2025-12-31T23:00:00-02:00"},
        ],
    )
    found = [row for rows in read_interactions(layout) for row in rows]
    assert found == [
        Interaction(
            source=5,
            source_name="five",
            target=None,
            target_name="Four",
            kind="quote",
            count=2,
            first_at=datetime(2026, 1, 7, tzinfo=UTC),
            last_at=datetime(2026, 1, 7, tzinfo=UTC),
        ),
        Interaction(
            source=5,
            source_name="five",
            target=2,
            target_name="new",
            kind="mention",
            count=3,
            first_at=datetime(2026, 1, 1, 1, tzinfo=UTC),
            last_at=datetime(2026, 1, 9, tzinfo=UTC),
        ),
    ]


def test_a_broken_timeline_is_named_and_left_out(layout: Layout) -> None:
    write_timeline(layout, "5", [post(1, entities=mentions(("2", "two")))])
    layout.file("6", "twt").parent.mkdir()
    layout.file("6", "twt").write_bytes(b"no gzip")
    defects: list[str] = []
    rows = [
        row for rows in read_interactions(layout, lambda error: defects.append(str(error))) for row in rows
    ]
    assert [row.target for row in rows] == [2]
    assert len(defects) == 1
    assert str(layout.file("6", "twt")) in defects[0]
