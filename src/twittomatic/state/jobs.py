"""Jobs as a worker process sees them: leased, committed, completed, released."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import unquote

import msgspec
from redis.exceptions import RedisError

from twittomatic.clock import steady_s
from twittomatic.errors import LeaseLost, StateLost
from twittomatic.faultpoint import reach
from twittomatic.model import NO_JSON, Checkpoint, Ending, Job, Module, WorkerReport, queues
from twittomatic.state.connection import Connection, passes
from twittomatic.state.events import Event, JobDied, encode
from twittomatic.state.keys import GROUP, CrawlKeys
from twittomatic.state.redis_errors import decoding, gone, refusal

_BLOCK_MS = 1000  # one idle command a second for each module; a new job wakes the reader at once
_FIRST_DELAY_MS = 15_000  # doubles with each failure
_decode = msgspec.json.Decoder(Checkpoint).decode


class HeartbeatReply(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a heartbeat.

    Attributes:
        phase: Phase of the crawl; empty if there is no crawl.
        reason: Why it is paused.
        leader: Name of the master, or of a standby that is about to lead; empty while there is neither.
        leaderless: Whether there is neither, although the server was available long enough for one to report.
        lost: Jobs that the caller no longer holds.
    """

    phase: str
    reason: str
    leader: str
    leaderless: bool = False
    lost: Sequence[Job]


class Try(msgspec.Struct, frozen=True, kw_only=True):
    """A failed attempt at a job.

    Attributes:
        at: When it ended, RFC 3339.
        worker: The process that made it.
        reason: Why it ended.
    """

    at: str
    worker: str
    reason: str


_decode_try = msgspec.json.Decoder(Try).decode


def read_tries(text: str) -> list[Try]:
    """Return the tries in a job's history, one a line, at least one; a garbled line becomes a try too."""
    return [_try(line) for line in text.split("\n")]


def _try(line: str) -> Try:
    try:
        return _decode_try(line)
    except NO_JSON:
        return Try(at="", worker="", reason="the record of this try cannot be read")


class EarlyEnd(msgspec.Struct, frozen=True, kw_only=True):
    """A list that ended too early.

    Attributes:
        ending: `short` or `stalled`.
        lines: Number of its records.
        claimed: The count that the network claims, None where it is not known.
        more: Whether a later attempt can continue it, or repeat it without cost.
        depth: Hops of its target from a seed.
    """

    ending: Ending
    lines: int
    claimed: int | None = None
    more: bool = False
    depth: int = 0


_decode_early_end = msgspec.json.Decoder(EarlyEnd).decode


def read_early_end(text: str) -> EarlyEnd | None:
    """Decode an early end; None if the text is invalid."""
    try:
        return _decode_early_end(text)
    except NO_JSON:
        return None


class Lease:
    """The lease of one job, as its worker process knows it."""

    def __init__(self, jobs: Jobs, job: Job) -> None:
        self._jobs = jobs
        self._job = job

    @property
    def age_s(self) -> float:
        """Seconds since the process sent the command that last renewed the lease; infinite for a lost one."""
        return self._jobs.lease_age_s(self._job)

    async def heartbeat(self) -> None:
        """Wait for the answer to a heartbeat, which renews the lease or ends the job."""
        await self._jobs.heartbeat_answered()


