"""What a sink is handed, whatever happens to it, to its receiver and to the server in between."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from consuming import Crawl, Recorder, Running, until

from twittomatic.errors import ReceiverUnavailable, StateUnavailable, StorageUnavailable, TwittomaticError
from twittomatic.model import WorkerReport
from twittomatic.sinks import consumer as consumer_module
from twittomatic.sinks.consumer import Consumer
from twittomatic.sinks.records import dataset_events
from twittomatic.state.connection import Connection
from twittomatic.state.events import CrawlResumed, FileRepaired, TargetClosed, WorkerDied
from twittomatic.state.status import CrawlStatus
from twittomatic.state.stream import Position, StreamEvent
from twittomatic.web.monitor.workers import WorkerList

Serve = Callable[..., Running]


async def test_a_sink_is_handed_all_events_from_the_beginning_and_then_new_ones(
    crawl: Crawl, serve: Serve
) -> None:
    closed = TargetClosed(module="timeline", user_id="9", reason="protected")
    first = await crawl.commit("11.fws", [b"1", b"2"])
    await crawl.stream.add(closed)
    sink = Recorder()
    running = serve(sink)
    await until(lambda: len(sink.handed) == 2)
    second = await crawl.commit("12.fws", [b"3"])

    await until(lambda: len(sink.handed) == 3)
    await running.end()

    assert [one.event for one in sink.handed] == [first, closed, second]
    assert (await crawl.stream.lags())["recorder"].events == 0
    assert running.consumer.report.events == running.consumer.report.records == 3


async def test_what_was_not_acknowledged_is_handed_out_again_first(crawl: Crawl, serve: Serve) -> None:
    for number in range(3):
        await crawl.commit(f"1{number}.fws", [b"1"])
    delivery = await crawl.stream.follow("recorder", "killed", 2)  # it died with these two
    again = await crawl.stream.follow("recorder", "killed", 2)
    assert [one.entry for one in again.events] == [one.entry for one in delivery.events]
    await crawl.connection.call("DEL", crawl.keys.sink("recorder"))  # its claim ended

    sink = Recorder()
    running = serve(sink)
    await until(lambda: len(sink.handed) == 3)
    await running.end()

    assert sink.files == ["10/10.fws", "11/11.fws", "12/12.fws"]


async def test_one_process_serves_a_sink_and_another_takes_over(crawl: Crawl, serve: Serve) -> None:
    await crawl.commit("11.fws", [b"1"])
    first, second = Recorder(), Recorder()
    serving = serve(first, process="one")
    await until(lambda: first.handed)
    waiting = serve(second, process="two")
    await until(lambda: waiting.said == ["Standing by: one feeds recorder."])
    await crawl.commit("12.fws", [b"1"])
    await until(lambda: len(first.handed) == 2)
    assert second.handed == []

    await serving.end()
    await crawl.commit("13.fws", [b"1"])
    await until(lambda: second.handed)
    assert second.files == ["13/13.fws"]


async def test_a_process_that_dies_is_replaced_when_its_claim_ends(crawl: Crawl, serve: Serve) -> None:
    await crawl.commit("11.fws", [b"1"])
    await crawl.stream.follow("recorder", "dead", 1)
    assert 0 < await crawl.connection.call("PTTL", crawl.keys.sink("recorder")) <= 3_000
    sink = Recorder()
    running = serve(sink)
    await until(lambda: running.said)
    await crawl.connection.call("PEXPIRE", crawl.keys.sink("recorder"), 1)
    await until(lambda: sink.handed)


async def test_while_the_receiver_is_away_the_same_events_come_again(crawl: Crawl, serve: Serve) -> None:
    sink = Recorder(fails=[ReceiverUnavailable("Nobody listens."), StorageUnavailable("The disk is full.")])
    await crawl.commit("11.fws", [b"1"])
    running = serve(sink)

    await until(lambda: sink.handed)
    await running.end()

    assert sink.files == ["11/11.fws"]
    assert "Waiting: Nobody listens." in running.said
    assert running.consumer.report.error == "The disk is full."


async def test_a_sink_that_waits_for_its_receiver_leaves_on_a_signal(crawl: Crawl, serve: Serve) -> None:
    sink = Recorder(fails=[ReceiverUnavailable("Nobody listens.")] * 100)
    await crawl.commit("11.fws", [b"1"])
    running = serve(sink)
    await until(lambda: running.said[-1:] == ["Waiting: Nobody listens."])

    await running.end()

    lag = (await crawl.stream.lags())["recorder"]
    assert (lag.events, sink.handed) == (1, [])


async def test_a_sink_waits_where_there_is_no_crawl_and_no_server(crawl: Crawl, serve: Serve) -> None:
    tries = itertools.count()

    @asynccontextmanager
    async def connect() -> AsyncIterator[Connection]:
        if next(tries) < 2:
            raise StateUnavailable("No master runs here.")
        async with crawl.connect() as connection:
            yield connection

    sink = Recorder()
    running = serve(sink, connect=connect)
    await until(lambda: len(running.said) == 2)
    assert running.said == [
        "Waiting: No master runs here.",
        f"Waiting for the first event of crawl “{crawl.name}” ...",
    ]
    assert not await crawl.connection.call("EXISTS", crawl.keys.events)
    await crawl.commit("11.fws", [b"1"])
    await until(lambda: sink.handed)


async def test_events_trimmed_unread_are_reported_once_and_counted(crawl: Crawl, serve: Serve) -> None:
    for number in range(5):
        await crawl.commit(f"1{number}.fws", [b"1"])
    sink = Recorder()
    running = serve(sink)
    await until(lambda: len(sink.handed) == 5)
    await running.end()
    for number in range(7):
        await crawl.commit(f"2{number}.fws", [b"1"])
    await crawl.trim(3)
    assert (await crawl.stream.lags())["recorder"].trimmed == 4

    running = serve(sink)
    await until(lambda: len(sink.handed) == 8)
    await running.end()

    [sentence] = [said for said in running.said if "left the stream" in said]
    assert sentence.startswith(f"The oldest 4 events of crawl “{crawl.name}”")
    assert "`twittomatic sink recorder --rebuild`" in sentence
    assert sink.files[5:] == ["24/24.fws", "25/25.fws", "26/26.fws"]
    assert (await crawl.stream.sink_reports())["recorder"].trimmed == 4

    # A later gap counts from where it continued, and trimming entries that it has read does not count.
    await crawl.trim(1)
    await crawl.commit("31.fws", [b"1"])
    await crawl.commit("32.fws", [b"1"])
    await crawl.trim(1)
    running = serve(sink)
    await until(lambda: len(sink.handed) == 9)
    await running.end()
    assert (await crawl.stream.sink_reports())["recorder"].trimmed == 5


async def test_events_trimmed_while_they_waited_are_reported(crawl: Crawl, serve: Serve) -> None:
    for number in range(4):
        await crawl.commit(f"1{number}.fws", [b"1"])
    await crawl.stream.follow("recorder", "killed", 2)
    await crawl.connection.call("DEL", crawl.keys.sink("recorder"))
    await crawl.trim(1)

    sink = Recorder()
    running = serve(sink)
    await until(lambda: sink.handed)
    await running.end()

    assert sink.files == ["13/13.fws"]
    assert (await crawl.stream.sink_reports())["recorder"].trimmed == 3
    assert (await crawl.stream.lags())["recorder"].events == 0


async def test_a_sink_that_lost_all_begins_with_the_stream_again(crawl: Crawl, serve: Serve) -> None:
    await crawl.commit("11.fws", [b"1"])
    sink = Recorder()
    running = serve(sink)
    await until(lambda: sink.handed)
    await running.end()

    sink = Recorder(is_new=True)
    running = serve(sink)
    await until(lambda: sink.files == ["11/11.fws"])
    await running.end()


async def test_after_a_rebuild_a_sink_continues_from_its_beginning(crawl: Crawl, serve: Serve) -> None:
    await crawl.commit("11.fws", [b"1"])
    place = await crawl.stream.end()
    await crawl.commit("12.fws", [b"1"])
    await crawl.stream.seek("recorder", place)
    sink = Recorder()
    running = serve(sink)

    await until(lambda: sink.handed)
    await running.end()

    assert sink.files == ["12/12.fws"]
    assert running.consumer.report.trimmed == 0
    assert await Crawl(crawl.url, crawl.connection, crawl.layout).stream.end() == Position()


async def test_an_event_of_another_version_is_passed_on_as_unknown(crawl: Crawl, serve: Serve) -> None:
    await crawl.connection.call("XADD", crawl.keys.events, "*", "event", '{"type":"MoonRose"}')
    await crawl.stream.add(CrawlResumed())
    sink = Recorder()
    serve(sink)

    await until(lambda: len(sink.handed) == 2)

    assert [one.event for one in sink.handed] == [None, CrawlResumed()]


async def test_the_report_shows_how_far_a_sink_is(crawl: Crawl, serve: Serve) -> None:
    for number in range(3):
        await crawl.commit(f"1{number}.fws", [b"1"])
    sink = Recorder(fails=[ReceiverUnavailable("Nobody listens.")] * 1000)
    running = serve(sink, process="one")
    sink_reports = crawl.stream.sink_reports
    async with asyncio.timeout(30):
        while not (told := (await sink_reports()).get("recorder")) or not told.error or told.lag != 3:
            await asyncio.sleep(0.01)
    assert told.process == "one"
    assert told.doing == "Waiting: Nobody listens."
    assert told.oldest_s >= 0
    sink.fails.clear()
    await until(lambda: sink.handed)
    await running.end()
    told = (await sink_reports())["recorder"]
    assert (told.events, told.records, told.doing) == (3, 3, "")
    assert told.error == "Nobody listens."


async def test_a_stream_that_is_gone_with_its_server_is_followed_from_its_new_beginning(
    crawl: Crawl, serve: Serve
) -> None:
    await crawl.commit("11.fws", [b"1"])
    sink = Recorder()
    running = serve(sink)
    await until(lambda: sink.handed)
    await crawl.connection.call("DEL", crawl.keys.events)
    await until(lambda: any("first event" in said for said in running.said))
    await crawl.commit("12.fws", [b"1"])

    await until(lambda: sink.files == ["11/11.fws", "12/12.fws"])


async def test_unreadable_events_and_reports_block_no_sink(crawl: Crawl, serve: Serve) -> None:
    call = crawl.connection.call
    for text in ("", b"\xff\xfe", "no json", '{"type":"JobDied","x":' + "[" * 50_000, '{"type":"Unheard"}'):
        await call("XADD", crawl.keys.events, "*", "event", text)
    await call("XADD", crawl.keys.events, "*", "something", "else")
    await call("HSET", crawl.keys.sinks, "recorder", "no json", "another", "[" * 50_000)
    event = await crawl.commit("11.fws", [b"1"])
    sink = Recorder()
    running = serve(sink)
    await until(lambda: len(sink.handed) == 7)
    assert [one.event for one in sink.handed] == [None] * 6 + [event]
    assert "another" not in await crawl.stream.sink_reports()
    await running.end()


async def test_the_monitor_finds_deaths_among_what_is_no_event(crawl: Crawl) -> None:
    await crawl.connection.call("XADD", crawl.keys.events, "*", "something", "else")
    await crawl.stream.add(WorkerDied(worker="w", jobs=("follower:1",)))
    shown = WorkerList([], [])
    workers = {"w": WorkerReport(seen_at="2026-01-01T00:00:00Z")}
    await shown.update(CrawlStatus(crawl="c", workers=workers), 1.0, crawl.stream)
    await shown.update(CrawlStatus(crawl="c"), 2.0, crawl.stream)
    [gone] = shown.gone
    assert (gone.name, gone.died, gone.held) == ("w", True, ["follower:1"])


async def test_a_rebuild_feeds_every_file_and_continues_at_the_stream(
    crawl: Crawl, serve: Serve, consumer: Callable[..., Consumer]
) -> None:
    for number in range(70):
        await crawl.commit(f"1{number}.fws", [b"1"])
    await crawl.trim(3)
    sink = Recorder(fails=[ReceiverUnavailable("It is away.")], hinders=[StorageUnavailable("It is full.")])

    assert await consumer(sink).rebuild(dataset_events(crawl.layout), asyncio.Event())

    assert len(sink.handed) == 70
    assert all(isinstance(one.event, FileRepaired) for one in sink.handed)
    assert (await crawl.stream.lags())["recorder"].events == 0
    await crawl.commit("31.fws", [b"1"])
    running = serve(sink)
    await until(lambda: len(sink.handed) == 71)
    await running.end()
    assert sink.files == ["31/31.fws"]
    assert not [said for said in running.said if "left the stream" in said]


async def test_a_rebuild_that_is_stopped_or_not_alone_moves_nothing(
    crawl: Crawl, serve: Serve, consumer: Callable[..., Consumer]
) -> None:
    await crawl.commit("11.fws", [b"1"])
    stopped = asyncio.Event()
    stopped.set()
    assert not await consumer(Recorder()).rebuild(dataset_events(crawl.layout), stopped)
    sink = Recorder()
    running = serve(sink)
    await until(lambda: sink.handed)
    with pytest.raises(TwittomaticError, match="Another process feeds recorder"):
        await consumer(Recorder()).rebuild(dataset_events(crawl.layout), asyncio.Event())
    await running.end()
    assert sink.files == ["11/11.fws"]


async def test_a_sink_that_blocks_its_process_is_named(
    crawl: Crawl, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer_module, "_HEARTBEAT_S", 0.01)
    monkeypatch.setattr(consumer_module, "_BLOCKED_S", 0.3)

    class Blocking(Recorder):
        async def handle(self, events: Sequence[StreamEvent], skip: Callable[[str], None]) -> int:
            until_late = time.monotonic() + 0.4
            while time.monotonic() < until_late:  # the fault: the loop stands still
                pass
            return await super().handle(events, skip)

    sink = Blocking()
    await crawl.commit("11.fws", [b"1"])
    running = serve(sink)
    await until(lambda: any("recorder blocked its process for" in one for one in running.said))
    await running.end()
    assert sink.files == ["11/11.fws"]
    assert "asyncio.to_thread" in running.consumer.report.error
