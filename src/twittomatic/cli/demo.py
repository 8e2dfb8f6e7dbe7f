"""`demo`: crawl a real follower graph on this machine, without a key or a cost."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import click

from twittomatic.app.crawl import Crawl
from twittomatic.app.outcome import Result
from twittomatic.app.stop import on_stop
from twittomatic.cli.exitcodes import FINISHED
from twittomatic.cli.observer import Terminal
from twittomatic.cli.render.findings import show_findings
from twittomatic.cli.render.live import watch
from twittomatic.cli.render.outcome import show_result
from twittomatic.cli.runner import run_async
from twittomatic.emulator import Emulator, bundled_graph, open_world, serve
from twittomatic.errors import SettingsError, StorageUnavailable
from twittomatic.planning.quote import Quote
from twittomatic.planning.targets import Targets
from twittomatic.settings import CONFIG_FILE, ENVIRONMENT_PREFIX, X_API, Settings, load
from twittomatic.state.status import CrawlStatus

_SEED = "2979"  # the account whose neighbourhood the graph is
_DEPTH = 2
_TIME_SCALE = 3600.0  # the eight windows of 15 minutes that X would take pass in seconds
_LINE_S = 20.0  # between lines about the progress, without a terminal
_MARK = ".made-by-twittomatic-demo"


@click.command(short_help="Crawl, summarize and draw a bundled graph; needs no key, costs nothing.")
@click.option(
    "--directory",
    default="demo",
    show_default=True,
    metavar="DIR",
    help="Directory of the demo; replaced by each run.",
)
@click.option("--serve", is_flag=True, help="Show it in a browser, and leave the monitor open afterwards.")
@click.option(
    "--monitor-port",
    default=9898,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="TCP port of the monitor that --serve starts.",
)
def demo(directory: str, serve: bool, monitor_port: int) -> None:
    """Crawl a bundled real follower graph: emulator, state server, master and worker, all on this machine.

    Timelines, followers and analysis of the account of a company, two hops deep; then a summary, a picture,
    and what it would have cost at X.
    """
    place = Path(directory)
    if serve:
        _check_port(monitor_port)
    _prepare(place)
    sys.exit(run_async(_demonstrate(place, monitor_port if serve else None)))


def _check_port(port: int) -> None:
    """Make sure that the monitor can listen, before the crawl that it is to show begins.

    Raises:
        SettingsError: it cannot.
    """
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise SettingsError(
            f"Port {port} cannot be used ({os.strerror(error.errno or 0)}); name another --monitor-port."
        ) from None


async def _demonstrate(place: Path, monitor_port: int | None) -> int:
    """Crawl and print what was found, with a monitor if there is a port for one; return the exit code."""
    async with AsyncExitStack() as stack:
        monitor = None
        if monitor_port is not None:
            monitor = await stack.enter_async_context(_monitor(_settings(place), monitor_port))
        result, settings = await _crawl(place)
        if not result.is_complete or result.status is None:
            return show_result(result, settings)
        show_findings(result.status, settings.output_directory, place / "graph.png")
        if monitor and monitor.returncode is None:
            click.echo("The monitor stays open; Ctrl-C ends it.")
            with on_stop(lambda: None) as requested:
                waiting = [asyncio.create_task(monitor.wait()), asyncio.create_task(requested.wait())]
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in waiting:
                    task.cancel()
        return FINISHED


@asynccontextmanager
async def _monitor(settings: Settings, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a monitor for a block, in its own process as always."""
    flags = {
        "--config": settings.output_directory.parent / CONFIG_FILE,
        "--crawl": settings.crawl,
        "--output-directory": settings.output_directory,
        "--log-directory": settings.log_directory,
        "--state-directory": settings.state_directory,
        "--monitor-port": port,
    }
    monitor = await asyncio.create_subprocess_exec(
        *[sys.executable, "-c", "from twittomatic.cli.child import main; main()", "monitor"],
        *[str(text) for flag in flags.items() for text in flag],
        stdin=asyncio.subprocess.PIPE,  # nothing is written; it closes when this process dies
        start_new_session=True,  # a Ctrl-C reaches only us, and we pass it on
        env={name: text for name, text in os.environ.items() if not name.startswith(ENVIRONMENT_PREFIX)},
    )
    try:
        yield monitor
    finally:
        if monitor.returncode is None:
            monitor.terminate()
            await monitor.wait()


def _prepare(place: Path) -> None:
    """Create the directory; replace that of an earlier demo."""
    try:
        if place.exists():
            if not (place / _MARK).is_file():
                raise SettingsError(f"{place} exists and is not from a demo; name another --directory.")
            shutil.rmtree(place)
        place.mkdir(parents=True)
        (place / _MARK).touch()
    except OSError as error:
        raise StorageUnavailable(
            f"{place} cannot be used ({error.strerror}); name another --directory."
        ) from None


class _Progress(Terminal):
    """Shows the progress, and nothing about the price or how to plan: the demo costs nothing."""

    def info(self, sentence: str) -> None:
        pass

    def quoted(self, quote: Quote) -> None:
        pass

    async def watch(self, status: Callable[[], Awaitable[CrawlStatus]]) -> None:
        await watch(status, _LINE_S)


async def _crawl(place: Path) -> tuple[Result, Settings]:
    emulator = Emulator(open_world(graph=bundled_graph()), time_scale=_TIME_SCALE)
    running = await serve(emulator)
    try:
        settings = _settings(place, running.url)
        click.echo(
            f"Crawling user {_SEED}, the followers, and theirs in turn, from an emulator of X:\n"
            f"  twittomatic crawl -T -F -A {_SEED} --max-depth {_DEPTH}"
        )
        async with Crawl(settings, "TFA", observer=_Progress(), logs=True) as crawl:
            return await crawl.complete(Targets(ids=[_SEED], names=())), settings
    finally:
        await running.close()


def _settings(place: Path, url: str = X_API) -> Settings:
    """Return the settings of the crawl, with the URL of the emulator."""
    config = place / CONFIG_FILE
    config.touch()  # empty, so that the one in the working directory does not count
    return load(
        {
            "crawl": "demo",
            "x_api_url": url,
            "x_bearer_tokens": "demo",
            "output_directory": str(place / "data"),
            "log_directory": str(place / "logs"),
            "state_directory": str(place / ".twittomatic"),
            "max_depth": str(_DEPTH),
        },
        {},
        config,
    )
