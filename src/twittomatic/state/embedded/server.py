"""The embedded state server: one Valkey per state directory, running while a process needs it.

Lifecycle: the first process starts it, every process that uses it is counted, and the last one shuts it
down. It is a daemon, so it survives the death of a crawl: the next crawl finds it orphaned and adopts it.
The locks:

- `lock`: held by the owner while it lives; one crawl or master works in a directory, and this says which.
- `door.lock`: held for the moment of entering or leaving, so that no process joins a server that is shutting
  down.
- `present.lock`: shared by all processes that use the server; a process that gets it exclusively when it
  leaves was the last one.
- `server.lock`: held by the server itself (`process.py`).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from enum import Enum, auto
from pathlib import Path

from twittomatic.errors import StateBusy, StateUnavailable
from twittomatic.filelock import FileLock, unusable
from twittomatic.state.embedded.launch import launch
from twittomatic.state.embedded.process import failure, is_running, shut_down, state_exists, wait_until_ready
from twittomatic.state.embedded.supervision import keep_running

__all__ = ["Role", "embedded", "state_exists"]

_OWNER, _DOOR, _PRESENT = "lock", "door.lock", "present.lock"
_PATIENCE_S = 3.0  # an owner that was asked to stop has exited by then


class Role(Enum):
    """How a process uses the state in a directory."""

    OWN = auto()  # work on it exclusively: `crawl`, `master`
    JOIN = auto()  # help an owner: `worker`, a standby master
    VISIT = auto()  # read or send a command, with or without an owner: `status`, `pause`, `frontier export`


@asynccontextmanager
async def embedded(
    directory: Path, role: Role, given_up: Callable[[], None] = lambda: None
) -> AsyncIterator[str]:
    """Use a state directory within a block, with its server running.

    Leaving, also by cancellation, shuts the server down unless other processes use it.

    Args:
        directory: STATE_DIRECTORY; only OWN creates it.
        role: How it is used.
        given_up: Called, under OWN, if the server has died and cannot be restarted.

    Yields:
        The server's URL for redis-py, `unix:///…/valkey.sock`.

    Raises:
        StateBusy: OWN, and another owner is at work.
        StateUnavailable: nothing to join or visit, or the directory or the server cannot be used.
    """
    directory = _find(directory, role)
    with ExitStack() as locks:
        if role is Role.OWN:
            await _become_owner(
                locks.enter_context(FileLock(directory / _OWNER, setting="STATE_DIRECTORY")), directory
            )
        door = locks.enter_context(FileLock(directory / _DOOR, setting="STATE_DIRECTORY"))
        present = locks.enter_context(FileLock(directory / _PRESENT, setting="STATE_DIRECTORY"))
        async with door.held():
            url = await _enter(directory, role, present)
        supervisor = (
            asyncio.create_task(keep_running(directory, door, given_up)) if role is Role.OWN else None
        )
        try:
            yield url
        except StateUnavailable as error:
            if is_running(directory):
                raise
            raise failure(directory) from error  # why it is gone, instead of that it is
        finally:
            if supervisor:
                supervisor.cancel()
                await asyncio.wait([supervisor])
            async with door.held():
                await _leave(directory, present)


async def _enter(directory: Path, role: Role, present: FileLock) -> str:
    """Find the server or start it; the caller holds the door lock."""
    present.try_acquire(shared=True)
    try:
        if is_running(directory):
            try:
                return await wait_until_ready(directory)
            except StateUnavailable:
                if is_running(directory):
                    raise
                # Killed a moment ago, it only seemed to live: a child that rewrote its file held the lock.
        if role is Role.JOIN or (role is Role.VISIT and not state_exists(directory)):
            raise _nothing_here(directory, role)
        await launch(directory)
        return await wait_until_ready(directory)
    except StateUnavailable:
        raise
    except BaseException:  # above all a Ctrl-C while it loads
        await _leave(directory, present)
        raise


async def _leave(directory: Path, present: FileLock) -> None:
    """Shut the server down if no other process uses it; the caller holds the door lock."""
    if present.try_acquire() and is_running(directory):
        await shut_down(directory)


async def _become_owner(lock: FileLock, directory: Path) -> None:
    if not await lock.acquire(within_s=_PATIENCE_S):
        raise StateBusy(
            f"{directory}: process {lock.read() or 'unknown'} already works here; "
            "wait for it or stop it, add a worker to it, or name another STATE_DIRECTORY."
        )
    lock.write(str(os.getpid()))


def _find(directory: Path, role: Role) -> Path:
    """Return the resolved directory, which exists and has been used before, or which the owner creates."""
    try:
        directory = directory.resolve()
        if role is Role.OWN:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        elif not state_exists(directory) and not (directory / _DOOR).exists():
            raise _nothing_here(directory, role)
    except OSError as error:
        raise unusable(directory, error, setting="STATE_DIRECTORY") from error
    return directory


def _nothing_here(directory: Path, role: Role) -> StateUnavailable:
    if role is Role.JOIN:
        return StateUnavailable(f"{directory}: no master runs here; start one first, or set REDIS_URL.")
    return StateUnavailable(f"{directory}: there is no crawl here; start one with `twittomatic crawl`.")
