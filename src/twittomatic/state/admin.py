"""Jobs as seen from outside: inspected, and given another chance."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from twittomatic.errors import StateError
from twittomatic.model import NO_JSON, Checkpoint, JobState, Module
from twittomatic.state.connection import Connection
from twittomatic.state.jobs import Try, read_tries
from twittomatic.state.keys import CrawlKeys

_decode = msgspec.json.Decoder(Checkpoint).decode


class JobStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How one job stands.

    Attributes:
        module: What it does.
        user_id: To whom, decimal.
        state: Where it is; `ready` includes `leased`, which only the workers' reports tell apart.
        depth: Hops from a seed.
        due_at: When a delayed job is due, seconds since the epoch; None for other jobs.
        failures: Attempts that failed since its last page.
        crashes: Workers that died with it since its last page.
        checkpoint: How far it is.
        tries: Attempts that failed, the last one at the end.
    """

    module: Module
    user_id: str
    state: JobState
    depth: int
    due_at: float | None
    failures: int
    crashes: int
    checkpoint: Checkpoint
    tries: Sequence[Try]


async def read_job(connection: Connection, keys: CrawlKeys, module: Module, user_id: str) -> JobStatus | None:
    """Read how a job stands; None where there is no such job.

    Raises:
        StateError: the server holds something that no version of this program wrote.
    """
    name = f"{module}:{user_id}"
    fields, due, is_dead = await asyncio.gather(
        connection.call(
            "HMGET", f"{keys.job}{name}", "depth", "attempts", "crashes", "history", "checkpoint"
        ),
        connection.call("ZSCORE", keys.delayed, name),
        connection.call("HEXISTS", keys.dead, name),
    )
    depth, attempts, crashes, history, written = fields
    if depth is None:
        return None
    try:
        return JobStatus(
            module=module,
            user_id=user_id,
            state=JobState.DEAD if is_dead else JobState.READY if due is None else JobState.DELAYED,
            depth=int(depth),
            due_at=None if due is None else float(due) / 1000,
            failures=int(attempts or 0),
            crashes=int(crashes or 0),
            checkpoint=_decode(written) if written else Checkpoint(),
            tries=read_tries(history) if history else [],
        )
    except (*NO_JSON, ValueError):
        raise StateError(f"What the state server holds of job {name} makes no sense.") from None
