"""The embedded server and its roles: real processes, real signals, a directory per test."""

import asyncio
import contextlib
import os
import platform
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvloop
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as Disconnected

from twittomatic.errors import StateBusy, StateUnavailable
from twittomatic.state import valkey
from twittomatic.state.filelock import FileLock
from twittomatic.state.server import Role, embedded, state_exists

DEADLINE_S = 30.0

# An owner in a process of its own: enters, says so, and counts for as long as it is asked to.
OWNER = """
import asyncio, sys
from pathlib import Path
from redis.asyncio import Redis
from twittomatic.errors import StateError
from twittomatic.state.filelock import FileLock
from twittomatic.state.server import Role, embedded

async def main(directory, count):
    async with embedded(Path(directory), Role.OWN) as url, Redis.from_url(url) as client:
        print("in", flush=True)
        while count:
            async with client.pipeline(transaction=False) as pipeline:
                for _ in range(8):
                    pipeline.incr("counter")
                print((await pipeline.execute())[-1], flush=True)
        await asyncio.Event().wait()

try:
    asyncio.run(main(sys.argv[1], sys.argv[2] == "count"))
except StateError as error:
    print(type(error).__name__, flush=True)
"""


@pytest.fixture
def state() -> Iterator[Path]:
    """A state directory that is not there yet; whatever server is left in it in the end is killed."""
    with tempfile.TemporaryDirectory(prefix="tw") as parent:  # tmp_path can be too long for a socket
        directory = Path(parent) / "state"
        yield directory
        reap(directory)


def reap(directory: Path) -> None:
    if directory.is_dir() and valkey.is_running(directory):
        os.kill(server_pid(directory), signal.SIGKILL)
        until(lambda: not valkey.is_running(directory))


