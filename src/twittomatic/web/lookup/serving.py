"""Serve the lookup service of a crawl, and feed its store with the profiles that the crawl downloads."""

from __future__ import annotations

import asyncio

from twittomatic.app import build
from twittomatic.app.logs import log_to
from twittomatic.app.observer import Observer
from twittomatic.app.sinks import consumer
from twittomatic.app.stop import on_stop
from twittomatic.networks import registry
from twittomatic.settings import Settings
from twittomatic.sinks.lookup.sink import NAME, LookupSink
from twittomatic.sinks.lookup.store import ProfileStore
from twittomatic.web.http import hosts_of
from twittomatic.web.lookup.service import LookupService, serve
from twittomatic.web.token import read_token


async def serve_crawl(settings: Settings, observer: Observer, *, host: str) -> None:
    """Serve until a stop is requested. Without a crawl, answer from the store and wait for one.

    Args:
        settings: This process's settings.
        observer: Receives the URL, and what the sink reports.
        host: Address to listen on.

    Raises:
        TwittomaticError: the port, the token or the store cannot be used.
    """
    token = read_token("LOOKUP_TOKEN", settings.lookup_token)
    log_to(settings.log_directory, f"{settings.crawl}.{NAME}", observer.warning)
    store = ProfileStore(settings.lookup_directory)  # never closed: a thread may write to the very end
    name_of, leave = registry.network(settings).name_of, asyncio.Event()
    sink = LookupSink(store, build.layout(settings), crawl=settings.crawl, name_of=name_of)
    feeding = consumer(settings, sink, observer.info)
    service = LookupService(
        store, name_of=name_of, sink_report=lambda: feeding.report, hosts=hosts_of(host), token=token
    )
    with on_stop(leave.set):
        running = await serve(service, host=host, port=settings.lookup_port)
        try:
            observer.info(f" * Running on {running.url}")
            if service.is_read_only:
                observer.info(
                    "Other machines can reach it, so it is read-only; set LOOKUP_TOKEN to add profiles."
                )
            await feeding.run(leave)
        finally:
            await running.close()
