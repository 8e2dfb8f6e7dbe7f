"""What goes to Carbon, where Carbon misbehaves: away, refusing, slow, garbage, gone in the middle."""

import asyncio
import gzip
import re
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from twittomatic.clock import VirtualClock
from twittomatic.errors import CorruptFile, ReceiverUnavailable
from twittomatic.sinks.stats.replay import Replay, shift_to_now
from twittomatic.sinks.stats.sender import Sender

DEADLINE_S = 60.0
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.005)


class Listener:
    """A server in Carbon's place; `got` is what it read, of all connections."""

    def __init__(self) -> None:
        self.got = b""
        self.connections = 0
        self.port = 0
        self.behave: Handler = self.read
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        if self._server:
            self._server.close()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self.behave(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Do as Carbon does."""
        while data := await reader.read(65536):
            self.got += data

    @property
    def lines(self) -> list[bytes]:
        return self.got.splitlines()


@pytest.fixture
async def carbon() -> AsyncIterator[Listener]:
    listener = Listener()
    await listener.open()
    yield listener
    listener.close()


@pytest.fixture
async def feeding() -> AsyncIterator[Callable[..., tuple[Sender, "asyncio.Task[None]", list[str]]]]:
    tasks = []

    def start(port: int, **options: Any) -> tuple[Sender, "asyncio.Task[None]", list[str]]:
        said: list[str] = []
        feeding = Sender("127.0.0.1", port, said.append, **options)
        task = asyncio.create_task(feeding.run())
        tasks.append(task)
        return feeding, task, said

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def batch(number: int, lines: int = 10) -> list[bytes]:
    return [b"a.b%d %d %d" % (line, number, 1_700_000_000 + number) for line in range(lines)]


def recording(path: Path, seconds: int, lines: int = 10) -> list[bytes]:
    written = [line for number in range(seconds) for line in batch(number, lines)]
    path.write_bytes(gzip.compress(b"".join(line + b"\n" for line in written)))
    return written


async def test_what_is_offered_arrives_in_order(carbon: Listener, feeding: Any) -> None:
    feed, task, said = feeding(carbon.port)
    for number in range(50):
        feed.offer(batch(number))
    assert await feed.finish(task) == 0
    assert carbon.lines == [line for number in range(50) for line in batch(number)]
    assert said == [f"Sending the measurements to 127.0.0.1:{carbon.port}."]


async def test_away_at_first_it_gets_everything_when_it_comes(carbon: Listener, feeding: Any) -> None:
    carbon.close()
    feed, task, said = feeding(carbon.port)
    feed.offer(batch(0))
    await until(lambda: said)
    assert "Recording continues; up to 200,000 lines are kept for it." in said[0]
    feed.offer(batch(1))
    await carbon.open()
    await until(lambda: len(carbon.lines) == 20)
    assert carbon.lines == batch(0) + batch(1)
    assert len(said) == 2, "once when it is away, once when it is there"
    assert await feed.finish(task) == 0


async def test_away_for_too_long_the_oldest_are_dropped_and_counted(carbon: Listener, feeding: Any) -> None:
    carbon.close()
    feed, task, said = feeding(carbon.port, max_lines=100)
    for number in range(15):
        feed.offer(batch(number))
    assert feed.dropped == 50
    assert len([sentence for sentence in said if "dropped" in sentence]) == 1
    await carbon.open()
    await until(lambda: len(carbon.lines) == 100)
    assert carbon.lines[0] == batch(5)[0]
    assert said[-1].endswith("50 lines were dropped in total.")
    assert await feed.finish(task) == 50


async def test_a_connection_that_breaks_costs_no_line(carbon: Listener, feeding: Any) -> None:
    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.transport.abort()
        carbon.behave = carbon.read

    carbon.behave = break_off
    feed, task, said = feeding(carbon.port)
    for number in range(5):
        feed.offer(batch(number))
    await until(lambda: carbon.connections == 2)
    feed.offer(batch(5))
    assert await feed.finish(task) == 0
    assert set(carbon.lines) == {line for number in range(6) for line in batch(number)}
    assert len(said) == 3


async def test_what_was_on_its_way_when_a_connection_broke_goes_again(carbon: Listener, feeding: Any) -> None:
    """However much of it was: a socket's buffers hold hundreds of batches."""

    async def take_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        carbon.behave = carbon.read
        await until(lambda: len(feed._sent) == 60)
        writer.transport.abort()

    carbon.behave = take_nothing
    feed, task, _ = feeding(carbon.port)
    for number in range(200):
        feed.offer(batch(number))
    await until(lambda: carbon.connections > 1)
    assert await feed.finish(task) == 0
    assert set(carbon.lines) == {line for number in range(200) for line in batch(number)}
    assert carbon.connections > 3, "each proves what went before"


async def test_one_that_closes_at_once_is_not_hammered(carbon: Listener, feeding: Any) -> None:
    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    carbon.behave = close
    feed, task, _ = feeding(carbon.port)
    feed.offer(batch(0))
    await until(lambda: carbon.connections == 2)
    carbon.behave = carbon.read
    await until(lambda: carbon.got)
    assert carbon.connections < 10
    assert await feed.finish(task) == 0
    assert set(carbon.lines) == set(batch(0))


async def test_a_client_that_sends_garbage_and_never_reads_blocks_no_other(
    carbon: Listener, feeding: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("twittomatic.sinks.stats.sender._FINISH_S", 0.2)

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 100)
            await writer.drain()
            await asyncio.sleep(0.01)

    carbon.behave = babble
    feed, task, _ = feeding(carbon.port, max_lines=50_000)
    await until(lambda: carbon.connections)
    for number in range(3000):
        feed.offer(batch(number, 100))
    assert feed.dropped >= 200_000
    assert await feed.finish(task) >= feed.dropped
    assert task.done()


async def replay(path: Path, port: int, **options: Any) -> Any:
    options = {"clock": VirtualClock(), "timeout_s": 20.0, **options}
    return await Replay(path, host="127.0.0.1", port=port, **options).run()


async def test_a_recording_arrives_exactly(carbon: Listener, tmp_path: Path) -> None:
    written = recording(tmp_path / "r.gz", 12_000)
    seen: list[tuple[int, int, int]] = []
    result = await replay(tmp_path / "r.gz", carbon.port, progress=lambda *where: seen.append(where))
    assert (result.sent, result.skipped, result.flaw) == (120_000, 0, "")
    assert carbon.lines == written
    assert seen[-1] == ((tmp_path / "r.gz").stat().st_size,) * 2 + (120_000,)
    assert carbon.connections > 1, "each proves what went before"


async def test_a_recording_can_be_paced_and_moved(carbon: Listener, tmp_path: Path) -> None:
    written = recording(tmp_path / "r.gz", 61)
    clock = VirtualClock(start_at=2_000_000_000.0)
    shift_s = shift_to_now(tmp_path / "r.gz", clock.now(), 10.0)
    result = await replay(tmp_path / "r.gz", carbon.port, clock=clock, speed=10.0, shift_s=shift_s)
    assert clock.now() == 2_000_000_006.0
    last = written[-1].rpartition(b" ")[0] + b" 2000000006"
    assert carbon.lines[-1] == last
    assert len(carbon.lines) == result.sent == 610
    assert shift_to_now(tmp_path / "r.gz", 2_000_000_000.5, None) == 2_000_000_000 - 1_700_000_060


async def test_cut_off_it_is_sent_up_to_there(carbon: Listener, tmp_path: Path) -> None:
    path = tmp_path / "r.gz"
    written = recording(path, 3000)
    path.write_bytes(path.read_bytes()[:-50])
    result = await replay(path, carbon.port)
    assert result.flaw == "is cut off in the middle of a gzip member"
    assert carbon.lines == written[: result.sent]
    assert result.sent > 20_000


async def test_lines_that_are_none_are_left_out_and_counted(carbon: Listener, tmp_path: Path) -> None:
    path = tmp_path / "r.gz"
    path.write_bytes(gzip.compress(b"a.b 1 1700000000\na.b nan 1700000001\n\na.b 2 1700000002\na.b 3 17000"))
    result = await replay(path, carbon.port)
    assert (result.sent, result.skipped) == (2, 2)
    assert result.flaw == "is cut off in the middle of a line"
    assert carbon.got == b"a.b 1 1700000000\na.b 2 1700000002\n"


async def test_what_is_no_recording_sends_nothing(carbon: Listener, tmp_path: Path) -> None:
    for name, content in (("a", b"a.b 1 1700000000\n"), ("b", gzip.compress(b"my thesis\n"))):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CorruptFile, match="is not a recording"):
            await replay(tmp_path / name, carbon.port)
    assert carbon.got == b""


