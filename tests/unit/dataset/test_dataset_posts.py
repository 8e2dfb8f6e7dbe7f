"""What timelines are about, counted from their posts."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from support.dataset import DatasetWriter
from twittomatic.dataset.summary import Posts, summarize_timelines
from twittomatic.dataset.summary.posts import Period
from twittomatic.dataset.summary.tally import Use
from twittomatic.model import Ending
from twittomatic.storage.commit import measured
from twittomatic.storage.paths import Layout


def post(day: str, **fields: Any) -> bytes:
    return json.dumps({"id": "1", "created_at": f"{day}T10:00:00.000Z", **fields}).encode()


def summary(layout: Layout) -> Posts:
    return summarize_timelines(layout)


@pytest.fixture
def writer(layout: Layout) -> DatasetWriter:
    for ext in ("fws", "usr", "twt"):
        for path in layout.files(ext):
            path.unlink()
    return DatasetWriter(layout)


def test_posts_are_counted_by_day_kind_and_language(writer: DatasetWriter) -> None:
    writer.store(
        "22",
        "twt",
        [
            post("2025-11-02", lang="it", referenced_tweets=[{"type": "replied_to", "id": "5"}]),
            post("2025-11-02", lang="it"),
            post("2025-11-01", lang="en", referenced_tweets=[{"type": "quoted", "id": "5"}]),
        ],
    )
    writer.store("7", "twt", [post("2025-11-02", lang="it", referenced_tweets=[{"type": "retweeted"}])])
    writer.store("8", "twt", [])

    found = summary(writer.layout)

    assert (found.count, found.timelines) == (4, 2)
    assert (found.replies, found.reposts, found.quotes) == (1, 1, 1)
    assert found.per_day == {date(2025, 11, 1): 1, date(2025, 11, 2): 3}
    assert found.languages.most == (Use("it", 3, 2), Use("en", 1, 1))


def test_hashtags_mentions_and_links_are_those_of_a_users_own_words(writer: DatasetWriter) -> None:
    link = {"expanded_url": "https://short.example/1", "unwound_url": "https://WWW.Example.org/a?b"}
    photo = {"expanded_url": "https://x.com/a/status/1/photo/1", "media_key": "3_1"}
    entities = {
        "hashtags": [{"tag": "Pisa"}, {"tag": "PISA"}],
        "mentions": [{"username": "Ada"}],
        "urls": [link, photo],
    }
    beginning = {"hashtags": [{"tag": "cut"}]}
    writer.store(
        "22",
        "twt",
        [
            post("2025-11-02", entities=entities),
            post("2025-11-02", entities=beginning, note_tweet={"entities": {"hashtags": [{"tag": "pisa"}]}}),
            post("2025-11-02", entities=beginning, referenced_tweets=[{"type": "retweeted"}]),
        ],
    )

    found = summary(writer.layout)

    assert found.hashtags.most == (Use("pisa", 3, 1),)
    assert found.mentions.most == (Use("ada", 1, 1),)
    assert found.links.most == (Use("https://WWW.Example.org/a?b", 1, 1),)
    assert found.domains.most == (Use("example.org", 1, 1),)


def test_days_are_comparable_while_no_timeline_is_cut_off(writer: DatasetWriter) -> None:
    """The journal's lines say that both timelines were read on 2026-01-01."""
    writer.store("22", "twt", [post("2026-01-01"), post("2025-06-01")])
    path = writer.store("7", "twt", [post("2026-01-01"), post("2025-11-05")], line=False)
    writer.journal.append(writer.entry(path, measured(path), ending=Ending.CEILING))

    assert summary(writer.layout).comparable == Period(first=date(2025, 11, 6), last=date(2025, 12, 31))


def test_odd_posts_count_and_broken_files_are_named(writer: DatasetWriter) -> None:
    writer.store("22", "twt", [b'{"id":7,"created_at":[1],"entities":"none"}', b"{}", post("2025-13-41")])
    writer.store("7", "twt", [b"no JSON"])
    broken = writer.store("9", "twt", [post("2025-11-01")])
    broken.write_bytes(broken.read_bytes()[:-3])

    found = summary(writer.layout)

    assert (found.count, found.per_day) == (3, {})
    assert [sentence.partition(":")[0][-6:] for sentence in found.broken] == ["/7.twt", "/9.twt"]
