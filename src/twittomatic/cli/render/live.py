"""Follow a crawl while it runs: a live picture on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable

import click
from rich.console import Console
from rich.live import Live

from twittomatic.app.forecast import Growth
from twittomatic.cli.render.status import line, picture
from twittomatic.cli.render.table import console
from twittomatic.state.status import CrawlStatus

_REFRESH_S = 0.5
_LINE_S = 5.0  # between lines if there is no terminal


async def watch(read: Callable[[], Awaitable[CrawlStatus]], line_s: float = _LINE_S) -> None:
    """Show a crawl until this is cancelled: a live picture on a terminal, a line now and then elsewhere.

    Args:
        read: Reads the status of the crawl.
        line_s: Seconds between lines.
    """
    terminal = console(stderr=True)
    if terminal.is_terminal:
        await _live(read, terminal)
    else:
        await _lines(read, line_s)


async def _live(read: Callable[[], Awaitable[CrawlStatus]], console: Console) -> None:
    last, last_at = 0.0, time.monotonic()
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while True:
            current = await read()
            pages = Growth.of(current).pages
            now = time.monotonic()
            rate = f", {(pages - last) / (now - last_at):.1f} pages/s" if last else ""
            last, last_at = pages, now
            live.update(picture(current, rate), refresh=True)
            await asyncio.sleep(_REFRESH_S)


async def _lines(read: Callable[[], Awaitable[CrawlStatus]], line_s: float) -> None:
    printed = ""
    while True:
        await asyncio.sleep(line_s)
        text = line(await read())
        if text != printed:
            click.echo(text, err=True)
            sys.stderr.flush()
        printed = text
