"""Whatever a line holds, it becomes a document that the mapping bears, or is refused as no post."""

import json
import re
from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twittomatic.networks.x import X
from twittomatic.sinks.indexer.documents import PROPERTIES, Unreadable, document

NETWORK = X(url="http://localhost")

NOW = 1_790_000_000
FIELDS = [
    "id", "text", "created_at", "lang", "author", "conversation_id", "entities", "hashtags", "tag", "urls",
    "url", "mentions", "username", "geo", "coordinates", "bbox", "full_name", "public_metrics", "like_count",
    "type", "referenced_tweets", "note_tweet", "retweeted",
]  # fmt: skip
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(FIELDS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5),
    max_leaves=12,
)
posts = st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=6)
dates = st.datetimes().map(lambda moment: moment.isoformat() + "Z") | st.text(max_size=30)


def fits(value: Any, wanted: dict[str, Any]) -> bool:
    if "properties" in wanted:
        return isinstance(value, dict) and all(
            fits(item, wanted["properties"][key]) for key, item in value.items()
        )
    match wanted["type"]:
        case "text":
            return isinstance(value, str)
        case "keyword":
            return all(isinstance(item, str) for item in (value if isinstance(value, list) else [value]))
        case "long":
            return type(value) is int and 0 <= value < 2**63
        case "date":
            return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", value) is not None
        case "geo_point":
            return len(value) == 2 and abs(value[0]) <= 180 and abs(value[1]) <= 90
    return False


@settings(suppress_health_check=[HealthCheck.too_slow])  # the machine may be busy
@given(posts, st.sampled_from([0, NOW]))
def test_what_becomes_of_any_object_fits_the_mapping(post: dict[str, Any], fetched_at: int) -> None:
    try:
        made = document(
            json.dumps(post).encode(),
            NETWORK,
            author_id="22",
            fetched_at=fetched_at,
            now=NOW,
        )
    except Unreadable:
        return
    assert made.id == post["id"]
    for name, value in json.loads(made.source).items():
        assert fits(value, PROPERTIES[name]), (name, value)


@given(
    st.binary(max_size=200)
    | st.text(max_size=100).map(str.encode)
    | json_values.map(lambda v: json.dumps(v).encode())
)
def test_any_line_is_a_document_or_no_post(line: bytes) -> None:
    try:
        document(line, NETWORK, author_id="22", fetched_at=NOW, now=NOW)
    except Unreadable as error:
        assert str(error)


@given(dates)
def test_a_date_gives_a_month_that_was_or_none(date: str) -> None:
    made = document(
        json.dumps({"id": "1", "created_at": date}).encode(),
        NETWORK,
        author_id="22",
        fetched_at=NOW,
        now=NOW,
    )
    if made.month != "undated":
        month = datetime.strptime(made.month, "%Y.%m")  # noqa: DTZ007 - a name
        assert datetime(2006, 1, 1) <= month <= datetime(2026, 9, 23)  # noqa: DTZ001
