"""Users are looked up in the monitor beside its live page."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from twittomatic.app.observer import Observer
from twittomatic.model import Ending, Module
from twittomatic.settings import Settings, load
from twittomatic.storage.journal import Entry
from twittomatic.storage.paths import Layout
from twittomatic.storage.userindex import UserIndex
from twittomatic.web.monitor import sampler
from twittomatic.web.monitor.serving import monitored


@pytest.fixture
def settings(server_url: str, tmp_path: Path) -> Settings:
    flags: dict[str, Any] = {
        "redis_url": server_url,
        "crawl": "monitored-users",
        "output_directory": str(tmp_path / "data"),
        "log_directory": str(tmp_path / "logs"),
        "monitor_port": "0",
    }
    return load(flags, {}, None)


def write_journal(settings: Settings, *second: int) -> None:
    layout = Layout(settings.output_directory, settings.temporary_directory)
    layout.prepare()
    with layout.journal("w").open("wb") as file:
        for number in second:
            entry = Entry(
                file="12/12.fws",
                module=Module.FOLLOWER,
                user_id="12",
                lines=number,
                began_at=f"2026-01-01T00:00:{number:02}Z",
                ended_at=f"2026-01-01T00:00:{number:02}Z",
                ending=Ending.COMPLETE,
                worker="w",
            )
            file.write(msgspec.json.encode(entry) + b"\n")


async def test_the_live_page_continues_while_users_are_looked_up(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the look-ups take, they take none of the threads that the live page needs."""
    write_journal(settings, 2, 1)
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2))
    monkeypatch.setattr(sampler, "_LOOK_S", 0.01)
    about, release = UserIndex.about, threading.Event()
    running: list[str] = []
    at_once: list[int] = []

    def slow(self: UserIndex, user_id: str, most: int) -> list[Entry]:
        running.append(user_id)
        at_once.append(len(running))
        release.wait()
        running.pop()
        return about(self, user_id, most)

    monkeypatch.setattr(UserIndex, "about", slow)
    async with monitored(settings, Observer()) as url, aiohttp.ClientSession() as session:

        async def look_up() -> Any:
            async with session.get(f"{url}api/user?user=12") as answer:
                assert answer.status == 200, await answer.text()
                return await answer.json()

        async with session.ws_connect(f"{url}api/live") as live:
            while (await live.receive_json())["away"]:
                pass
            looking = [asyncio.create_task(look_up()) for _ in range(8)]
            while not at_once:
                await asyncio.sleep(0)
            try:
                for _ in range(10):
                    assert not (await live.receive_json(timeout=10))["away"]
                assert not any(task.done() for task in looking)
            finally:
                release.set()
            answers = await asyncio.gather(*looking)
    assert all([line["lines"] for line in answer["journal"]] == [2, 1] for answer in answers)
    assert at_once == [1] * 8, "one at a time"
