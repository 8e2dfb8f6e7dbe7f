"""What of a crawl's posts is searched, in a real server."""

import asyncio
from collections.abc import Callable

import pytest
from consuming import Running, until
from indexing import EARLIER, LATER, LATEST, NOVEMBER, Scene, Wire, post

from twittomatic.clock import SystemClock
from twittomatic.errors import ReceiverUnavailable, SettingsError
from twittomatic.networks.x import X
from twittomatic.sinks.indexer.bulk import Bulk
from twittomatic.sinks.indexer.documents import document
from twittomatic.sinks.indexer.rejected import RejectedPosts
from twittomatic.sinks.indexer.sink import Indexer
from twittomatic.state.events import FileRepaired, TargetClosed
from twittomatic.state.stream import SinkReport
from twittomatic.storage.purchases import BoughtProfiles

NETWORK = X(url="http://localhost")

Serve = Callable[..., Running]


async def test_posts_are_searched_by_what_they_say(scene: Scene) -> None:
    sink = await scene.indexer()
    assert sink.is_new
    lines = [
        post(
            "3", "Una foto della torre di #Pisa con @Anna", lang="it", conversation_id="1",
            entities={
                "hashtags": [{"tag": "Pisa"}], "mentions": [{"username": "Anna"}],
                "urls": [{"url": "https://t.co/x", "expanded_url": "https://example.org/a"}],
            },
            public_metrics={"like_count": 7, "retweet_count": 2},
            geo={"full_name": "Pisa, Toscana", "geo": {"bbox": [10.2, 43.6, 10.6, 43.8]}},
            referenced_tweets=[{"type": "replied_to", "id": "1"}],
        ),
        post("2", "東京タワー &amp; 富士山", geo={"coordinates": {"coordinates": [139.7, 35.6]}}),
        post("1", "RT @x: Questo è", referenced_tweets=[
            {"type": "retweeted", "id": "9", "text": "Questo è il testo intero"},
        ]),
    ]  # fmt: skip

    assert await scene.take(sink, scene.write(22, (EARLIER, lines))) == 3

    assert scene.matching("TORRE") == {"3"}
    assert scene.matching("富士山") == {"2"}
    assert scene.matching("intero") == {"1"}
    assert scene.found()["2"]["text"] == "東京タワー & 富士山"
    for query in (
        {"term": {"hashtags": "pisa"}}, {"term": {"mentions": "anna"}}, {"term": {"lang": "it"}},
        {"term": {"urls": "https://example.org/a"}}, {"range": {"metrics.likes": {"gte": 7}}},
        {"term": {"replied_to_id": "1"}}, {"term": {"place": "Pisa, Toscana"}},
        {"geo_distance": {"distance": "1km", "location": [10.4, 43.7]}},
    ):  # fmt: skip
        assert set(scene.found(query)) == {"3"}, query
    assert set(scene.found({"term": {"author_id": "22"}})) == {"1", "2", "3"}
    assert set(scene.found({"range": {"created_at": {"gte": "2025-11-19", "lt": "2025-11-20"}}})) == {
        "1",
        "2",
        "3",
    }
    assert scene.indices() == [f"{scene.prefix}-2025.11-000001"]
    settings = scene.ask("GET", f"/{scene.prefix}/_settings")[scene.indices()[0]]["settings"]["index"]
    assert settings["refresh_interval"] == "1s"


async def test_a_target_whose_profile_was_bought_is_found_by_name(scene: Scene) -> None:
    bought = BoughtProfiles(scene.crawl.layout, "one", "process", network="x")
    for at, name in ((EARLIER, b"Before"), (LATER, b"Jack")):
        bought.add([b'{"id":"22","username":"%b"}' % name], at=at, cost_usd=0.0)
    bought.settle(bought.commit("2026-01-01T00:00:00Z"))
    named = post("5", "by somebody else", author={"username": "Other"})
    event = scene.write(22, (EARLIER, [named, post("4", "mine")]))
    assert await scene.take(await scene.indexer(), event) == 2
    assert set(scene.found({"term": {"author": "jack"}})) == {"4"}
    assert set(scene.found({"term": {"author": "other"}})) == {"5"}
    assert (await (await scene.rebuild()).run()).posts == 2
    assert set(scene.found({"term": {"author": "jack"}})) == {"4"}


