"""Who comes and goes: owners, workers and visitors of the embedded server, real processes, real signals."""

import asyncio
import contextlib
import os
import signal
import stat
from pathlib import Path
from typing import Any

import pytest
import uvloop
from embedding import client_of, get, kill_server, line, put, server_log, server_pid
from redis.asyncio import Redis

from twittomatic.errors import StateBusy, StateUnavailable
from twittomatic.filelock import FileLock
from twittomatic.state.embedded import process
from twittomatic.state.embedded.server import Role, embedded, state_exists


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_the_state_is_there_again_the_next_time(state: Path, run: Any) -> None:
    run(put(state, "a", "1"))
    assert not process.is_running(state)
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
    assert not process.is_running(state)


async def test_a_second_owner_learns_which_process_is_the_first(
    state: Path, start_owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = start_owner()
    assert line(owner) == "in"
    monkeypatch.setattr("twittomatic.state.embedded.server._PATIENCE_S", 0.1)
    with pytest.raises(StateBusy, match=f"process {owner.pid} .*another STATE_DIRECTORY"):
        async with embedded(state, Role.OWN):
            pass
    assert process.is_running(state)


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
    assert not process.is_running(state)


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
    os.killpg(owner.pid, signal.SIGINT)  # as a terminal does, to all processes in the foreground
    owner.wait()
    assert not process.is_running(state)
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
    assert not process.is_running(state)
    assert server_log(state).count("User requested shutdown") == 1
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_visitor_starts_the_server_for_as_long_as_it_stays(state: Path) -> None:
    await put(state, "a", "1")
    async with client_of(state, Role.VISIT) as client:
        assert await client.get("a") == "1"
        await client.set("a", "2")
    assert not process.is_running(state)
    assert await get(state, "a") == "2"


@pytest.mark.parametrize("second", [Role.OWN, Role.VISIT, Role.JOIN])
async def test_the_last_one_out_shuts_down(state: Path, second: Role) -> None:
    await put(state, "a", "1")
    async with contextlib.AsyncExitStack() as later:
        async with embedded(state, Role.VISIT) as url:
            assert await later.enter_async_context(embedded(state, second)) == url
        async with Redis.from_url(url, decode_responses=True) as client:
            assert await client.get("a") == "1"
    assert not process.is_running(state)


async def test_workers_finish_what_they_hold_after_the_owner_left(state: Path) -> None:
    async with contextlib.AsyncExitStack() as worker:
        async with embedded(state, Role.OWN) as url:
            await worker.enter_async_context(embedded(state, Role.JOIN))
        async with Redis.from_url(url) as client:
            await client.set("a", "1")
        await put(state, "b", "2")  # and the next owner finds them there
        assert process.is_running(state)
    assert not process.is_running(state)
    assert (await get(state, "a"), await get(state, "b")) == ("1", "2")


async def test_no_process_leaves_while_another_enters(state: Path) -> None:
    async with contextlib.AsyncExitStack() as visit:
        await put(state, "a", "1")
        await visit.enter_async_context(embedded(state, Role.VISIT))
        with FileLock(state / "door.lock") as another:
            await another.acquire()
            leaving = asyncio.create_task(visit.pop_all().aclose())
            await asyncio.wait([leaving], timeout=0.1)
            assert process.is_running(state)
        await leaving
    assert not process.is_running(state)


async def test_a_checking_process_is_not_taken_for_a_server(state: Path) -> None:
    await put(state, "a", "1")
    with FileLock(state / "server.lock") as another:
        assert another.try_acquire(shared=True)
        assert not process.is_running(state)


async def test_many_visitors_do_not_disturb_each_other(state: Path) -> None:
    await put(state, "a", "1")
    assert await asyncio.gather(*(get(state, "a") for _ in range(40))) == ["1"] * 40
    assert not process.is_running(state)
