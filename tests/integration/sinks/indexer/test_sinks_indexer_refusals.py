"""What the server does not take: for now, or never."""

import asyncio
import json
from collections.abc import Callable

import pytest
from consuming import Running, until
from indexing import EARLIER, LATER, Scene, post

from twittomatic.errors import ReceiverUnavailable
from twittomatic.networks.x import X
from twittomatic.sinks.indexer.documents import Document, document
from twittomatic.storage.identity import identity

NETWORK = X(url="http://localhost")

Serve = Callable[..., Running]
FULL = {"index.blocks.read_only_allow_delete": True}  # what the server does at its flood stage
DECEMBER = "2025-12-19T05:06:26.000Z"


def made(post_id: str, created_at: str, fetched_at: int = LATER) -> Document:
    return document(
        post(post_id, created_at=created_at),
        NETWORK,
        author_id="22",
        fetched_at=fetched_at,
        now=LATER,
    )


def hostile() -> list[bytes]:
    """Posts as only an enemy writes them; all of them can be searched, or their bad parts left out."""
    return [
        *[post(str(number), "x" * 40_000) for number in range(100, 130)],
        post("2", " ".join(f"#{number}" for number in range(4_000)),
             entities={"hashtags": [{"tag": f"t{number}"} for number in range(4_000)]}),
        post(str(2**64 + 7)),
        post("3", "\x00\x01\x1b[31m\u202e"),
        post("4", entities={"hashtags": [{"tag": "x" * 40_000}, {"tag": {"a": 1}}, 7], "urls": "no"}),
        post("5", public_metrics={"like_count": 2**63, "reply_count": 1.5, "quote_count": True}),
        post("6", geo={"coordinates": {"coordinates": [1e308, 91]}, "geo": {"bbox": [None, 1, 2, 3]}}),
        post("7", geo=[[[]]], author=7, lang=["it"], referenced_tweets=[{"type": [], "id": 3}, 3]),
        post("8", {"a": {"b": 1}}),
        post("9", _id="7", dynamic={f"field{number}": number for number in range(2_000)}),
    ]  # fmt: skip


async def test_hostile_posts_are_searched_without_their_bad_parts(scene: Scene) -> None:
    sink = await scene.indexer()
    await scene.take(sink, scene.write(22, (EARLIER, [post("0")])))
    fields = scene.ask("GET", f"/{scene.prefix}/_mapping")
    assert await scene.take(sink, scene.write(22, (LATER, hostile()))) == 39
    assert scene.rejected() == []
    found = scene.found()
    assert set(found) == {*"23456789", *map(str, range(100, 130)), str(2**64 + 7)}
    assert len(found["2"]["hashtags"]) == 4_000
    assert set(scene.found({"term": {"hashtags": "t3999"}})) == {"2"}
    assert "metrics" not in found["5"]
    assert "text" not in found["8"]
    assert scene.ask("GET", f"/{scene.prefix}/_mapping") == fields, "no post adds a field"


async def test_what_can_never_be_taken_is_kept_with_its_reason(scene: Scene, serve: Serve) -> None:
    lines = [
        *[post(str(number)) for number in range(1, 40)],
        post("x" * 600),  # for which the server refuses all that came with it
        b'{"text":"who am I"}',
        b'{"id":"1","deep":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
        b"not JSON \xff",
        b"[]",
        rb'{"id":"3","text":"\ud800"}',  # half a character
    ]
    await scene.commit(22, (EARLIER, lines))
    running = serve(await scene.indexer())
    await until(lambda: running.consumer.report.events == 1)

    assert set(scene.found()) == {str(number) for number in range(1, 40)}
    rejected = scene.rejected()
    assert [one.get("status", 0) for one in rejected] == [0, 0, 0, 0, 0, 400]
    assert {one["author_id"] for one in rejected} == {"22"}
    assert rejected[0] | {"at": ""} == {
        "at": "", "author_id": "22", "reason": "the line is not a post: not a JSON object, or without an id",
        "text": '{"text":"who am I"}',
    }  # fmt: skip
    assert rejected[2]["text"] == r"not JSON \xff"
    assert rejected[5]["id"] == "x" * 600
    assert json.loads(rejected[5]["text"])["text"] == "buongiorno"
    assert running.consumer.report.records == 39


