"""The embedded server in trouble: slow to load, killed, hung, its files or its directory spoilt."""

import asyncio
import os
import platform
import re
import signal
import socket
import stat
import time
from pathlib import Path
from typing import Any

import pytest
import uvloop
from embedding import (
    DEADLINE_S,
    client_of,
    eventually,
    get,
    kill_server,
    make_loading_slow,
    put,
    server_log,
    server_pid,
    starts,
)
from redis.exceptions import ConnectionError as Disconnected

from twittomatic.errors import StateUnavailable
from twittomatic.state.embedded import process
from twittomatic.state.embedded.server import Role, embedded, state_exists


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
@pytest.mark.parametrize("steps", range(12))
def test_a_cancel_is_never_lost(state: Path, run: Any, steps: int) -> None:
    async def main() -> None:
        async with embedded(state, Role.OWN):
            pid = server_pid(state)
            os.kill(pid, signal.SIGSTOP)  # it takes a connection and a command, and says nothing
            try:
                waiting = asyncio.create_task(process.wait_until_ready(state))
                for _ in range(steps):
                    await asyncio.sleep(0)
                waiting.cancel()
                await asyncio.wait([waiting], timeout=DEADLINE_S)
                assert waiting.cancelled()
            finally:
                os.kill(pid, signal.SIGCONT)

    run(main())


