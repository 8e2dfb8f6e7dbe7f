"""Long posts in the index: their text, and the entities of the note and of the cut text."""

import json
from typing import Any

import pytest

from twittomatic.networks.x import X
from twittomatic.sinks.indexer.documents import document

NETWORK = X(url="http://localhost")


def indexed(post: dict[str, Any]) -> dict[str, Any]:
    line = json.dumps({"id": "5", **post}).encode()
    return dict(json.loads(document(line, NETWORK, author_id="22", fetched_at=0, now=1_790_000_000).source))


def link(short: str, expanded: str, **more: str) -> dict[str, str]:
    return {"url": f"https://t.co/{short}", "expanded_url": expanded, **more}


CUT = {
    "text": "The beginning of it … https://t.co/self",
    "entities": {
        "hashtags": [{"tag": "Pisa"}],
        "cashtags": [{"tag": "UNI"}],
        "mentions": [{"username": "Jack"}],
        "urls": [link("a", "https://a.org/"), link("self", "https://x.com/i/web/status/5")],
    },
}


@pytest.mark.parametrize("note", ["note_tweet", "note_post"])
@pytest.mark.parametrize("entities", [{}, {"entities": {}}, {"entities": None}, {"entities": {"urls": []}}])
def test_a_long_post_whose_note_has_no_entities_keeps_those_of_its_cut_text(
    note: str, entities: dict[str, Any]
) -> None:
    found = indexed({**CUT, note: {"text": "The beginning of it and its end", **entities}})
    assert found["text"] == "The beginning of it and its end"
    assert (found["hashtags"], found["cashtags"]) == (["pisa"], ["uni"])
    assert found["mentions"] == ["jack"]
    assert found["urls"] == ["https://a.org/"]


def test_the_entities_of_note_and_cut_text_count_once() -> None:
    entities = {
        "hashtags": [{"tag": "End"}, {"tag": "PISA"}],
        "urls": [link("b", "https://b.org/"), link("a", "https://a.org/")],
    }
    found = indexed({**CUT, "note_tweet": {"text": "All of it", "entities": entities}})
    assert found["hashtags"] == ["end", "pisa"]
    assert found["mentions"] == ["jack"]
    assert found["urls"] == ["https://b.org/", "https://a.org/"]


def test_a_link_that_either_text_unwinds_leads_to_its_end() -> None:
    entities = {"urls": [link("a", "https://bit.ly/1")]}
    cut = {"urls": [link("a", "https://bit.ly/1", unwound_url="https://a.org/paper")]}
    for first, second in ((entities, cut), (cut, entities)):
        found = indexed({"text": "cut", "entities": second, "note_tweet": {"text": "all", "entities": first}})
        assert found["urls"] == ["https://a.org/paper"]


def test_a_retweet_of_a_long_post_has_the_entities_of_that_post() -> None:
    retweeted = {"type": "retweeted", "id": "4", **CUT, "note_tweet": {"text": "All of it"}}
    found = indexed(
        {
            "text": "RT @dick: The beg…",
            "entities": {"mentions": [{"username": "dick"}]},
            "referenced_tweets": [retweeted],
        }
    )
    assert (found["text"], found["hashtags"], found["mentions"]) == ("All of it", ["pisa"], ["jack"])


def test_a_note_without_a_text_adds_its_entities() -> None:
    found = indexed({"text": "Short", "note_tweet": {"entities": {"hashtags": [{"tag": "Lucca"}]}}})
    assert (found["text"], found["hashtags"]) == ("Short", ["lucca"])