async def test_a_post_that_does_not_fit_an_index_is_kept_and_the_others_are_indexed(scene: Scene) -> None:
    dataset = identity(scene.crawl.layout)
    mapping = {
        "properties": {"text": {"type": "geo_point"}},
        "_meta": {"twittomatic": {"dataset": dataset}},
    }
    scene.ask("PUT", f"/{scene.prefix}-2025.11-000001", {"aliases": {scene.prefix: {}}, "mappings": mapping})
    sink = await scene.indexer()
    lines = [post("2", created_at=DECEMBER), post("1")]
    assert await scene.take(sink, scene.write(22, (EARLIER, lines))) == 1
    assert set(scene.found()) == {"2"}
    [rejected] = scene.rejected()
    assert (rejected["id"], rejected["status"]) == ("1", 400)
    assert "geo_point" in rejected["reason"]


async def test_while_the_disk_is_full_only_what_was_rejected_is_sent_again(scene: Scene) -> None:
    bulk, _ = await scene.bulk()
    november, december = "2025-11-19T05:06:26.000Z", DECEMBER
    await bulk.send([made("1", november, EARLIER), made("2", december, EARLIER)])
    first, second = scene.indices()
    scene.ask("PUT", f"/{second}/_settings", FULL)

    sending = asyncio.create_task(bulk.send([made("1", november), made("2", december), made("3", december)]))
    while scene.ask("GET", f"/{first}/_stats/indexing")["_all"]["total"]["indexing"]["index_total"] < 2:
        await asyncio.sleep(0.01)
    scene.ask("PUT", f"/{second}/_settings", {"index.blocks.read_only_allow_delete": None})
    sent = await sending

    assert (sent.taken, sent.created) == (3, 1)
    assert set(scene.found()) == {"1", "2", "3"}
    assert scene.ask("GET", f"/{first}/_stats/indexing")["_all"]["total"]["indexing"]["index_total"] == 2


@pytest.mark.parametrize("block", ["read_only_allow_delete", "write"])
async def test_a_full_or_closed_index_is_waited_for_and_nothing_is_lost(
    scene: Scene, serve: Serve, block: str
) -> None:
    await scene.commit(22, (EARLIER, [post("1")]))
    running = serve(await scene.indexer())
    await until(lambda: running.consumer.report.events == 1)
    index = scene.indices()[0]
    scene.ask("PUT", f"/{index}/_settings", {f"index.blocks.{block}": True})
    await scene.commit(22, (LATER, [post("2")]), over=False)
    await until(lambda: any("rejected 1 posts temporarily (4" in said for said in running.said), "it waits")
    await scene.commit(23, (LATER, [post("3")]))  # the crawl continues
    assert scene.rejected() == []
    scene.ask("PUT", f"/{index}/_settings", {f"index.blocks.{block}": None})
    await until(lambda: running.consumer.report.events == 3)
    assert set(scene.found()) == {"1", "2", "3"}


async def test_an_index_that_cannot_be_made_is_waited_for(scene: Scene) -> None:
    bulk, _ = await scene.bulk()
    template = {
        "index_patterns": [f"{scene.prefix}-*"],
        "priority": 1_000,
        "template": {"aliases": {f"{scene.prefix}-2025.12-000001": {}}},  # the name of the index itself
    }
    scene.ask("PUT", f"/_index_template/{scene.prefix}-bad", template)
    try:
        with pytest.raises(ReceiverUnavailable, match="does not create index"):
            await bulk.send([made("1", DECEMBER)])
    finally:
        scene.ask("DELETE", f"/_index_template/{scene.prefix}-bad")
    assert (await bulk.send([made("1", DECEMBER)])).taken == 1