async def test_a_consumer_brings_them_there_and_twice_is_once(scene: Scene, serve: Serve) -> None:
    await scene.commit(22, (EARLIER, [post("2"), post("1")]))
    await scene.crawl.commit("23.fws", [b"1"])
    await scene.crawl.stream.add(TargetClosed(module="timeline", user_id="24", reason="protected"))
    running = serve(await scene.indexer())
    await until(lambda: running.consumer.report.events == 3)
    await scene.commit(22, (LATER, [post("3", created_at="2025-12-01T00:00:00Z")]), over=False)
    await until(lambda: running.consumer.report.events == 4)
    await running.end()
    assert running.consumer.report.records == 3
    assert set(scene.found()) == {"1", "2", "3"}

    await scene.crawl.connection.call("XGROUP", "SETID", scene.crawl.keys.events, "indexer", "0")
    again = serve(await scene.indexer())
    await until(lambda: again.consumer.report.events == 4)
    assert set(scene.found()) == {"1", "2", "3"}
    assert scene.indices() == [f"{scene.prefix}-2025.11-000001", f"{scene.prefix}-2025.12-000001"]


async def test_a_newer_copy_replaces_an_older_one_and_never_the_other_way(scene: Scene) -> None:
    sink = await scene.indexer()
    old, new = (post("1", public_metrics={"like_count": count}) for count in (1, 2))
    await scene.take(sink, scene.write(22, (EARLIER, [old])))
    await scene.take(sink, scene.write(22, (LATER, [new])))
    assert scene.found()["1"]["metrics"]["likes"] == 2

    bulk, _ = await scene.bulk()
    late = document(old, NETWORK, author_id="22", fetched_at=EARLIER, now=LATER)
    assert (await bulk.send([late])).taken == 1
    assert scene.found()["1"]["metrics"]["likes"] == 2


async def test_what_is_gone_from_a_timeline_that_is_downloaded_again_goes(scene: Scene) -> None:
    sink = await scene.indexer()
    await scene.take(
        sink, scene.write(22, (EARLIER, [post("2"), post("1")])), scene.write(23, (EARLIER, [post("7")]))
    )
    await scene.take(sink, scene.write(22, (LATER, [post("3")]), over=False))
    assert set(scene.found()) == {"1", "2", "3", "7"}, "an update removes nothing"

    await scene.take(sink, scene.write(22, (LATEST, [post("3"), post("1")])))
    assert set(scene.found()) == {"1", "3", "7"}
    await scene.take(sink, scene.write(22))
    assert set(scene.found()) == {"7"}, "a timeline may be empty"


async def test_what_a_repair_took_out_goes(scene: Scene) -> None:
    sink = await scene.indexer()
    first = scene.write(22, (EARLIER, [post("2"), post("1")]))
    path = scene.crawl.layout.output / first.file
    whole = path.read_bytes()
    update = scene.write(22, (LATER, [post("3")]), over=False)
    other = scene.write(23, (EARLIER, [post("7")]))
    await scene.take(sink, first, update, other)
    assert set(scene.found()) == {"1", "2", "3", "7"}

    path.write_bytes(whole)  # cut back to what the journal proves
    await scene.take(sink, FileRepaired(file=first.file, user_id="22"))
    assert set(scene.found()) == {"1", "2", "7"}

    path.unlink()
    await scene.take(sink, FileRepaired(file=first.file, user_id="22", is_gone=True))
    assert set(scene.found()) == {"7"}
    assert scene.said == []


async def test_of_a_dataset_that_is_not_mounted_nothing_goes(scene: Scene) -> None:
    sink = await scene.indexer()
    event = scene.write(22, (EARLIER, [post("1")]))
    await scene.take(sink, event)
    output = scene.crawl.layout.output
    output.rename(output.with_name("elsewhere"))
    with pytest.raises(Exception, match="no crawl wrote here"):
        await scene.take(sink, FileRepaired(file=event.file, user_id="22", is_gone=True))
    assert set(scene.found()) == {"1"}