async def test_a_cancel_while_it_loads_shuts_down(state: Path) -> None:
    await put(state, "a", "1")
    make_loading_slow(state)
    task = asyncio.create_task(put(state, "a", "2"))
    await eventually(lambda: server_log(state).count("Server initialized") == 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not process.is_running(state)
    assert starts(state) == 1, "it was to be stopped while loading"
    assert await get(state, "a") == "1"


async def test_loading_may_take_longer_than_a_silence(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await put(state, "a", "1")
    make_loading_slow(state)
    monkeypatch.setattr(process, "_SILENCE_S", 0.4)
    began = time.monotonic()
    async with embedded(state, Role.OWN):
        assert time.monotonic() - began > 0.5, "it loaded too fast to tell"


async def test_a_visitor_waits_while_an_owner_loads(state: Path, start_owner: Any) -> None:
    await put(state, "a", "1")
    make_loading_slow(state)
    start_owner()
    await eventually(lambda: server_log(state).count("Server initialized") == 2)
    assert await get(state, "a") == "1"
    assert process.is_running(state), "the visitor ended the owner's server"
    assert server_log(state).count("Server initialized") == 2


async def test_a_server_whose_owner_died_while_it_loaded_is_adopted(state: Path, start_owner: Any) -> None:
    await put(state, "a", "1")
    make_loading_slow(state)
    owner = start_owner()
    await eventually(lambda: server_log(state).count("Server initialized") == 2)
    owner.kill()
    assert await get(state, "a", Role.OWN) == "1"
    assert server_log(state).count("Server initialized") == 2


async def test_a_killed_server_is_started_again(state: Path) -> None:
    async with client_of(state, Role.OWN) as client:
        await client.set("a", "1")
        before = server_pid(state)
        kill_server(state)
        await eventually(lambda: starts(state) == 2)
        assert server_pid(state) != before
        assert await retried(client, "a") == "1"
    assert not process.is_running(state)


async def retried(client: Any, key: str) -> Any:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            try:
                return await client.get(key)
            except Disconnected:
                await asyncio.sleep(0)


async def test_a_server_that_dies_again_at_once_is_left_alone(
    state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with embedded(state, Role.OWN):
        kill_server(state)
        await eventually(lambda: starts(state) == 2)
        kill_server(state)
        await eventually(lambda: any(record.levelname == "ERROR" for record in caplog.records))
        assert not process.is_running(state)


async def test_a_lost_server_is_named_with_its_reason(state: Path) -> None:
    with pytest.raises(StateUnavailable, match=r"Bad file format.*; put back a copy"):
        async with client_of(state, Role.OWN) as client:
            await client.set("a", "1")
            corrupt(state)
            kill_server(state)
            await eventually(lambda: "Bad file format" in server_log(state))
            await eventually(lambda: not process.is_running(state))
            raise StateUnavailable("no connection")


def corrupt(directory: Path) -> None:
    file = next((directory / "appendonlydir").glob("*.incr.aof"))
    content = file.read_bytes()
    file.write_bytes(b"?" * 64 + content)


async def test_a_corrupt_file_is_named_at_the_start(state: Path) -> None:
    await put(state, "a", "1")
    corrupt(state)
    with pytest.raises(StateUnavailable, match=r"Bad file format.*; put back a copy.*valkey\.log"):
        async with embedded(state, Role.OWN):
            pass
    assert not process.is_running(state)


async def test_half_a_command_at_the_end_is_cut_off(state: Path) -> None:
    await put(state, "a", "1")
    with next((state / "appendonlydir").glob("*.incr.aof")).open("ab") as file:
        file.write(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$10\r\nxx")
    assert await get(state, "a", Role.OWN) == "1"


async def test_leftovers_of_a_killed_process_block_no_other(state: Path) -> None:
    await put(state, "a", "1")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(state / "valkey.sock"))
    for name in ("lock", "door.lock", "present.lock", "server.lock", "valkey.pid"):
        (state / name).write_text("1")
    leftover = state / "temp-rewriteaof-bg-1.aof"
    leftover.touch()
    assert await get(state, "a", Role.OWN) == "1"
    assert not leftover.exists()


async def test_a_server_that_hangs_is_named(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with embedded(state, Role.OWN):
        pid = server_pid(state)
        os.kill(pid, signal.SIGSTOP)
        monkeypatch.setattr(process, "_SILENCE_S", 0.1)
        monkeypatch.setattr(process, "_ANSWER_S", 0.1)
        try:
            with pytest.raises(StateUnavailable, match=r"does not answer; end the process .*valkey\.pid"):
                async with embedded(state, Role.VISIT):
                    pass
        finally:
            os.kill(pid, signal.SIGCONT)
            monkeypatch.undo()
    assert not process.is_running(state)


async def test_a_long_path_gets_a_private_socket(state: Path) -> None:
    long = state / ("d" * 100)
    async with client_of(long, Role.OWN) as client:
        await client.set("a", "1")
        path = Path((await client.config_get("unixsocket"))["unixsocket"])
        assert path.is_socket()
        assert len(str(path)) <= 100
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert await get(long, "a", Role.JOIN) == "1"
    assert not path.parent.exists()


@pytest.mark.parametrize("how", ["mode", "link", "file"])
async def test_a_hostile_socket_directory_is_refused(state: Path, how: str) -> None:
    long = state / ("d" * 100)
    async with client_of(long, Role.OWN) as client:
        place = Path((await client.config_get("unixsocket"))["unixsocket"]).parent
    try:
        if how == "mode":
            place.mkdir()
            place.chmod(0o777)
        elif how == "link":
            (state / "elsewhere").mkdir(mode=0o700)
            place.symlink_to(state / "elsewhere")
        else:
            place.touch()
        with pytest.raises(StateUnavailable, match=re.escape(str(place))):
            async with embedded(long, Role.OWN):
                pass
    finally:
        if how == "mode":
            place.rmdir()
        else:
            place.unlink()
    assert not process.is_running(long)


async def test_a_directory_that_cannot_be_used_is_named(state: Path) -> None:
    state.touch()
    for path in (state, state / "below"):
        with pytest.raises(StateUnavailable, match=r"a file; move it away, or name another STATE_DIRECTORY"):
            async with embedded(path, Role.OWN):
                pass
    state.unlink()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_directory_without_permission_is_named(state: Path) -> None:
    state.mkdir(mode=0o500)
    for path in (state, state / "below"):
        with pytest.raises(StateUnavailable, match="permission denied; let this user write there"):
            async with embedded(path, Role.OWN):
                pass
    state.chmod(0o700)


async def test_a_platform_without_a_binary_is_named(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(StateUnavailable, match=r"riscv64.*Set REDIS_URL"):
        async with embedded(state, Role.OWN):
            pass
    assert not state_exists(state)
