"""Blocking work on files in a thread, which a job that is cancelled waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


async def to_thread_shielded(work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Do blocking work in a thread; a cancellation is raised when it has ended.

    A thread cannot be cancelled. Whoever leaves it alone closes files in which it still writes, and leaves
    open what it opens later.

    Raises:
        CancelledError: the caller was cancelled meanwhile; whatever the work returned or raised is dropped.
        BaseException: what the work raised.
    """
    working = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        while not working.done():
            try:
                await asyncio.wait([working])
            except asyncio.CancelledError:
                continue
        if not working.cancelled():
            working.exception()  # or asyncio would report that nobody asked for it
        raise