@pytest.fixture
def start_owner(state: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Start an owner process: `start_owner()` or `start_owner("count")`; it is killed in the end."""
    owners = []

    def start(task: str = "wait") -> "subprocess.Popen[str]":
        owner = subprocess.Popen(
            [sys.executable, "-c", OWNER, state, task],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        owners.append(owner)
        return owner

    yield start
    for owner in owners:
        owner.kill()
        with owner:
            pass  # closes its pipe and waits for it


def line(owner: "subprocess.Popen[str]") -> str:
    assert owner.stdout
    return owner.stdout.readline().strip()


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.005)


async def eventually(condition: Callable[[], object]) -> None:
    await asyncio.to_thread(until, condition)


def server_pid(directory: Path) -> int:
    return int((directory / "valkey.pid").read_text())


def server_log(directory: Path) -> str:
    return (directory / "valkey.log").read_text()


def starts(directory: Path) -> int:
    """How often a server became ready."""
    return server_log(directory).count("Ready to accept connections")


def kill_server(directory: Path) -> None:
    os.kill(server_pid(directory), signal.SIGKILL)


@asynccontextmanager
async def client_of(directory: Path, role: Role) -> AsyncIterator[Any]:
    async with embedded(directory, role) as url, Redis.from_url(url, decode_responses=True) as client:
        yield client


async def put(directory: Path, key: str, value: str) -> None:
    async with client_of(directory, Role.OWN) as client:
        await client.set(key, value)


async def get(directory: Path, key: str, role: Role = Role.VISIT) -> str | None:
    async with client_of(directory, role) as client:
        value: str | None = await client.get(key)
        return value


def make_loading_slow(directory: Path) -> None:
    """Append three million commands to the append-only file."""
    file = next((directory / "appendonlydir").glob("*.incr.aof"))
    command = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n"
    with file.open("ab") as aof:
        aof.write(command * 3_000_000)


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_the_state_is_there_again_the_next_time(state: Path, run: Any) -> None:
    run(put(state, "a", "1"))
    assert not valkey.is_running(state)
    assert state_exists(state)
    assert run(get(state, "a", Role.OWN)) == "1"


async def test_the_server_is_set_up_for_money_and_privacy(state: Path) -> None:
    async with client_of(state, Role.OWN) as client:
        settings = await client.config_get("*")
        assert settings["port"] == "0"
        assert settings["appendonly"] == "yes"
        assert settings["appendfsync"] == "always"
        assert settings["save"] == ""
        assert settings["maxmemory-policy"] == "noeviction"
        assert settings["set-max-intset-entries"] == "512"
        for path in [state, *state.rglob("*")]:
            assert not path.lstat().st_mode & 0o077, path
        assert stat.S_ISSOCK((state / "valkey.sock").stat().st_mode)
        assert os.getsid(server_pid(state)) != os.getsid(0)


@pytest.mark.parametrize(("role", "advice"), [(Role.VISIT, "twittomatic crawl"), (Role.JOIN, "REDIS_URL")])
async def test_without_a_crawl_there_is_nothing_to_enter(state: Path, role: Role, advice: str) -> None:
    with pytest.raises(StateUnavailable, match=advice):
        async with embedded(state, role):
            pass
    assert not state.exists()
    state.mkdir()
    with pytest.raises(StateUnavailable, match=advice):
        async with embedded(state, role):
            pass
    assert list(state.iterdir()) == []


async def test_a_worker_starts_no_server(state: Path) -> None:
    await put(state, "a", "1")
    with pytest.raises(StateUnavailable, match="start one first"):
        async with embedded(state, Role.JOIN):
            pass
    assert not valkey.is_running(state)


async def test_a_second_owner_is_told_who_is_there(
    state: Path, start_owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = start_owner()
    assert line(owner) == "in"
    monkeypatch.setattr("twittomatic.state.server._PATIENCE_S", 0.1)
    with pytest.raises(StateBusy, match=f"process {owner.pid} .*another STATE_DIRECTORY"):
        async with embedded(state, Role.OWN):
            pass
    assert valkey.is_running(state)


def test_of_owners_that_start_together_one_gets_in(state: Path, start_owner: Any) -> None:
    owners = [start_owner() for _ in range(4)]
    assert sorted(line(owner) for owner in owners) == ["StateBusy"] * 3 + ["in"]


async def test_an_owner_waits_for_one_that_is_leaving(state: Path) -> None:
    inside, leave = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with embedded(state, Role.OWN):
            inside.set()
            await leave.wait()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(first())
        await inside.wait()
        second = tasks.create_task(put(state, "a", "1"))
        asyncio.get_running_loop().call_later(0.1, leave.set)
        await second
    assert await get(state, "a") == "1"


async def test_the_next_owner_adopts_the_server_of_a_killed_one(state: Path, start_owner: Any) -> None:
    owner = start_owner("count")
    assert line(owner) == "in"
    counted = int(line(owner))
    pid = server_pid(state)
    owner.kill()
    owner.wait()
    async with client_of(state, Role.OWN) as client:
        assert (await client.info("server"))["process_id"] == pid
        assert int(await client.get("counter")) >= counted
    assert not valkey.is_running(state)


async def test_what_was_acknowledged_survives_a_kill_of_everything(state: Path, start_owner: Any) -> None:
    acknowledged = 0
    for _ in range(3):
        owner = start_owner("count")
        assert line(owner) == "in"
        for _ in range(50):
            acknowledged = int(line(owner))
        kill_server(state)
        owner.kill()
        rest, _ = owner.communicate()
        whole = rest.split("\n")[:-1]
        acknowledged = int(whole[-1]) if whole else acknowledged
    async with client_of(state, Role.OWN) as client:
        counted = int(await client.get("counter"))
    assert counted >= acknowledged >= 3 * 50 * 8


async def test_a_ctrl_c_ends_the_crawl_first_and_the_server_last(state: Path, start_owner: Any) -> None:
    owner = start_owner()
    assert line(owner) == "in"
    os.killpg(owner.pid, signal.SIGINT)  # as a terminal does, to everybody in the foreground
    owner.wait()
    assert not valkey.is_running(state)
    assert "SIGINT" not in server_log(state)
    assert server_log(state).count("User requested shutdown") == 1


async def test_a_cancelled_block_shuts_down(state: Path) -> None:
    inside = asyncio.Event()

    async def crawl() -> None:
        async with embedded(state, Role.OWN):
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(crawl())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not valkey.is_running(state)
    assert server_log(state).count("User requested shutdown") == 1
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_cancel_while_it_loads_shuts_down(state: Path) -> None:
    await put(state, "a", "1")
    make_loading_slow(state)
    task = asyncio.create_task(put(state, "a", "2"))
    await eventually(lambda: server_log(state).count("Server initialized") == 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not valkey.is_running(state)
    assert starts(state) == 1, "it was to be stopped while loading"
    assert await get(state, "a") == "1"


async def test_loading_may_take_longer_than_a_silence(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await put(state, "a", "1")
    make_loading_slow(state)
    monkeypatch.setattr(valkey, "_SILENCE_S", 0.4)
    began = time.monotonic()
    async with embedded(state, Role.OWN):
        assert time.monotonic() - began > 0.5, "it loaded too fast to tell"


async def test_a_visitor_waits_while_an_owner_loads(state: Path, start_owner: Any) -> None:
    await put(state, "a", "1")
    make_loading_slow(state)
    start_owner()
    await eventually(lambda: server_log(state).count("Server initialized") == 2)
    assert await get(state, "a") == "1"
    assert valkey.is_running(state), "the visitor ended the owner's server"
    assert server_log(state).count("Server initialized") == 2


async def test_a_server_whose_owner_died_while_it_loaded_is_adopted(state: Path, start_owner: Any) -> None:
    await put(state, "a", "1")
    make_loading_slow(state)
    owner = start_owner()
    await eventually(lambda: server_log(state).count("Server initialized") == 2)
    owner.kill()
    assert await get(state, "a", Role.OWN) == "1"
    assert server_log(state).count("Server initialized") == 2


async def test_a_visitor_starts_the_server_for_as_long_as_it_stays(state: Path) -> None:
    await put(state, "a", "1")
    async with client_of(state, Role.VISIT) as client:
        assert await client.get("a") == "1"
        await client.set("a", "2")
    assert not valkey.is_running(state)
    assert await get(state, "a") == "2"


@pytest.mark.parametrize("second", [Role.OWN, Role.VISIT, Role.JOIN])
async def test_the_last_one_out_shuts_down(state: Path, second: Role) -> None:
    await put(state, "a", "1")
    async with contextlib.AsyncExitStack() as later:
        async with embedded(state, Role.VISIT) as url:
            assert await later.enter_async_context(embedded(state, second)) == url
        async with Redis.from_url(url, decode_responses=True) as client:
            assert await client.get("a") == "1"
    assert not valkey.is_running(state)


async def test_workers_finish_what_they_hold_after_the_owner_left(state: Path) -> None:
    async with contextlib.AsyncExitStack() as worker:
        async with embedded(state, Role.OWN) as url:
            await worker.enter_async_context(embedded(state, Role.JOIN))
        async with Redis.from_url(url) as client:
            await client.set("a", "1")
        await put(state, "b", "2")  # and the next owner finds them there
        assert valkey.is_running(state)
    assert not valkey.is_running(state)
    assert (await get(state, "a"), await get(state, "b")) == ("1", "2")


async def test_nobody_leaves_while_another_enters(state: Path) -> None:
    async with contextlib.AsyncExitStack() as visit:
        await put(state, "a", "1")
        await visit.enter_async_context(embedded(state, Role.VISIT))
        with FileLock(state / "door.lock") as another:
            await another.acquire()
            leaving = asyncio.create_task(visit.pop_all().aclose())
            await asyncio.wait([leaving], timeout=0.1)
            assert valkey.is_running(state)
        await leaving
    assert not valkey.is_running(state)


async def test_one_who_looks_is_not_taken_for_a_server(state: Path) -> None:
    await put(state, "a", "1")
    with FileLock(state / "server.lock") as another:
        assert another.try_acquire(shared=True)
        assert not valkey.is_running(state)


async def test_visitors_in_a_crowd_disturb_nobody(state: Path) -> None:
    await put(state, "a", "1")
    assert await asyncio.gather(*(get(state, "a") for _ in range(40))) == ["1"] * 40
    assert not valkey.is_running(state)


async def test_a_killed_server_is_started_again(state: Path) -> None:
    async with client_of(state, Role.OWN) as client:
        await client.set("a", "1")
        before = server_pid(state)
        kill_server(state)
        await eventually(lambda: starts(state) == 2)
        assert server_pid(state) != before
        assert await retried(client, "a") == "1"
    assert not valkey.is_running(state)


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
        assert not valkey.is_running(state)


async def test_a_lost_server_is_named_with_its_reason(state: Path) -> None:
    with pytest.raises(StateUnavailable, match=r"Bad file format.*; put back a copy"):
        async with client_of(state, Role.OWN) as client:
            await client.set("a", "1")
            corrupt(state)
            kill_server(state)
            await eventually(lambda: "Bad file format" in server_log(state))
            await eventually(lambda: not valkey.is_running(state))
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
    assert not valkey.is_running(state)


async def test_half_a_command_at_the_end_is_cut_off(state: Path) -> None:
    await put(state, "a", "1")
    with next((state / "appendonlydir").glob("*.incr.aof")).open("ab") as file:
        file.write(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$10\r\nxx")
    assert await get(state, "a", Role.OWN) == "1"


async def test_what_a_killed_process_left_is_in_nobodys_way(state: Path) -> None:
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
        monkeypatch.setattr(valkey, "_SILENCE_S", 0.1)
        monkeypatch.setattr(valkey, "_ANSWER_S", 0.1)
        try:
            with pytest.raises(StateUnavailable, match=r"does not answer; end the process .*valkey\.pid"):
                async with embedded(state, Role.VISIT):
                    pass
        finally:
            os.kill(pid, signal.SIGCONT)
            monkeypatch.undo()
    assert not valkey.is_running(state)


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
    assert not valkey.is_running(long)


async def test_a_directory_that_cannot_be_used_is_named(state: Path) -> None:
    state.touch()
    for path in (state, state / "below"):
        with pytest.raises(StateUnavailable, match=r"a file; name a directory as STATE_DIRECTORY"):
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