class Jobs:
    """The jobs of one crawl, for one worker process.

    Args:
        connection: Connection to the state server.
        keys: The crawl's keys.
        consumer: Name of this process, never used before.

    Attributes:
        completing: Called with a job once its completion has been sent and nothing is left to do for it.
        counted: What this process added to the crawl's counters with its pages.
    """

    def __init__(self, connection: Connection, keys: CrawlKeys, consumer: str) -> None:
        self._connection = connection
        self._keys = keys
        self.consumer = consumer
        self.completing: Callable[[Job], None] = _ignore
        self.counted: Counter[str] = Counter()
        # Entries, and when the command that last renewed each was sent, by `steady_s`.
        self._held: dict[Module, dict[str, float]] = {module: {} for module in Module}
        self._beat = asyncio.Event()

    async def open(self, modules: Sequence[Module]) -> None:
        """Create the streams of some modules where there never were any.

        Raises:
            StateLost: one vanished.
        """
        lost = await self._connection.run(
            "jobs/create_streams",
            [self._keys.crawl_hash, self._keys.jobs_prefix],
            [queue for module in modules for queue in queues(module)],
        )
        if lost:
            raise gone(f"the {lost} jobs of crawl “{self._keys.crawl}”")

    async def lease(self, module: Module, most: int) -> list[Job]:
        """Wait up to a second for jobs of a module, and lease up to `most`: those begun before go first.

        One more than `most` comes where nothing was ready, and then a job of either queue in one moment.
        A call that is cancelled, or whose answer is lost with the server, may have leased jobs that nobody
        knows of: the next call returns them, and `leave` gives them back. So there is one call for a module
        at a time.

        Raises:
            StateUnavailable: the server is away for too long.
            StateLost: the stream vanished.
        """
        sent_at = steady_s()
        jobs = await self._at_once(module, most)
        if not jobs:
            sent_at = steady_s()
            jobs = await self._wait(module)
        self._held[module].update(dict.fromkeys((job.entry for job in jobs), sent_at))
        return jobs

    def lease_of(self, job: Job) -> Lease:
        """Return the lease of a job."""
        return Lease(self, job)

    def lease_age_s(self, job: Job) -> float:
        """Return the seconds since the lease of a job was last renewed; infinity if it is not held."""
        return steady_s() - self._held[job.module].get(job.entry, -math.inf)

    async def heartbeat_answered(self) -> None:
        """Wait for the answer to a heartbeat."""
        await self._beat.wait()

    async def _wait(self, module: Module) -> list[Job]:
        streams: dict[Any, Any] = {self._keys.jobs(queue): ">" for queue in queues(module)}
        try:
            answer = await self._connection.redis.xreadgroup(
                GROUP, self.consumer, streams, count=1, block=_BLOCK_MS
            )
        except (RedisError, OSError) as error:
            if passes(error):
                await self._connection.call("PING")  # waits for the server as every other command does
            elif "NOGROUP" in str(error):
                await self.open([module])  # which shows whether there ever was a stream
            else:
                raise refusal(error) from None
            return []
        jobs = []
        for stream, entry, fields in _entries(answer):
            with decoding(f"entry {entry} of {stream}"):
                job = Job(
                    entry=entry,
                    module=module,
                    user_id=fields["u"],
                    address=unquote(fields.get("a", "")),
                    depth=int(fields["d"]),
                    consumer=self.consumer,
                )
            jobs.append(job if stream == self._keys.jobs(job.queue) else await self._resumed(job))
        return jobs

    async def commit(self, job: Job, checkpoint: Checkpoint, counters: Mapping[str, int]) -> None:
        """Commit a page: replace the job's checkpoint.

        Args:
            job: Held by the caller.
            checkpoint: Where it stands now; its bytes are on disk.
            counters: Added to the crawl's.

        Raises:
            LeaseLost: another worker has the job; nothing was changed.
        """
        held = await self._connection.run(
            "jobs/commit",
            [self._keys.jobs(job.queue), f"{self._keys.job}{job.name}", self._keys.counters],
            [job.entry, job.consumer, msgspec.json.encode(checkpoint).decode(), *_pairs(counters)],
        )
        if not held:
            self._held[job.module].pop(job.entry, None)
            raise _lost(job)
        self.counted.update(counters)

    async def complete(
        self,
        job: Job,
        *,
        follows: Module | None = None,
        early: EarlyEnd | None = None,
        events: Sequence[Event] = (),
        counters: Mapping[str, int] = {},
    ) -> None:
        """End a job that is done, and queue what follows it on the same target.

        Args:
            job: Held by the caller.
            follows: The module to be done next.
            early: How its list ended, if that was too early; otherwise nothing of the kind is known any more.
            events: To be announced.
            counters: Increments of the crawl's counters.

        Raises:
            LeaseLost: another worker has the job; nothing was changed.
        """
        self.completing(job)
        keys = self._keys
        held = await self._connection.run(
            "jobs/complete",
            [keys.jobs_prefix, keys.job, keys.counters, keys.events, keys.short, keys.stalled],
            [
                job.entry,
                job.consumer,
                job.module,
                job.user_id,
                follows or "",
                job.depth,
                job.queue,
                early.ending if early else "",
                msgspec.json.encode(early).decode() if early else "",
                len(events),
                *map(encode, events),
                *_pairs(counters),
            ],
        )
        self._held[job.module].pop(job.entry, None)
        reach("job.completed")
        if not held:
            raise _lost(job)

    async def release(
        self,
        job: Job,
        how: Literal["ready", "later", "dead"],
        *,
        reason: str = "",
        at: str = "",
        most_failures: int = 1,
    ) -> bool:
        """Release a job that is not done.

        Args:
            job: Held by the caller.
            how: `ready` as it is and at once, `later` after a delay that doubles with each failure, `dead`.
            reason: Why, for `later` and `dead`.
            at: RFC 3339 now, for the job's history.
            most_failures: With this many the job is dead, under `later`.

        Returns:
            Whether it is dead now; a job that another worker holds by now is not touched.
        """
        keys = self._keys
        vain = Try(at=at, worker=self.consumer, reason=reason)
        event = JobDied(module=job.module, user_id=job.user_id, reason=reason)
        answer = await self._connection.run(
            "jobs/release",
            [keys.jobs_prefix, keys.job, keys.delayed, keys.dead, keys.events],
            [
                job.entry,
                job.consumer,
                job.module,
                job.user_id,
                how,
                _FIRST_DELAY_MS,
                most_failures,
                job.queue,
                msgspec.json.encode(vain).decode(),
                encode(event),
            ],
        )
        self._held[job.module].pop(job.entry, None)
        return bool(answer[0] and answer[2])

    async def heartbeat(self, held: Sequence[Job], report: WorkerReport) -> HeartbeatReply:
        """Renew the leases of all jobs held, and return the state of the crawl.

        Args:
            held: The jobs.
            report: What this process does, for `status` and the monitor.
        """
        keys = self._keys
        pairs = [text for job in held for text in (job.queue, job.entry)]
        sent_at = steady_s()  # the lease is renewed later, and so ends later than this process assumes
        phase, reason, leader, *lost = await self._connection.run(
            "jobs/heartbeat",
            [keys.crawl_hash, keys.leader, keys.workers, keys.jobs_prefix, keys.standbys],
            [self.consumer, msgspec.json.encode(report).decode(), *pairs],
        )
        gone_jobs = [held[int(index)] for index in lost]
        for job in held:
            if job.entry in self._held[job.module]:  # it may have been completed meanwhile
                self._held[job.module][job.entry] = sent_at
        for job in gone_jobs:
            self._held[job.module].pop(job.entry, None)
        self._beat.set()
        self._beat = asyncio.Event()
        return HeartbeatReply(
            phase=phase,
            reason=reason,
            leader=leader,
            leaderless=not leader and self._connection.is_settled,
            lost=gone_jobs,
        )

    async def leave(self, modules: Sequence[Module]) -> None:
        """Release the jobs that this process still holds, and remove it from the workers."""
        await self._connection.run(
            "jobs/leave",
            [self._keys.jobs_prefix, self._keys.job, self._keys.workers],
            [self.consumer, *modules],
        )

    async def _at_once(self, module: Module, most: int) -> list[Job]:
        """Lease what is ready, beside what completes in this moment: one round trip, one sync."""
        try:
            leased = await self._connection.run(
                "jobs/acquire",
                [self._keys.jobs_prefix, self._keys.job],
                [self.consumer, module, most, *self._held[module]],
            )
        except StateLost:  # the call that waits will fail likewise, and says why
            return []
        with decoding(f"{module} jobs"):
            return [
                Job(
                    entry=entry,
                    module=module,
                    user_id=user_id,
                    address=unquote(address),
                    depth=int(depth),
                    consumer=self.consumer,
                    attempts=int(attempts or 0),
                    resumed=queue != module,
                    checkpoint=_decode(checkpoint) if checkpoint else Checkpoint(),
                )
                for queue, entry, user_id, depth, attempts, checkpoint, address in leased
            ]

    async def _resumed(self, job: Job) -> Job:
        attempts, text = await self._connection.call(
            "HMGET", f"{self._keys.job}{job.name}", "attempts", "checkpoint"
        )
        with decoding(f"job {job.name}"):
            checkpoint = _decode(text) if text else Checkpoint()
            return msgspec.structs.replace(
                job, resumed=True, attempts=int(attempts or 0), checkpoint=checkpoint
            )


def _entries(answer: Any) -> list[tuple[str, str, dict[str, str]]]:
    """Read what XREADGROUP answers, under either version of the protocol: stream, entry, fields of each."""
    if isinstance(answer, dict):
        answer = [
            (stream, [entry for batch in batches for entry in batch]) for stream, batches in answer.items()
        ]
    return [(stream, entry, fields) for stream, batch in answer or () for entry, fields in batch]


def _pairs(counters: Mapping[str, int]) -> list[str | int]:
    return [value for pair in counters.items() for value in pair]


def _ignore(job: Job) -> None:
    """Do nothing."""


def _lost(job: Job) -> LeaseLost:
    return LeaseLost(f"Job {job.name} belongs to another worker now.")


async def settled(*calls: asyncio.Future[Any]) -> None:
    """Wait for calls that were made in one moment; the first that failed is raised when all are done."""
    for result in await asyncio.gather(*calls, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
