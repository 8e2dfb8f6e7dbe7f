"""Replicas: where there are some, an answer counts once one of them has all that it rests on.

A master that dies takes with it what no replica had received. So `WAIT` goes at the end of every pipeline: it
answers when a replica has what the pipeline wrote, and with it all that was written before, by anybody. An
answer of a master that no replica follows, such as one that came back with old data, counts for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis.exceptions import ConnectionError, ResponseError

from twittomatic.state.keys import RESENT

_WAIT_MS = 2_000  # then the answer is given up and asked for again; shorter than a client waits for one
_LOOK_S = 10.0  # between looks for a replica that came to a server which had none
_NO_REPLICA = "NOREPLICAS"


class UnconfirmedError(ConnectionError):
    """No replica confirmed it; it may be lost with the master."""


class Replication:
    """What one process knows of its server's replicas.

    Once there was one, one is required: its absence may be the beginning of a failover.

    Args:
        required: Whether there must be one from the beginning, as behind Sentinel.
    """

    def __init__(self, *, required: bool) -> None:
        self.required = required
        self._look_at = float("-inf")

    def behind(self, now: float, *, resent: bool) -> list[tuple[str | int, ...]]:
        """Return the commands that go behind those of a pipeline; mostly none where nothing is replicated.

        Args:
            now: Of a monotonic clock, in seconds.
            resent: Whether the pipeline may have been carried out before. What is harmless twice writes
                nothing the second time, and `WAIT` waits only for what its own connection wrote.
        """
        if self.required:
            written: list[tuple[str | int, ...]] = [("SET", RESENT, 1)] if resent else []
            return [*written, ("WAIT", 1, _WAIT_MS)]
        if now >= self._look_at:
            self._look_at = now + _LOOK_S
            return [("ROLE",)]
        return []

    def doubt(self, answers: Sequence[Any]) -> Exception | None:
        """Return why the answers of a pipeline do not count, None when they do.

        Args:
            answers: To what `behind` named.
        """
        if not answers:
            return None
        if not self.required:
            self.required = _has_replicas(answers[0])
            return UnconfirmedError("a replica was found") if self.required else None
        for answer in answers:
            if isinstance(answer, ResponseError) and "replica instances" in str(answer):
                return ConnectionError("the master is a replica now")
            if isinstance(answer, Exception):
                return answer
        return None if answers[-1] else UnconfirmedError("no replica confirmed what was written")


def lacks_replicas(error: Exception) -> bool:
    """Tell whether a call failed because no replica follows the master."""
    return isinstance(error, UnconfirmedError) or str(error).startswith(_NO_REPLICA)


def _has_replicas(role: Any) -> bool:
    """Read what ROLE answers, or that this user may not ask."""
    return isinstance(role, list) and role[0] == "master" and bool(role[2])
