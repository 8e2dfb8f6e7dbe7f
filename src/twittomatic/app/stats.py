"""Record a crawl's rates and gauges, and replay a recording into Graphite."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from twittomatic.app.connect import connected, process_name
from twittomatic.app.observer import Observer
from twittomatic.app.stop import on_stop
from twittomatic.clock import SystemClock
from twittomatic.settings import Settings
from twittomatic.sinks.stats.recorder import Recorded, Recorder
from twittomatic.sinks.stats.recording import Recording
from twittomatic.sinks.stats.replay import Replay, Replayed, shift_to_now
from twittomatic.sinks.stats.sender import Sender
from twittomatic.state.embedded.server import Role


async def record(settings: Settings, path: Path, observer: Observer) -> Recorded:
    """Record once a second into a file and to Graphite, until a stop is requested.

    Args:
        settings: This process's settings.
        path: The recording; an existing one is continued.
        observer: Receives what happens.
    """
    process = process_name("stats")
    leave = asyncio.Event()
    with on_stop(leave.set), await asyncio.to_thread(Recording.open, path) as recording:
        if recording.cut:
            observer.info(f"{path}: {recording.cut:,} bytes of a torn member at its end were cut off.")
        observer.info(f"Recording crawl “{settings.crawl}” into {path}, from byte {recording.size:,} on.")
        recorder = Recorder(
            crawl=settings.crawl,
            recording=recording,
            sender=Sender(settings.carbon_host, settings.carbon_port, observer.info),
            connect=lambda: connected(settings, Role.JOIN, process),
            clock=SystemClock(),
            say=observer.info,
        )
        return await recorder.run(leave)


async def replay(
    settings: Settings,
    path: Path,
    progress: Callable[[int, int, int], None],
    *,
    speed: float | None = None,
    shifted: bool = False,
) -> Replayed:
    """Send a recording to Graphite, each point with its time.

    Args:
        settings: This process's settings.
        path: The recording; a truncated one is sent up to where it ends.
        progress: Called with the bytes read, the size of the file, and the lines sent.
        speed: How many times as fast as it was recorded; None for as fast as Graphite accepts it.
        shifted: Whether all times are shifted so that the last point is current when it is sent.
    """
    clock = SystemClock()
    return await Replay(
        path,
        host=settings.carbon_host,
        port=settings.carbon_port,
        clock=clock,
        speed=speed,
        shift_s=await asyncio.to_thread(shift_to_now, path, clock.now(), speed) if shifted else 0,
        progress=progress,
    ).run()
