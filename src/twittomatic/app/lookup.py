"""Rebuild the store of the lookup service from the dataset."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from twittomatic.app import build
from twittomatic.app.connect import process_name
from twittomatic.app.observer import Observer
from twittomatic.app.sinks import event_stream
from twittomatic.app.stop import on_stop
from twittomatic.networks import registry
from twittomatic.settings import Settings
from twittomatic.sinks.lookup.sink import NAME
from twittomatic.sinks.lookup.sink import rebuild as rebuild_store
from twittomatic.sinks.lookup.store import ProfileStore

_REPORTED = 100_000  # profiles between two reports


@dataclass(kw_only=True)
class Rebuilt:
    """What a rebuild has read.

    Attributes:
        profiles: Profiles that were read.
        users: Users that the store knows.
        unreadable: Files, or lines, that could not be read.
    """

    profiles: int = 0
    users: int = 0
    unreadable: int = 0


async def rebuild(settings: Settings, observer: Observer) -> Rebuilt:
    """Read the whole dataset; afterwards the sink continues where the event stream was at the start.

    Args:
        settings: This process's settings.
        observer: Receives the progress, and what could not be read.

    Raises:
        Interrupted: a stop was requested.
    """
    process = process_name(NAME)
    async with event_stream(settings, process) as stream:
        position = await stream.end() if stream else None
    store = ProfileStore(settings.lookup_directory)
    done, reported = Rebuilt(), 0

    def note(sentence: str) -> None:
        done.unreadable += 1
        observer.warning(sentence)

    def report(files: int, profiles: int) -> None:
        nonlocal reported
        done.profiles = profiles
        if profiles - reported >= _REPORTED:
            reported = profiles
            observer.info(f"{files:,} files, {profiles:,} profiles so far ...")

    try:
        with on_stop(lambda: None) as requested:
            await asyncio.to_thread(
                rebuild_store,
                store,
                build.layout(settings),
                name_of=registry.network(settings).name_of,
                note=note,
                report=report,
                is_stopped=requested.is_set,
            )
        store.note_read(settings.crawl)
        done.users = store.count()
    finally:
        store.close()
    if position is not None:
        async with event_stream(settings, process) as stream:
            if stream:
                await stream.seek(NAME, position)
    return done
