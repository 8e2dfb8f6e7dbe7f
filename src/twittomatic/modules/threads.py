"""Blocking file work in a thread that survives the cancellation of its job."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


async def to_thread_shielded(work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Run blocking work in a thread; if cancelled, wait for the thread before raising.

    A thread cannot be cancelled. Code that does not wait for it would close files in which it still writes,
    and leak files that it opens later.

    Raises:
        CancelledError: the caller was cancelled meanwhile; what the work returned or raised is dropped.
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
            working.exception()  # retrieved, or asyncio would log it
        raise
