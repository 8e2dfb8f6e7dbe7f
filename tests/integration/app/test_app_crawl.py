"""A crawl run from Python: its statuses, its result, its end before time, and its quote."""

import ast
import asyncio
import gzip
import inspect
import logging
import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twittomatic.app.blocking import crawl
from twittomatic.app.crawl import Crawl
from twittomatic.app.observer import Observer
from twittomatic.app.outcome import Outcome, Result
from twittomatic.app.stop import Stop
from twittomatic.emulator import Emulator, GraphWorld, parse_faults, serve
from twittomatic.errors import BudgetExhausted, SettingsError
from twittomatic.model import Module, Phase
from twittomatic.settings import Settings, load

EDGES = [(star, 10_000 * star + i) for star in (1, 2) for i in range(1500)]
TIME_SCALE = 36_000.0
GUIDE = Path(__file__).parents[3] / "docs" / "how-to" / "crawl-from-python.md"


class Notes(Observer):
    """Notes what a crawl reports."""

    def __init__(self) -> None:
        self.sentences: list[str] = []
        self.quotes: list[Any] = []

    def info(self, sentence: str) -> None:
        self.sentences.append(sentence)

    warning = info

    def quoted(self, quote: Any) -> None:
        self.quotes.append(quote)


@contextmanager
def emulated(faults: str = "") -> Iterator[tuple[str, Emulator]]:
    """Serve the graph in a separate thread, as another process would."""
    world = GraphWorld(EDGES)
    emulator = Emulator(
        world, time_scale=TIME_SCALE, faults=parse_faults(faults, world=world) if faults else None
    )
    ready, urls = threading.Event(), []

    async def run() -> None:
        running = await serve(emulator)
        urls.append(running.url)
        leave = asyncio.Event()
        urls.append((asyncio.get_running_loop(), leave))
        ready.set()
        await leave.wait()
        await running.close()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    ready.wait(60)
    url, (loop, leave) = urls
    try:
        yield url, emulator
    finally:
        loop.call_soon_threadsafe(leave.set)
        thread.join()


def values(directory: Path, url: str) -> dict[str, Any]:
    return {
        "output_directory": directory / "data",
        "log_directory": directory / "logs",
        "state_directory": directory / "state",
        "x_bearer_tokens": "token",
        "x_api_url": url,
        "budget_usd": 100,
    }


def settings(directory: Path, url: str, **more: str) -> Settings:
    (directory / "none.toml").touch()
    given = {name: str(value) for name, value in values(directory, url).items()}
    return load({**given, **more}, {}, directory / "none.toml")


def followers(directory: Path, user_id: int) -> int:
    [path] = (directory / "data").rglob(f"{user_id}.fws")
    return len(gzip.decompress(path.read_bytes()).split())


async def test_it_yields_statuses_and_keeps_the_result(tmp_path: Path) -> None:
    notes = Notes()
    with emulated() as (url, emulator):
        async with Crawl(settings(tmp_path, url), "F", observer=notes) as running:
            statuses = [status async for status in running.run(["1", "2"], interval_s=0.01)]
            assert statuses[-1].phase is Phase.FINISHED
            assert running.result
            assert running.result.is_complete
            assert running.result.outcome is Outcome.FINISHED
            again = [status async for status in running.run(["1", "2"])]
            assert again[-1].phase is Phase.FINISHED
        assert emulator.report()["repeated_pages"] == 0
    assert [followers(tmp_path, star) for star in (1, 2)] == [1500, 1500]
    assert notes.quotes
    assert "All targets were given before; the crawl continues with what is left of them." in notes.sentences
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize("how", ["break", "stop"])
async def test_leaving_early_finishes_the_pages_in_flight(tmp_path: Path, how: str) -> None:
    with emulated("followers:slow=1@0.2s") as (url, emulator):
        chosen = settings(tmp_path, url)
        async with Crawl(chosen, "F") as running:
            async for status in running.run([1, 2], interval_s=0.01):
                if status.jobs[Module.FOLLOWER].leased and how == "break":
                    break
                if status.jobs[Module.FOLLOWER].leased:
                    running.stop()
        if how == "stop":
            assert running.result
            assert running.result.outcome is Outcome.INTERRUPTED
        async with Crawl(chosen, "F") as running:
            result = await running.complete([1, 2])
        assert result.is_complete
        report = emulator.report()
        assert report["repeated_pages"] == 0
        assert report["requests"]["followers"] == 4
    assert [followers(tmp_path, star) for star in (1, 2)] == [1500, 1500]


