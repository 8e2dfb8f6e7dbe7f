"""How far the sinks of a crawl are behind it, for `status`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from twittomatic.sinks.consumer import rebuild_command
from twittomatic.state.stream import EventStream, Lag, Standing

_SILENT_S = 10.0  # a sink speaks every second


async def sinks(stream: EventStream) -> list[dict[str, Any]]:
    """Return every sink that ever read the events of a crawl, as `status --json` shows it."""
    standings, lags = await stream.standings(), await stream.lags()
    return [
        _sink(name, standings.get(name), lags.get(name)) for name in sorted(standings.keys() | lags.keys())
    ]


def _sink(name: str, standing: Standing | None, lag: Lag | None) -> dict[str, Any]:
    silent = standing is None or time.time() - standing.at > _SILENT_S
    return {
        "name": name,
        "running": not silent,
        "process": standing.process if standing else "",
        "lag": lag.events if lag else standing.lag if standing else 0,
        "oldest_s": lag.oldest_s if lag else standing.oldest_s if standing else 0.0,
        "trimmed": (standing.trimmed if standing else 0) + (lag.trimmed if lag else 0),
        "doing": standing.doing if standing else "",
        "error": standing.error if standing else "",
    }


def sentences(found: Sequence[dict[str, Any]]) -> list[str]:
    """Say of each sink in one line how far it is."""
    return [_sentence(sink) for sink in found]


def _sentence(sink: dict[str, Any]) -> str:
    parts = [
        f"{sink['lag']:,} events behind, the oldest {sink['oldest_s']:,.0f} s"
        if sink["lag"]
        else "up to date"
    ]
    if not sink["running"]:
        parts.append("does not run")
    if sink["trimmed"]:
        parts.append(f"missed {sink['trimmed']:,} events: `{rebuild_command(sink['name'])}`")
    if sink["error"]:
        parts.append(f"last error: {sink['error']}")
    return f"Sink {sink['name']}: {'; '.join(parts)}"
