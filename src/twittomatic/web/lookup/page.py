"""The HTML page of the lookup service: a form and its result, without scripts and with all text escaped."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from string import Template
from typing import Any, Final

import msgspec

from twittomatic.errors import StorageUnavailable
from twittomatic.sinks.lookup.store import ProfileStore
from twittomatic.state.stream import SinkReport
from twittomatic.web.lookup.answers import User, by_id, by_name, day_of

_STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto; padding: 0 1rem; }
form { display: flex; gap: .5rem; flex-wrap: wrap; }
input[type=search] { flex: 1; min-width: 14rem; }
input, button { font: inherit; padding: .3rem .6rem; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { text-align: left; vertical-align: top; padding: .2rem 1rem .2rem 0; overflow-wrap: anywhere; }
caption { text-align: left; font-weight: bold; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #8882; padding: 1rem; }
footer { color: #777; margin-top: 2rem; }
:root { color-scheme: light dark; }
"""
STYLE_HASH: Final = f"sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}"
"""The hash of the only allowed style, for the Content-Security-Policy."""

_PAGE: Final = Template(
    """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Twittomatic lookup</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>$style</style></head>
<body><h1>Lookup</h1>
<form action="/" method="get">
<input type="search" name="q" value="$query" placeholder="id or @name" aria-label="id or @name" autofocus>
<input type="date" name="at" value="$day" aria-label="on this day"><button>Look up</button></form>
$result
<footer>$footer</footer></body></html>
"""
)


def page(store: ProfileStore, query: str, day: str, sink_report: SinkReport | None) -> tuple[str, int]:
    """Return the page as HTML, and its HTTP status.

    Args:
        store: The profile store.
        query: The untrusted id or name that was entered; empty shows the form alone.
        day: The untrusted day that was entered, such as `2026-01-31`, or empty.
        sink_report: The report of the sink that fills the store.
    """
    result, status = "", 200
    if query:
        try:
            on = day_of(day) if day else None
            look = by_id if query.isascii() and query.isdigit() else by_name
            result = _user(look(store, query, on))
        except LookupError as error:
            result, status = _sentence(str(error)), 404
        except ValueError as error:
            result, status = _sentence(str(error)), 422
    text = _PAGE.substitute(
        style=_STYLE, query=escape(query), day=escape(day), result=result, footer=_footer(store, sink_report)
    )
    return text, status


def _user(user: User) -> str:
    rows: list[tuple[str, Any]] = [
        ("id", user.id),
        ("username", f"@{user.username}"),
        ("seen", f"{user.seen_at:%Y-%m-%d %H:%M:%S} UTC"),
    ]
    if user.at:
        seen = f"seen under it from {user.at.first_seen} to {user.at.last_seen}"
        sure = "" if user.at.certain else "; not seen on that day"
        rows.append((f"on {user.at.day}", f"@{user.at.username}, {seen}{sure}"))
    profile = msgspec.json.decode(user.profile)
    rows += [(name, profile[name]) for name in ("name", "description", "location") if profile.get(name)]
    tables = [_table("", rows)]
    tables.append(
        _table("Names", [(f"@{one.username}", f"{one.first_seen} to {one.last_seen}") for one in user.names])
    )
    if user.holders:
        tables.append(
            _table(
                "Who had this name",
                [(one.id, f"{one.first_seen} to {one.last_seen}") for one in user.holders],
            )
        )
    pretty = msgspec.json.format(bytes(user.profile), indent=2).decode()
    return "".join(tables) + f"<pre>{escape(pretty)}</pre>"


def _table(caption: str, rows: list[tuple[str, Any]]) -> str:
    """Return a table; `bdi` isolates the writing direction of each text."""
    body = "".join(
        f"<tr><th scope=row><bdi>{escape(str(name))}</bdi></th><td><bdi>{escape(str(value))}</bdi></td></tr>"
        for name, value in rows
    )
    head = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<table>{head}{body}</table>"


def _sentence(text: str) -> str:
    return f"<p role=status><bdi>{escape(text[:1].upper() + text[1:])}.</bdi></p>"


def _footer(store: ProfileStore, sink_report: SinkReport | None) -> str:
    try:
        parts = [f"{store.count():,} profiles"]
    except StorageUnavailable as error:
        parts = [str(error)]
    if sink_report:
        parts.append(sink_report.doing or "follows the crawl")
        if sink_report.lag:
            parts.append(f"{sink_report.lag:,} events behind")
        if sink_report.error:
            parts.append(f"last error: {sink_report.error}")
    return escape(" · ".join(parts)) + ' · <a href="/openapi.json">OpenAPI</a>'