async def test_two_runs_at_once_buy_nothing_twice(tmp_path: Path) -> None:
    with emulated() as (url, emulator):
        async with Crawl(settings(tmp_path, url), "F") as running:
            results = await asyncio.gather(running.complete([1, 2]), running.complete([1, 2]))
        assert [result.is_complete for result in results] == [True, True]
        report = emulator.report()
        assert report["repeated_pages"] == 0
        assert report["requests"]["followers"] == 4


async def test_leaving_a_crawl_stops_every_run_of_it(tmp_path: Path) -> None:
    with emulated("followers:slow=1@0.2s") as (url, emulator):
        async with Crawl(settings(tmp_path, url), "F") as running:
            runs = [asyncio.create_task(running.complete([1, 2])) for _ in range(2)]
            while not emulator.report()["requests"].get("followers"):
                await asyncio.sleep(0.01)
        first, second = await asyncio.gather(*runs, return_exceptions=True)
        assert isinstance(first, Result)
        assert first.outcome is Outcome.INTERRUPTED
        assert isinstance(second, Result | RuntimeError)
        assert emulator.report()["repeated_pages"] == 0


async def test_a_crawl_that_was_left_cannot_run(tmp_path: Path) -> None:
    with emulated() as (url, _):
        async with Crawl(settings(tmp_path, url), "F") as running:
            pass
        with pytest.raises(RuntimeError, match="Enter the crawl first"):
            await running.complete([1])


async def test_a_stop_before_the_work_interrupts_it(tmp_path: Path) -> None:
    stop = Stop()
    with emulated() as (url, emulator), stop.active():
        async with Crawl(settings(tmp_path, url), "F") as running:
            stop.request()
            await asyncio.sleep(0)
            statuses = [status async for status in running.run(["@nobody"], interval_s=60)]
        assert emulator.report()["requests"].get("followers", 0) == 0
    assert statuses == []
    assert running.result
    assert running.result.outcome is Outcome.INTERRUPTED


async def test_a_quote_costs_nothing_unless_profiles_are_to_be_bought(tmp_path: Path) -> None:
    with emulated() as (url, emulator):
        async with Crawl(settings(tmp_path, url), "F") as running:
            quote = await running.quote(["1", "2"])
            assert (quote.plan.unknown, quote.left) == (2, 100_000_000)
            assert emulator.report()["bill_usd"] == 0
            quote = await running.quote(["1", "2"], buy_profiles=True)
            assert quote.plan.unknown == 0
            assert quote.cost_usd[0] > 0
            assert (await running.status()).phase is Phase.IDLE
        async with Crawl(settings(tmp_path, url, budget_usd="0.03"), "F") as running:
            with pytest.raises(BudgetExhausted):
                await running.complete(["1", "2"])


async def test_a_quote_that_buys_waits_for_the_run(tmp_path: Path) -> None:
    with emulated("users:slow=1@0.1s") as (url, emulator):
        async with Crawl(settings(tmp_path, url), "F") as running:
            run = asyncio.create_task(running.complete(["10000", "10001"]))
            while not emulator.report()["requests"].get("users"):
                await asyncio.sleep(0)
            quotes = [running.quote(["10000", "10001"], buy_profiles=True) for _ in range(2)]
            result, first, second = await asyncio.gather(run, *quotes)
        assert result.is_complete
        assert (first.plan.unknown, second.plan.unknown) == (0, 0)
        assert emulator.report()["returned"]["user"] == 2, "each profile is bought once"


async def test_leaving_a_crawl_ends_a_quote_that_buys(tmp_path: Path) -> None:
    with emulated("followers:slow=1@0.2s") as (url, emulator):
        async with Crawl(settings(tmp_path, url), "F") as running:
            run = asyncio.create_task(running.complete([1, 2]))
            while not emulator.report()["requests"].get("followers"):
                await asyncio.sleep(0.01)
            bought = emulator.report()["requests"].get("users", 0)  # by the run itself
            quote = asyncio.create_task(running.quote(["10000", "10001"], buy_profiles=True))
            await asyncio.sleep(0)
        assert (await run).outcome is Outcome.INTERRUPTED
        with pytest.raises(RuntimeError, match=r"stopped before its quote|Enter the crawl first"):
            await quote
        assert emulator.report()["requests"].get("users", 0) == bought


@pytest.mark.parametrize("given", [None, [None], b"22", [1, b"2"], True])
def test_what_can_never_be_a_target_is_a_type_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    with emulated() as (url, emulator):
        with pytest.raises(TypeError, match="is not a target: give a user id, an '@name'"):
            crawl(given, "F", **values(tmp_path, url))
        assert emulator.report()["requests"] == {}