async def test_a_file_removed_or_broken_since_is_reported_and_skipped(scene: Scene, serve: Serve) -> None:
    await scene.commit(22, (EARLIER, [post("1")]))
    await scene.commit(23, (EARLIER, [post("2")]))
    await scene.commit(24, (EARLIER, [post("3")]))
    scene.crawl.layout.file("22", "twt").unlink()
    scene.crawl.layout.file("23", "twt").write_bytes(b"no gzip")
    running = serve(await scene.indexer())
    await until(lambda: running.consumer.report.events == 3)
    assert running.consumer.report.skipped == 2
    assert set(scene.found()) == {"3"}


async def test_where_the_server_has_lost_all_it_begins_with_the_stream(scene: Scene, serve: Serve) -> None:
    await scene.commit(22, (EARLIER, [post("1")]))
    running = serve(await scene.indexer())
    await until(lambda: running.consumer.report.events == 1)
    await running.end()
    assert not (await scene.indexer()).is_new
    scene.ask("DELETE", f"/{scene.indices()[0]}")

    again = serve(await scene.indexer())
    await until(lambda: again.consumer.report.events == 1)
    assert set(scene.found()) == {"1"}


@pytest.mark.parametrize(("user", "password"), [("admin", "wr0ng"), ("looker", "")])
async def test_a_server_that_refuses_us_is_reported_without_the_password(
    scene: Scene, user: str, password: str
) -> None:
    url = scene.server.url(user, *([password] if password else []))
    with pytest.raises(SettingsError, match=r"127\.0\.0\.1.*refuses access \(HTTP 40[13]") as error:
        await scene.indexer(url)
    assert url.partition("@")[0].rpartition(":")[2] not in str(error.value)
    assert "s3cret" not in repr(error.value)


async def test_a_server_that_is_down_is_waited_for(scene: Scene, serve: Serve, wire: Wire) -> None:
    url = scene.server.url(port=wire.port)
    await scene.commit(22, (EARLIER, [post("1")]))
    sink = await scene.indexer(url)
    await wire.cut()
    running = serve(sink)
    await until(lambda: any("cannot be reached" in said for said in running.said))
    assert not any("s3cret" in said for said in running.said)
    await wire.open()
    await until(lambda: running.consumer.report.events == 1)
    await wire.cut()
    await scene.commit(23, (EARLIER, [post("2")]))
    await until(lambda: sum("cannot be reached" in said for said in running.said) == 2)
    await wire.open()
    await until(lambda: running.consumer.report.events == 2)
    assert set(scene.found()) == {"1", "2"}


async def test_a_server_that_is_too_slow_is_away(scene: Scene, wire: Wire) -> None:
    wire.is_stuck = True
    server = await scene.search_server(scene.server.url(port=wire.port), timeout_s=0.2)
    with pytest.raises(ReceiverUnavailable, match=r"does not answer within 0\.2 s"):
        await server.ask("POST", "/_bulk", lines=b"{}\n")


GARBAGE = {
    "HTML": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\n<br>",
    "nothing": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "elsewhere": b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    "cut": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
    "no HTTP": b"\x00\xff\x00\xff\r\n\r\n",
    "an error without words": b'HTTP/1.1 503 X\r\nContent-Length: 15\r\n\r\n{"error":[[[]]]',
    "not ours": b"HTTP/1.1 404 X\r\nContent-Length: 3\r\n\r\nno!",
}


@pytest.mark.parametrize("answer", GARBAGE.values(), ids=GARBAGE)
async def test_garbage_is_no_answer(scene: Scene, answering: Callable[..., object], answer: bytes) -> None:
    port = await answering(answer)  # type: ignore[misc]
    with pytest.raises(ReceiverUnavailable) as error:
        await scene.indexer(scene.server.url(port=port))
    assert "s3cret" not in str(error.value)
    assert str(error.value).isprintable()


@pytest.mark.parametrize(
    "body",
    [b"{}", b'{"items":7}', b'{"items":[]}', b'{"items":[{"index":{"status":"201"}}]}', b'{"items":[[]]}'],
)
async def test_garbage_in_a_bulk_takes_nothing(
    scene: Scene, answering: Callable[..., object], body: bytes
) -> None:
    port = await answering(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))  # type: ignore[misc]
    _, indices = await scene.bulk()
    server = await scene.search_server(scene.server.url(port=port))
    bulk = Bulk(server, indices.serving, RejectedPosts(scene.crawl.layout.output / "none"), SystemClock())
    with pytest.raises(ReceiverUnavailable, match=r"does not answer as a search server does|temporarily"):
        await bulk.send([document(post("1"), NETWORK, author_id="22", fetched_at=EARLIER, now=LATER)])


