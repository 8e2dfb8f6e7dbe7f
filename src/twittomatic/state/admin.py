"""Administration of jobs: reap those of dead workers, inspect, retry and requeue them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Literal

import msgspec

from twittomatic.errors import StateError
from twittomatic.model import Checkpoint, JobState, Module, queues
from twittomatic.state.connection import Connection
from twittomatic.state.jobs import EarlyEnd, Try, read_early_end, read_tries
from twittomatic.state.keys import GROUP, CrawlKeys, beginning_with
from twittomatic.state.leadership import Leadership
from twittomatic.state.redis_errors import decoding

_DEATHS = 6  # of workers that held a job, without a page between them: then the job is the cause
_SCANNED = 1_000  # jobs of one round trip
_decode = msgspec.json.Decoder(Checkpoint).decode


class Reaper:
    """Reclaims the jobs of workers that died or stopped reporting.

    Args:
        connection: Connection to the state server.
        keys: The crawl's keys.
        lease_s: Silence after which a worker's jobs are taken.
    """

    def __init__(self, connection: Connection, keys: CrawlKeys, *, lease_s: float) -> None:
        self._connection = connection
        self._keys = keys
        self._lease_ms = int(lease_s * 1000)
        self._missing: set[str] = set()

    async def reap(self, leadership: Leadership, modules: Sequence[Module], now: str) -> list[str]:
        """Take the jobs of workers that have been silent for a lease, or whose connections are gone.

        A worker without a connection counts as gone when two calls in a row miss it while the server was
        available all the time: connections come and go when the server does.

        Args:
            leadership: The caller's claim to lead.
            modules: The crawl's modules.
            now: RFC 3339.

        Returns:
            The names of the jobs taken.

        Raises:
            LeadershipLost: another master leads.
        """
        keys = self._keys
        gone = await self._gone()
        answer: list[str | int] = await self._connection.run(
            "jobs/reap",
            [keys.leader, keys.jobs_prefix, keys.job, keys.dead, keys.workers, keys.events, keys.delayed],
            [
                leadership.name,
                leadership.epoch,
                self._lease_ms,
                _DEATHS,
                now,
                len(modules),
                *modules,
                *sorted(gone),
            ],
        )
        if answer == [-1]:
            raise leadership.lost()
        return [str(name) for name in answer]

    async def _gone(self) -> set[str]:
        workers = set(await self._connection.call("HKEYS", self._keys.workers))
        if not workers or not self._connection.is_settled:
            self._missing = set()
            return set()
        connected = await self._connection.names()
        if connected is None:  # their leases will expire instead
            return set()
        missing = workers - connected
        gone = missing & self._missing
        self._missing = missing
        return gone


class JobStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The status of one job.

    Attributes:
        module: Module that runs it.
        user_id: Id of its target, decimal.
        state: State of the job; `ready` includes `leased`, which only the workers' reports distinguish.
        depth: Hops from a seed.
        due_at: When a delayed job is due, seconds since the epoch; None for other jobs.
        failures: Attempts that failed since its last page.
        crashes: Workers that died with it since its last page.
        checkpoint: Its last checkpoint.
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


class JobAdmin:
    """Inspects the jobs of one crawl, and queues them again.

    Args:
        connection: Connection to the state server.
        keys: The crawl's keys.
    """

    def __init__(self, connection: Connection, keys: CrawlKeys) -> None:
        self._connection = connection
        self._keys = keys

    async def job(self, module: Module, user_id: str) -> JobStatus | None:
        """Return the status of a job; None if there is no such job.

        Raises:
            StateError: the server holds something that no version of this program wrote.
        """
        call, keys, name = self._connection.call, self._keys, f"{module}:{user_id}"
        fields, due, is_dead = await asyncio.gather(
            call("HMGET", f"{keys.job}{name}", "depth", "attempts", "crashes", "history", "checkpoint"),
            call("ZSCORE", keys.delayed, name),
            call("HEXISTS", keys.dead, name),
        )
        depth, attempts, crashes, history, written = fields
        if depth is None:
            return None
        with decoding(f"job {name}"):
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

    async def checkpoints(self) -> AsyncIterator[tuple[Module, str, Checkpoint]]:
        """Yield module, user id and checkpoint of every job that has a checkpoint, dead ones included."""
        async for names in self._scan_jobs():
            for name in names:
                if text := await self._connection.call("HGET", f"{self._keys.job}{name}", "checkpoint"):
                    module, _, user_id = name.partition(":")
                    with decoding(f"job {name}"):
                        found = Module(module), user_id, _decode(text)
                    yield found

    async def checkpoints_of(
        self, user_ids: Sequence[str], modules: Sequence[Module]
    ) -> dict[str, dict[Module, Checkpoint]]:
        """Return the checkpoints of users' jobs that wait, are leased or delayed; dead jobs are left out.

        Args:
            user_ids: Decimal, without leading zeros.
            modules: Modules of the jobs.
        """
        call, keys = self._connection.call, self._keys
        found: dict[str, dict[Module, Checkpoint]] = {}
        for start in range(0, len(user_ids), _SCANNED):
            names = [
                (user_id, module) for user_id in user_ids[start : start + _SCANNED] for module in modules
            ]
            values = await asyncio.gather(
                *[
                    call("HMGET", f"{keys.job}{module}:{user_id}", "depth", "checkpoint")
                    for user_id, module in names
                ]
            )
            dead = await asyncio.gather(
                *[call("HEXISTS", keys.dead, f"{module}:{user_id}") for user_id, module in names]
            )
            for (user_id, module), (depth, text), is_dead in zip(names, values, dead, strict=True):
                if depth is not None and not is_dead:
                    with decoding(f"job {module}:{user_id}"):
                        found.setdefault(user_id, {})[module] = _decode(text) if text else Checkpoint()
        return found

    async def dead(self) -> dict[str, list[Try]]:
        """Return the dead jobs, `module:user_id`, each with its last tries, of which the last was fatal."""
        dead = await self._connection.call("HGETALL", self._keys.dead)
        return {name: read_tries(text) for name, text in dead.items()}

    async def some_dead(self, modules: Sequence[Module], most: int) -> dict[str, list[Try]]:
        """Return up to `most` dead jobs of some modules; otherwise as `dead`."""
        some: dict[str, list[Try]] = {}
        async for found in self._scan_hash(self._keys.dead, min(most, _SCANNED)):
            for name, text in found.items():
                if name.partition(":")[0] in modules and len(some) < most:
                    some[name] = read_tries(text)
            if len(some) == most:
                break
        return some

    async def retry_all(self, modules: Sequence[Module]) -> int:
        """Retry every dead job of some modules where it stopped; return how many there were."""
        count = 0
        async for found in self._scan_hash(self._keys.dead):
            names = [name for name in found if name.partition(":")[0] in modules]
            count += sum(await asyncio.gather(*map(self.retry, names)))
        return count

    async def retry(self, name: str) -> bool:
        """Retry a dead job, `module:user_id`, where it stopped; return False if there is no such job."""
        module, _, user_id = name.partition(":")
        keys = self._keys
        done = await self._connection.run(
            "jobs/retry", [keys.jobs_prefix, keys.job, keys.dead, keys.crawl_hash], [module, user_id]
        )
        return bool(done)

    async def early_ends(self, modules: Sequence[Module]) -> AsyncIterator[tuple[str, EarlyEnd]]:
        """Yield the lists of some modules that ended too early, each after its name, `module:user_id`."""
        for key in (self._keys.short, self._keys.stalled):
            async for found in self._scan_hash(key):
                for name, text in found.items():
                    early = read_early_end(text)
                    if early and name.partition(":")[0] in modules:
                        yield name, early

    async def retry_early_ends(self, modules: Sequence[Module]) -> int:
        """Queue the jobs of lists that ended too early and can be continued; return how many."""
        count = 0
        async for name, early in self.early_ends(modules):
            module, _, user_id = name.partition(":")
            if early.more:
                count += await self.queue(Module(module), user_id, early.depth)
        return count

    async def active_processes(self) -> list[str]:
        """Return the names of the processes that lead the crawl or work for it, dead ones left out."""
        call, keys = self._connection.call, self._keys
        leader = await call("HGET", keys.leader, "name")
        names = {*await call("HKEYS", keys.workers), *([leader] if leader else [])}
        connected = await self._connection.names()
        if connected is None:  # the server does not say which workers are connected
            return [leader] if leader else []
        return sorted(names & connected)

    async def queue(self, module: Module, user_id: str, depth: int) -> bool:
        """Queue a job unless there is one, and retry a dead one; return whether anything changed."""
        return await self._requeue(module, user_id, depth, "queue")

    async def restart(self, module: Module, user_id: str) -> bool:
        """Restart a job from its beginning; return whether anything changed."""
        return await self._requeue(module, user_id, 0, "restart")

    async def requeue_lost(self, modules: Sequence[Module]) -> int:
        """Queue the jobs that were lost with their stream; return how many there were.

        Args:
            modules: The crawl's modules.
        """
        call, keys, count = self._connection.call, self._keys, 0
        placed: set[str] = set()
        for queue in (queue for module in modules for queue in queues(module)):
            start, module = "-", queue.partition(":")[0]
            while entries := await call("XRANGE", keys.jobs(queue), start, "+", "COUNT", _SCANNED):
                placed |= {f"{module}:{fields['u']}" for _, fields in entries}
                start = f"({entries[-1][0]}"
        async for names in self._scan_jobs():
            for name in {*names} - placed:
                dead, due = await asyncio.gather(
                    call("HEXISTS", keys.dead, name), call("ZSCORE", keys.delayed, name)
                )
                if not dead and due is None:
                    module, _, user_id = name.partition(":")
                    count += await self._requeue(Module(module), user_id, 0, "lost")
                    placed.add(name)
        return count

    async def create_streams(self, modules: Sequence[Module]) -> None:
        """Create the job streams that are missing, with their groups; also those that vanished."""
        for queue in (queue for module in modules for queue in queues(module)):
            with suppress(StateError):  # it exists
                await self._connection.call(
                    "XGROUP", "CREATE", self._keys.jobs(queue), GROUP, "0", "MKSTREAM"
                )

    async def clear(self) -> int:
        """Delete what is left of a crawl that vanished, except its events; return how many keys it had."""
        kept, removed = {self._keys.events, self._keys.sinks}, 0
        async for found in self._scan_keys(self._keys.crawl_hash.removesuffix("crawl")):
            if gone := [key for key in found if key not in kept]:
                removed += await self._connection.call("UNLINK", *gone)
        return removed

    async def _requeue(
        self, module: Module, user_id: str, depth: int, how: Literal["queue", "restart", "lost"]
    ) -> bool:
        keys = self._keys
        changed = await self._connection.run(
            "jobs/requeue",
            [keys.jobs_prefix, keys.job, keys.dead, keys.crawl_hash],
            [module, user_id, depth, how],
        )
        return bool(changed)

    async def _scan_jobs(self) -> AsyncIterator[list[str]]:
        """Yield the names of all jobs, `module:user_id`, some at a time."""
        async for found in self._scan_keys(self._keys.job):
            yield [key.removeprefix(self._keys.job) for key in found]

    async def _scan_keys(self, prefix: str) -> AsyncIterator[list[str]]:
        cursor, pattern = "0", beginning_with(prefix)
        while True:
            cursor, found = await self._connection.call("SCAN", cursor, "MATCH", pattern, "COUNT", _SCANNED)
            yield found
            if int(cursor) == 0:
                return

    async def _scan_hash(self, key: str, count: int = _SCANNED) -> AsyncIterator[dict[str, str]]:
        """Yield the fields of a hash some at a time; one that is added meanwhile may be missing."""
        cursor = "0"
        while True:
            cursor, found = await self._connection.call("HSCAN", key, cursor, "COUNT", count)
            yield found
            if int(cursor) == 0:
                return
