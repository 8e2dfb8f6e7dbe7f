"""Everything that is known of one user: where his jobs stand, what files he has, how they came about."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import msgspec

from twittomatic.errors import BadRequest, StateError
from twittomatic.model import Checkpoint, Module
from twittomatic.state.connection import Connection
from twittomatic.state.jobs import read_tries
from twittomatic.state.keys import CrawlKeys
from twittomatic.storage.journal import Entry, age
from twittomatic.storage.paths import EXTENSIONS, Layout
from twittomatic.storage.userindex import UserIndex

_ID, _NAME = re.compile(r"[0-9]{1,19}"), re.compile(r"@?([A-Za-z0-9_]{1,15})")
_ENTRIES = 50  # of the journal, newest first
_decode_checkpoint = msgspec.json.Decoder(Checkpoint).decode


class Shelf:
    """Reads the dataset for one user at a time, in a thread of its own: the live page needs the others.

    Args:
        layout: Of the dataset.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._lines = UserIndex(layout)
        self._reader = ThreadPoolExecutor(1, "users")

    async def read(self, user_id: str) -> tuple[list[dict[str, Any]], list[Entry]]:
        """Return a user's files, and what the journal says of the user, newest first."""
        return await asyncio.get_running_loop().run_in_executor(self._reader, self._read, user_id)

    def close(self) -> None:
        """Drop the questions that nobody waits for any more."""
        self._reader.shutdown(wait=False, cancel_futures=True)

    def _read(self, user_id: str) -> tuple[list[dict[str, Any]], list[Entry]]:
        entries = sorted(self._lines.about(user_id, _ENTRIES), key=age, reverse=True)[:_ENTRIES]
        return _files(self._layout, user_id), entries


async def look_up(
    wanted: str, connection: Connection, keys: CrawlKeys, shelf: Shelf, report: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what is known of a user.

    Args:
        wanted: His id, or the name of a seed, with or without @.
        connection: To the state server.
        keys: Of the crawl.
        shelf: Reads the dataset.
        report: What `status --json` says, for who works on him.

    Raises:
        BadRequest: it is neither, or nobody knows the name.
    """
    user_id = await _id_of(wanted, connection, keys)
    jobs = [await _job(module, user_id, connection, keys, report) for module in Module]
    files, entries = await shelf.read(user_id)
    there = [job for job in jobs if job]
    return {
        "user_id": user_id,
        "state": _state(there, entries, files),
        "jobs": there,
        "files": files,
        "journal": [msgspec.to_builtins(entry) for entry in entries],
    }


async def _id_of(wanted: str, connection: Connection, keys: CrawlKeys) -> str:
    if _ID.fullmatch(wanted):
        return str(int(wanted))
    match = _NAME.fullmatch(wanted)
    if not match:
        raise BadRequest("Give a user id, digits alone, or the name of a seed.")
    user_id = await connection.call("HGET", keys.names, match[1].lower())
    if not user_id or not _ID.fullmatch(user_id):
        raise BadRequest(f"@{match[1]} is not known here: only the names of seeds are. Give the user's id.")
    return str(user_id)


async def _job(
    module: Module, user_id: str, connection: Connection, keys: CrawlKeys, report: Mapping[str, Any]
) -> dict[str, Any] | None:
    name = f"{module}:{user_id}"
    held, due, dead = await asyncio.gather(
        connection.call(
            "HMGET", f"{keys.job}{name}", "depth", "attempts", "crashes", "history", "checkpoint"
        ),
        connection.call("ZSCORE", keys.delayed, name),
        connection.call("HEXISTS", keys.dead, name),
    )
    depth, attempts, crashes, history, written = held
    if depth is None:
        return None
    worker = next((one["name"] for one in report["workers"] if _holds(one, module, user_id)), "")
    try:
        checkpoint = _decode_checkpoint(written) if written else Checkpoint()
        numbers = [int(number or 0) for number in (depth, attempts, crashes)]
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise StateError(f"What the state server holds of job {name} makes no sense.") from None
    if dead:
        state = "dead"
    elif due is not None:
        state = "delayed"
    else:
        state = "leased" if worker else "ready"
    return {
        "module": module,
        "state": state,
        "worker": worker,
        "depth": numbers[0],
        "due_at": None if due is None else float(due) / 1000,
        "failures": numbers[1],
        "crashes": numbers[2],
        "pages": checkpoint.requests,
        "records": checkpoint.received,
        "claimed": checkpoint.claimed,
        "tries": [msgspec.to_builtins(one) for one in read_tries(history)] if history else [],
    }


def _holds(worker: Mapping[str, Any], module: Module, user_id: str) -> bool:
    return any(job["module"] == module and job["user_id"] == user_id for job in worker["jobs"])


def _files(layout: Layout, user_id: str) -> list[dict[str, Any]]:
    found = []
    for ext in EXTENSIONS:
        path = layout.file(user_id, ext)
        try:
            status = path.stat()
        except OSError:
            continue
        changed_at = datetime.fromtimestamp(status.st_mtime, UTC).isoformat(timespec="seconds")
        found.append({"file": layout.relative(path), "bytes": status.st_size, "changed_at": changed_at})
    return found


def _state(jobs: list[dict[str, Any]], entries: list[Entry], files: list[dict[str, Any]]) -> str:
    """Say in a word or two how he stands."""
    states = {job["state"] for job in jobs}
    for state, words in (
        ("leased", "is being crawled"),
        ("dead", "has a dead job"),
        ("delayed", "waits for another try"),
        ("ready", "waits for a worker"),
    ):
        if state in states:
            return words
    reason = next((entry.reason for entry in entries if entry.reason), None)
    if files:
        return "is crawled"
    if reason:
        return f"is {reason}"
    return "was not begun: he may wait in the frontier, or nobody found him"
