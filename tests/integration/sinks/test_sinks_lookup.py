"""What becomes of a crawl's profiles: fed event by event, or rebuilt from the files."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from consuming import Crawl, Running, until

from twittomatic.errors import Interrupted
from twittomatic.networks.x.profiles import name_of
from twittomatic.sinks.lookup.sink import LookupSink, rebuild, sighting_of
from twittomatic.sinks.lookup.store import ProfileStore
from twittomatic.state.events import FileRepaired
from twittomatic.storage.formats import member
from twittomatic.storage.journal import Entry, Journal
from twittomatic.storage.paths import Layout

DAY = 86_400
Serve = Callable[..., Running]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ProfileStore]:
    store = ProfileStore(tmp_path / "store")
    yield store
    store.close()


def profile(user_id: int, name: str, **more: object) -> bytes:
    return msgspec.json.encode({"id": str(user_id), "username": name, **more})


def sink_of(crawl: Crawl, store: ProfileStore) -> LookupSink:
    return LookupSink(store, crawl.layout, crawl=crawl.name, name_of=name_of)


def write(crawl: Crawl, name: str, *pages: tuple[int, list[bytes]]) -> Any:
    """Write a list of profiles whose pages came on these days."""
    event = crawl.write(name, *[lines for _, lines in pages], module="follower")
    data = b"".join(member(lines, at=day * DAY) for day, lines in pages)
    (crawl.layout.output / event.file).write_bytes(data)
    return msgspec.structs.replace(event, begin=len(data))


def rebuilt(crawl: Crawl, directory: Path, **changes: Any) -> tuple[ProfileStore, list[str]]:
    store, notes = ProfileStore(directory), []
    options = {"note": notes.append, "report": lambda files, profiles: None, "is_stopped": lambda: False}
    rebuild(store, crawl.layout, name_of=name_of, **{**options, **changes})
    return store, notes


def everything(store: ProfileStore, *names: str) -> object:
    return store.users(range(1, 100)), store.holders_of(names)


async def test_a_store_that_is_rebuilt_is_the_one_that_was_fed(
    crawl: Crawl, serve: Serve, store: ProfileStore, tmp_path: Path
) -> None:
    events = [
        write(crawl, "11.usr", (3, [profile(1, "ann"), profile(2, "bob")]), (5, [profile(3, "cid")])),
        write(crawl, "12.usr", (4, [profile(1, "anna", location="Pisa")]), (4, [profile(4, "ann")])),
        write(crawl, "13.usr", (2, [profile(1, "ann")]), (9, [profile(3, "CID"), profile(2, "robert")])),
        crawl.write("13.fws", [b"1", b"3", b"2"]),
    ]
    running = serve(sink_of(crawl, store))
    for event in (*events, events[1], events[0]):
        await crawl.stream.add(event)
    await until(lambda: running.consumer.report.events == 6)
    await running.end()

    other, notes = rebuilt(crawl, tmp_path / "other")
    names = ("ann", "anna", "bob", "cid", "robert")
    assert everything(store, *names) == everything(other, *names)
    assert notes == []
    [known] = store.users([1])
    assert known is not None
    assert (known.at, known.record) == (4 * DAY, profile(1, "anna", location="Pisa"))
    assert running.consumer.report.records == 13
    rebuilt(crawl, tmp_path / "store-again")[0].close()
    assert other.count() == 4
    other.close()


async def test_a_page_without_a_time_has_that_of_its_commit(
    crawl: Crawl, serve: Serve, store: ProfileStore, tmp_path: Path
) -> None:
    event = await crawl.commit("11.usr", [profile(1, "ann")])
    running = serve(sink_of(crawl, store))
    await until(lambda: store.count())
    await running.end()
    [known] = store.users([1])
    assert known is not None
    [(entry, _)] = await crawl.connection.call("XRANGE", crawl.keys.events, "-", "+")
    assert known.at == int(entry.split("-")[0]) // 1000

    journal = Journal(crawl.layout.journal("test"))
    journal.append(
        Entry(
            file=event.file,
            module="follower",  # type: ignore[arg-type]
            user_id="11",
            began_at="2026-01-01T00:00:00Z",
            ended_at="2026-01-02T00:00:00.500Z",
            ending="complete",  # type: ignore[arg-type]
            worker="w",
        )
    )
    journal.close()
    other, _ = rebuilt(crawl, tmp_path / "other")
    [known] = other.users([1])
    assert known is not None
    assert known.at == 1_767_312_000
    other.close()


async def test_files_that_are_gone_or_broken_stop_nothing(
    crawl: Crawl, serve: Serve, store: ProfileStore, tmp_path: Path
) -> None:
    gone = write(crawl, "11.usr", (1, [profile(1, "gone")]))
    (crawl.layout.output / gone.file).unlink()
    torn = write(crawl, "12.usr", (1, [profile(2, "whole")]), (1, [profile(3, "torn")]))
    path = crawl.layout.output / torn.file
    path.write_bytes(path.read_bytes()[:-25])
    odd = write(crawl, "13.usr", (1, [b"no JSON", b'{"id":1}', b'{"id":"-1"}', b"[]", profile(4, "last")]))
    replaced = write(crawl, "14.usr", (1, [profile(5, "old")]))
    write(crawl, "14.usr", (2, [profile(5, "new"), profile(6, "more")]))
    running = serve(sink_of(crawl, store))
    repaired = FileRepaired(file=torn.file, user_id="12", is_gone=True)
    for event in (gone, torn, odd, repaired, replaced):
        await crawl.stream.add(event)
    await until(lambda: running.consumer.report.events == 5)
    await running.end()

    assert [known.user_id for known in store.users(range(1, 9)) if known] == [2, 4, 5, 6]
    assert running.consumer.report.skipped == 2
    assert store.holders("old") == []
    other, [note] = rebuilt(crawl, tmp_path / "other")
    assert "12.usr: the gzip data is cut off. `twittomatic verify` shows details." in note
    assert everything(store) == everything(other)
    other.close()


async def test_a_store_that_was_removed_is_filled_from_the_stream_again(
    crawl: Crawl, serve: Serve, tmp_path: Path
) -> None:
    await crawl.stream.add(write(crawl, "11.usr", (1, [profile(1, "ann")])))
    for name in ("one", "other"):
        store = ProfileStore(tmp_path / name)
        running = serve(sink_of(crawl, store))
        await until(store.count)
        await running.end()
        assert store.has_read(crawl.name)
        store.close()


def test_a_rebuild_that_is_stopped_can_be_done_again(crawl: Crawl, tmp_path: Path) -> None:
    for number in range(3):
        write(crawl, f"1{number}.usr", (1, [profile(10 * number + one, f"u{one}") for one in range(5)]))
    asked = iter([False] * 7)
    with pytest.raises(Interrupted):
        rebuilt(crawl, tmp_path / "store", is_stopped=lambda: next(asked, True))
    store, _ = rebuilt(crawl, tmp_path / "again")
    assert store.count() == 15
    store.close()


def test_what_no_encoder_takes_is_mended() -> None:
    assert sighting_of(profile(1, "ann"), 5, name_of) is not None
    half = sighting_of(b'{"id":"7","username":"a\\ud800b","name":"\xff"}', 5, name_of)
    assert half is not None
    assert (half.user_id, half.name) == (7, "a?b")
    assert msgspec.json.decode(half.record)["username"] == "a?b"
    for bad in (
        b"",
        b"{}",
        b'{"id":null}',
        b'{"id":"12345678901234567890"}',
        b'{"id":"\xd9\xa1"}',
        b"[" * 9999,
    ):
        assert sighting_of(bad, 5, name_of) is None
    deep = b'{"id":"1","a":' + b"[" * 5000 + b"]" * 5000 + b"}"
    assert sighting_of(deep, 5, name_of) is None


def test_a_layout_without_files_gives_an_empty_store(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data", tmp_path / "data/.tmp")
    layout.prepare()
    store = ProfileStore(tmp_path / "store")
    rebuild(
        store,
        layout,
        name_of=name_of,
        note=print,
        report=lambda files, profiles: None,
        is_stopped=lambda: False,
    )
    assert store.count() == 0
    store.close()
