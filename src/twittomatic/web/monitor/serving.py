"""Serve the monitor of a crawl."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from twittomatic.app import build
from twittomatic.app.connect import connected, process_name
from twittomatic.app.logs import log_to
from twittomatic.app.observer import Observer
from twittomatic.app.stop import on_stop
from twittomatic.background import ended
from twittomatic.networks.registry import account_of
from twittomatic.settings import Settings
from twittomatic.state.embedded.server import Role
from twittomatic.web.monitor.access import Access
from twittomatic.web.monitor.sampler import Sampler
from twittomatic.web.monitor.server import Server
from twittomatic.web.token import read_token


async def serve(settings: Settings, observer: Observer) -> None:
    """Serve the monitor until a stop is requested.

    Args:
        settings: This process's settings.
        observer: Receives the URL.

    Raises:
        SettingsError: see `monitored`.
    """
    leave = asyncio.Event()
    with on_stop(leave.set):
        async with monitored(settings, observer) as url:
            observer.info(f" * Running on {url}")
            await leave.wait()


@asynccontextmanager
async def monitored(settings: Settings, observer: Observer) -> AsyncIterator[str]:
    """Serve a monitor for a block, and yield its URL.

    Args:
        settings: This process's settings.
        observer: Warned when the log can no longer be written.

    Raises:
        SettingsError: the port cannot be used, or other machines could reach it and there is no token.
    """
    access = Access(settings.monitor_host, read_token("MONITOR_TOKEN", settings.monitor_token))
    log_to(settings.log_directory, f"{settings.crawl}.monitor", observer.warning)
    name = process_name("monitor")
    sampler = Sampler(
        crawl=settings.crawl,
        connect=lambda: connected(settings, Role.VISIT, name),
        account=account_of(settings),
        budget=settings.budget,
        log_directory=settings.log_directory,
    )
    server = Server(sampler, access, build.layout(settings))
    async with server.served(settings.monitor_host, settings.monitor_port) as port:
        looking = asyncio.create_task(sampler.run())
        try:
            host = f"[{settings.monitor_host}]" if ":" in settings.monitor_host else settings.monitor_host
            yield f"http://{host}:{port}/"
        finally:
            await ended(looking)