def test_arguments_of_another_type_are_named() -> None:
    with pytest.raises(TypeError, match=r"observer: <built-in function print> .* subclass of Observer"):
        Crawl(Settings(), "F", observer=print)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"observer: <class .*> .* an instance"):
        Crawl(Settings(), "F", observer=Notes)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"settings: 'F' is not allowed; give Settings"):
        Crawl("F")  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="modules: None is not allowed; give letters"):
        Crawl(Settings(), None)  # type: ignore[arg-type]


def test_a_script_crawls_in_one_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with emulated() as (url, _):
        result = crawl(["1", 2], modules="F", **values(tmp_path, url))
    assert result.is_complete
    assert [followers(tmp_path, star) for star in (1, 2)] == [1500, 1500]


def test_the_reason_is_printed_without_an_observer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(logging.getLogger("twittomatic"), "propagate", True)
    with emulated() as (url, _), pytest.raises(SettingsError, match="None of the targets can be crawled"):
        crawl("@nobody", "F", **values(tmp_path, url))
    assert "@nobody: no such user." in caplog.messages


def test_targets_and_modules_of_other_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with emulated() as (url, _):
        assert crawl(np.int64(1), "F", **values(tmp_path, url)).is_complete
        again = crawl(np.array([1, 2]), "F", **values(tmp_path, url))
        assert again.is_complete
        assert "CrawlStatus" not in repr(again)
        with pytest.raises(SettingsError, match=r"'2\.5' is a number, but not an id"):
            crawl(2.5, "F", **values(tmp_path, url))  # type: ignore[arg-type]
        with pytest.raises(SettingsError, match=r"modules: \['F'\] is not allowed"):
            crawl(1, ["F"], **values(tmp_path, url))  # type: ignore[arg-type]


async def test_a_notebook_crawls_though_its_loop_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with emulated() as (url, _):
        assert crawl(1, "F", **values(tmp_path, url)).is_complete
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert followers(tmp_path, 1) == 1500


def test_an_interrupt_finishes_the_pages_in_flight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupting(Observer):
        async def watch(self, status: Any) -> None:
            while not (await status()).jobs[Module.FOLLOWER].leased:
                await asyncio.sleep(0)
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.chdir(tmp_path)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    with emulated("followers:slow=1@0.2s") as (url, emulator):
        try:
            with pytest.raises(KeyboardInterrupt):
                crawl([1, 2], "F", observer=Interrupting(), **values(tmp_path, url))
        finally:
            signal.signal(signal.SIGINT, before)
        assert crawl([1, 2], "F", **values(tmp_path, url)).is_complete
        assert emulator.report()["repeated_pages"] == 0


def test_an_interrupt_while_the_thread_starts_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[threading.Thread] = []
    start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        start(thread)
        if thread.name == "twittomatic crawl":
            started.append(thread)
            raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    with emulated("followers:slow=1@0.2s") as (url, emulator), monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            crawl([1, 2], "F", **values(tmp_path, url))
        started[0].join(60)
        assert emulator.report()["requests"].get("followers", 0) < 4, "it did not crawl on alone"


@pytest.mark.parametrize(("modules", "given"), [("", ["1"]), ("X", ["1"]), ("F", []), ("F", ["no such"])])
async def test_what_cannot_be_crawled_is_a_settings_error(
    tmp_path: Path, modules: str, given: list[str]
) -> None:
    with emulated() as (url, _), pytest.raises(SettingsError):
        async with Crawl(settings(tmp_path, url), modules) as running:
            await running.complete(given)


def test_a_setting_that_does_not_exist_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match="max_dept"):
        crawl(["1"], "F", max_dept=1)


async def test_the_guide_runs_in_a_notebook_as_it_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert len(cells) == 3
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TWITTOMATIC_X_BEARER_TOKENS", "token")
    names: dict[str, Any] = {}
    with emulated() as (url, _):
        monkeypatch.setenv("TWITTOMATIC_X_API_URL", url)
        for cell in cells:
            source = cell.replace('"@name"', '"10000"')  # a user of this graph
            code = compile(source, str(GUIDE), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            done = eval(code, names)  # our own documentation
            if inspect.iscoroutine(done):
                await done
    shown = capsys.readouterr().out
    assert "Outcome.FINISHED True" in shown
    assert "dollars, at least and at most: (" in shown
