"""Supervision of the server by its owner: a server that was killed is restarted, and clients reconnect."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path

from twittomatic.errors import StateUnavailable
from twittomatic.filelock import FileLock
from twittomatic.state.embedded.launch import launch
from twittomatic.state.embedded.process import failure, is_running, last_words, wait_until_ready

_GLANCE_S = 0.2
_SHORT_LIFE_S = 5.0  # a server that dies sooner after a restart will do so again: a full disk, no memory
_logger = logging.getLogger(__name__)


async def keep_running(directory: Path, door: FileLock, given_up: Callable[[], None] = lambda: None) -> None:
    """Restart the server whenever it dies, until that fails; runs until cancelled.

    Args:
        directory: The state directory.
        door: The owner's handle on the door, which nobody else uses meanwhile.
        given_up: Called if restarting fails.
    """
    started_at = float("-inf")
    try:
        while True:
            if is_running(directory):
                await asyncio.sleep(_GLANCE_S)
                continue
            if time.monotonic() - started_at < _SHORT_LIFE_S:
                raise failure(directory)
            _logger.warning(
                "%s: the state server ended (%s); starting it again.", directory, last_words(directory)
            )
            async with door.held():
                if not is_running(directory):
                    await launch(directory)
                await wait_until_ready(directory)
            started_at = time.monotonic()
    except StateUnavailable as error:
        _logger.error("%s", error)  # noqa: TRY400 (the sentence is for the user, and is all there is to say)
        given_up()