async def test_a_server_that_is_down_is_one_sentence(carbon: Listener, tmp_path: Path) -> None:
    carbon.close()
    recording(tmp_path / "r.gz", 3)
    with pytest.raises(ReceiverUnavailable) as raised:
        await replay(tmp_path / "r.gz", carbon.port)
    assert f"127.0.0.1:{carbon.port} cannot be reached" in str(raised.value)
    assert f"Nothing of {tmp_path / 'r.gz'} was sent." in str(raised.value)


async def test_a_server_that_goes_in_the_middle_has_surely_what_was_confirmed(
    carbon: Listener, tmp_path: Path
) -> None:
    written = recording(tmp_path / "r.gz", 12_000)

    async def twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if carbon.connections == 3:
            await reader.read(1000)
            writer.transport.abort()
        else:
            await carbon.read(reader, writer)

    carbon.behave = twice
    with pytest.raises(ReceiverUnavailable) as raised:
        await replay(tmp_path / "r.gz", carbon.port)
    assert f"confirmed the first {len(carbon.lines):,} lines" in str(raised.value)
    assert len(carbon.lines) == 100_000
    assert carbon.lines == written[:100_000]
    assert re.search(r"[0-9]{1,2},000 more were sent but not confirmed", str(raised.value))


async def test_a_server_that_takes_nothing_or_confirms_nothing_is_given_up(
    carbon: Listener, tmp_path: Path
) -> None:
    released = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await released.wait()

    carbon.behave = hang
    recording(tmp_path / "few.gz", 3)
    with pytest.raises(ReceiverUnavailable, match="does not confirm that it has everything"):
        await replay(tmp_path / "few.gz", carbon.port, timeout_s=0.2)
    long = b"a." + b"b" * 1000
    text = b"".join(b"%b %d %d\n" % (long, number, 1_700_000_000) for number in range(40_000))
    (tmp_path / "many.gz").write_bytes(gzip.compress(text, 1))
    with pytest.raises(ReceiverUnavailable, match="no longer accepts data"):
        await replay(tmp_path / "many.gz", carbon.port, timeout_s=0.2)
    released.set()