STRANGERS = {
    "501": b"HTTP/1.1 501 X\r\nContent-Length: 0\r\n\r\n",
    "501 with words": b'HTTP/1.1 501 X\r\nContent-Length: 14\r\n\r\n{"error":"no"}',
    "405": b"HTTP/1.1 405 X\r\nContent-Length: 3\r\n\r\nno!",
    "404": b"HTTP/1.1 404 X\r\nContent-Length: 4\r\n\r\n<br>",
    "another API": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    **{name: GARBAGE[name] for name in ("HTML", "nothing", "elsewhere")},
}


@pytest.mark.parametrize("answer", STRANGERS.values(), ids=STRANGERS)
async def test_what_is_no_search_server_is_given_up(
    scene: Scene, answering: Callable[..., object], answer: bytes
) -> None:
    port = await answering(answer)  # type: ignore[misc]
    indices = scene.indices_of(await scene.search_server(scene.server.url(port=port)))
    for _ in range(9):  # a proxy may be up before its server is
        with pytest.raises(ReceiverUnavailable, match="does not answer as a search server does"):
            await indices.begin()
    with pytest.raises(
        SettingsError, match=r"ELASTICSEARCH_URL: .* does not answer as a search server does.*Corr"
    ):
        await indices.begin()


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429, 520])
async def test_a_server_that_is_away_is_never_given_up(
    scene: Scene, answering: Callable[..., object], status: int
) -> None:
    port = await answering(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status)  # type: ignore[misc]
    indices = scene.indices_of(await scene.search_server(scene.server.url(port=port)))
    for _ in range(20):
        with pytest.raises(ReceiverUnavailable, match="is temporarily unavailable"):
            await indices.begin()


async def test_one_that_is_down_at_the_start_is_waited_for_and_status_says_so(
    scene: Scene, serve: Serve, wire: Wire
) -> None:
    await wire.cut()
    await scene.commit(22, (EARLIER, [post("1")]))
    indices = scene.indices_of(await scene.search_server(scene.server.url(port=wire.port)))
    rejected = RejectedPosts(scene.crawl.layout.output / "none")
    bulk = Bulk(await scene.search_server(), indices.serving, rejected, SystemClock())
    running = serve(Indexer(bulk, scene.crawl.layout, NETWORK, rejected, SystemClock(), indices=indices))

    async def standing() -> SinkReport | None:
        return (await scene.crawl.stream.sink_reports()).get("indexer")

    while not (now := await standing()) or "cannot be reached" not in now.doing:
        await asyncio.sleep(0.005)
    assert now.doing.startswith("Waiting: http://127.0.0.1:")
    assert "cannot be reached" in now.error
    await wire.open()
    await until(lambda: running.consumer.report.events == 1)
    assert set(scene.found()) == {"1"}


async def test_dates_decide_on_the_index(scene: Scene) -> None:
    sink = await scene.indexer()
    dates = ["2025-11-30T23:59:59.999Z", "2025-12-01T01:00:00+02:00", "2006-03-21T20:50:14Z",
             "9999-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "yesterday", 7, None, "9" * 99]  # fmt: skip
    lines = [post(str(number), created_at=date) for number, date in enumerate(dates)]
    await scene.take(sink, scene.write(22, (EARLIER, lines)))
    assert len(scene.found()) == len(dates)
    assert [name.removeprefix(scene.prefix) for name in scene.indices()] == [
        "-2006.03-000001", "-2025.11-000001", "-undated-000001",
    ]  # fmt: skip
    assert {key for key, found in scene.found().items() if "created_at" not in found} == set("345678")
    assert scene.rejected() == []
    assert NOVEMBER.startswith("2025-11")


async def test_a_repair_that_names_a_file_of_another_user_removes_nothing(scene: Scene) -> None:
    sink = await scene.indexer()
    await scene.take(sink, scene.write(22, (EARLIER, [post("1")])))
    for file in ("33/33.twt", "../nowhere.twt", "/nowhere/22.twt", "22/../22/222.twt"):
        await scene.take(sink, FileRepaired(file=file, user_id="22", is_gone=True))
    assert set(scene.found()) == {"1"}
    assert len(scene.said) == 4
