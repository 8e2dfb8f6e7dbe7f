"""Everything that is known about one user: jobs, files, and the journal lines about them."""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import msgspec

from twittomatic.errors import BadRequest
from twittomatic.model import JobState, Module
from twittomatic.state.admin import JobAdmin, JobStatus
from twittomatic.state.connection import Connection
from twittomatic.state.crawl import CrawlState
from twittomatic.state.keys import CrawlKeys
from twittomatic.state.status import CrawlStatus
from twittomatic.storage.journal import Entry, age
from twittomatic.storage.paths import EXTENSIONS, Layout
from twittomatic.storage.userindex import UserIndex

_ID, _NAME = re.compile(r"[0-9]{1,19}"), re.compile(r"@?([A-Za-z0-9_]{1,15})")
_ENTRIES = 50  # of the journal, newest first


class UserReader:
    """Reads the dataset for one user at a time, in its own thread, to keep the others free for the live page.

    Args:
        layout: The dataset's layout.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._lines = UserIndex(layout)
        self._reader = ThreadPoolExecutor(1, "users")

    async def read(self, user_id: str) -> tuple[list[dict[str, Any]], list[Entry]]:
        """Return a user's files and journal entries, the newest first."""
        return await asyncio.get_running_loop().run_in_executor(self._reader, self._read, user_id)

    def close(self) -> None:
        """Cancel the reads that no request waits for any more."""
        self._reader.shutdown(wait=False, cancel_futures=True)

    def _read(self, user_id: str) -> tuple[list[dict[str, Any]], list[Entry]]:
        entries = sorted(self._lines.about(user_id, _ENTRIES), key=age, reverse=True)[:_ENTRIES]
        return _files(self._layout, user_id), entries


async def look_up(
    wanted: str, connection: Connection, keys: CrawlKeys, reader: UserReader, status: CrawlStatus
) -> dict[str, Any]:
    """Return what is known about a user.

    Args:
        wanted: The user's id, or the name of a seed, with or without @.
        connection: Connection to the state server.
        keys: The crawl's keys.
        reader: Reads the dataset.
        status: The status of the crawl, which names the workers that hold the user's jobs.

    Raises:
        BadRequest: it is neither, or nobody knows the name.
    """
    user_id = await _id_of(wanted, connection, keys)
    admin = JobAdmin(connection, keys)
    found = await asyncio.gather(*[admin.job(module, user_id) for module in Module])
    jobs = [_job(job, _worker_of(job, status)) for job in found if job]
    files, entries = await reader.read(user_id)
    return {
        "user_id": user_id,
        "state": _state(jobs, entries, files),
        "jobs": jobs,
        "files": files,
        "journal": [msgspec.to_builtins(entry) for entry in entries],
    }


async def _id_of(wanted: str, connection: Connection, keys: CrawlKeys) -> str:
    if _ID.fullmatch(wanted):
        return str(int(wanted))
    match = _NAME.fullmatch(wanted)
    if not match:
        raise BadRequest("Give a user id, digits alone, or the name of a seed.")
    user_id = (await CrawlState(connection, keys).names([match[1]])).get(match[1].lower())
    if not user_id or not _ID.fullmatch(user_id):
        raise BadRequest(f"@{match[1]} is not known here: only the names of seeds are. Give the user's id.")
    return user_id


def _worker_of(job: JobStatus, status: CrawlStatus) -> str:
    """Return the name of the worker that holds a job; empty where none does."""
    for name, worker in status.workers.items():
        if any((one.module, one.user_id) == (job.module, job.user_id) for one in worker.jobs):
            return name
    return ""


def _job(job: JobStatus, worker: str) -> dict[str, Any]:
    is_leased = worker and job.state is JobState.READY
    return {
        "module": job.module,
        "state": JobState.LEASED if is_leased else job.state,
        "worker": worker,
        "depth": job.depth,
        "due_at": job.due_at,
        "failures": job.failures,
        "crashes": job.crashes,
        "pages": job.checkpoint.requests,
        "records": job.checkpoint.received,
        "claimed": job.checkpoint.claimed,
        "tries": msgspec.to_builtins(job.tries),
    }


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
    """Return the state of a user in a few words."""
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
    return "was not begun: the user may wait in the frontier, or was never found"
