"""The worker: leases some jobs of each module at a time, and runs them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

import msgspec

from twittomatic.crawler.pause import PausePolicy
from twittomatic.errors import CrawlMustPause, Disposition, PluginFault, TwittomaticError, disposition
from twittomatic.model import Counter, HeldJob, Job, Module, WorkerReport
from twittomatic.modules import RUN
from twittomatic.modules.context import Context
from twittomatic.state.jobs import HeartbeatReply
from twittomatic.state.redis_errors import gone

_PATIENCE_S = 3.0  # without a leader: a master delayed by a stalled disk leads again
_log = logging.getLogger(__name__)


class _Held(msgspec.Struct):
    """A job that is running, and its progress."""

    job: Job
    task: asyncio.Task[None]
    began_at: float
    records: int = 0
    pages: int = 0


class Worker:
    """One worker process of one crawl.

    Args:
        context: What its jobs need.
        pausing: Pauses the crawl when the network stops it.
        credentials: Names of its credentials.
        modules: The modules it runs; each has its own slots, so that none waits for another.
        slots: Jobs of each module at a time.
        lease_s: Seconds that a silent worker keeps its jobs.
        max_attempts: Failures after which a job is dead.
        stops_without_master: Whether to stop when nobody leads, instead of waiting.
        run: Runs a job of each module.
    """

    def __init__(
        self,
        context: Context,
        pausing: PausePolicy,
        *,
        credentials: Sequence[str],
        modules: list[Module],
        slots: int,
        lease_s: float,
        max_attempts: int,
        stops_without_master: bool,
        run: Mapping[Module, Callable[[Context, Job], Awaitable[None]]] = RUN,
    ) -> None:
        self._context = context
        self._pausing = pausing
        self._credentials = tuple(credentials)
        self._modules = modules
        self._slots = slots
        self._beat_s = min(1.0, lease_s / 3)
        self._lease_s = lease_s
        self._max_attempts = max_attempts
        self._stops_without_master = stops_without_master
        self._run = run
        self._held: dict[str, _Held] = {}
        self._slotted: dict[Module, set[str]] = {module: set() for module in modules}  # entries of jobs
        self._freed = {module: asyncio.Event() for module in modules}
        self._leaving = asyncio.Event()
        self._changed = asyncio.Event()
        self._failure: TwittomaticError | None = None
        self._led_at = 0.0
        self.last_reply = HeartbeatReply(phase="", reason="", leader="", lost=())
        context.jobs.completing = self._free

    def leave(self) -> None:
        """Finish the pages in flight, release the jobs, and end."""
        self._leaving.set()
        self._context.halt.set()
        self._changed.set()

    def note(self, name: str, records: int, pages: int) -> None:
        """Note the progress of a job, which the next heartbeat reports."""
        if name in self._held:
            self._held[name].records, self._held[name].pages = records, pages

    async def run(self) -> None:
        """Work until the crawl is finished, nobody leads it any more, or `leave` is called.

        Raises:
            TwittomaticError: this process cannot continue: its disk, its settings, the server.
        """
        self._led_at = asyncio.get_running_loop().time()
        await self._context.jobs.open(self._modules)
        await self._heartbeat()
        tasks = [asyncio.create_task(self._lease(module)) for module in self._modules]
        tasks.append(asyncio.create_task(self._keep()))
        leaving = asyncio.create_task(self._leaving.wait())
        try:
            await asyncio.wait([leaving, *tasks], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.leave()
            leaving.cancel()
            for task in tasks[:-1]:
                task.cancel()
            results = await asyncio.gather(*tasks[:-1], return_exceptions=True)
            await self._drain()
            tasks[-1].cancel()
            results += await asyncio.gather(tasks[-1], return_exceptions=True)
            with suppress(TwittomaticError):  # the server may be gone; then the leases expire
                await self._context.jobs.leave(self._modules)
        for result in results:
            if isinstance(result, Exception):
                raise result
        if self._failure:
            raise self._failure

    async def _drain(self) -> None:
        """Wait until all jobs have finished their pages; their leases are renewed meanwhile."""
        if self._held:
            await asyncio.wait([held.task for held in self._held.values()])

    async def _lease(self, module: Module) -> None:
        """Keep the slots of one module filled until this process must leave.

        It checks for that itself, although it is cancelled too: before Python 3.12 a client that waits for an
        answer can lose a cancellation (github.com/python/cpython/issues/86296).
        """
        while not self._leaving.is_set():
            free = self._slots - len(self._slotted[module])
            if self._context.halt.is_set():
                self._changed.clear()
                await self._changed.wait()
            elif free:
                for job in await self._context.jobs.lease(module, free):
                    if self._leaving.is_set():
                        return  # `Jobs.leave` gives back jobs that were not begun
                    if former := self._held.get(job.name):  # it was lost, and no heartbeat has said so yet
                        former.task.cancel()
                    task = asyncio.create_task(self._run_job(job))
                    self._held[job.name] = _Held(job=job, task=task, began_at=self._context.clock.now())
                    self._slotted[module].add(job.entry)
            else:
                self._freed[module].clear()
                await self._freed[module].wait()

    def _free(self, job: Job) -> None:
        """Free the slot of a job that ends, so that the next lease is sent along with its completion."""
        self._slotted[job.module].discard(job.entry)
        self._freed[job.module].set()

    async def _keep(self) -> None:
        """Renew the leases, and follow the phase of the crawl."""
        while True:
            await self._context.clock.sleep(self._beat_s)
            await self._heartbeat()

    async def _heartbeat(self) -> None:
        held = list(self._held.values())
        self.last_reply = await self._context.jobs.heartbeat([one.job for one in held], self._report(held))
        for job in self.last_reply.lost:
            current = self._held.get(job.name)
            if current and current.job is job:
                _log.warning("lost a job", extra={"job": job.name})
                current.task.cancel()
        self._apply_phase()

    def _apply_phase(self) -> None:
        """Leave, halt or continue, depending on the phase of the crawl."""
        reply = self.last_reply
        if not reply.phase:
            raise gone(f"crawl “{self._context.crawl}”")
        if reply.phase == "finished":
            self.leave()
        elif self._master_timed_out():
            if not self._leaving.is_set():
                _log.warning("nobody leads the crawl any more; this worker stops")
            self.leave()
        elif self._leaving.is_set():
            return
        elif reply.phase == "running" and reply.leader:
            if self._context.halt.is_set():
                self._context.halt.clear()
                self._changed.set()
        else:
            self._context.halt.set()

    def _master_timed_out(self) -> bool:
        """Return whether nobody has led for so long that this worker must stop."""
        now = asyncio.get_running_loop().time()
        if not self.last_reply.leaderless or not self._stops_without_master:
            self._led_at = now
        return now - self._led_at > _PATIENCE_S

    def _report(self, held: list[_Held]) -> WorkerReport:
        now = self._context.clock.now()
        counted = self._context.jobs.counted
        return WorkerReport(
            slots=self._slots,
            seen_at=self._context.now(),
            lease_s=self._lease_s,
            credentials=self._credentials,
            jobs=tuple(
                HeldJob(
                    module=one.job.module,
                    user_id=one.job.user_id,
                    depth=one.job.depth,
                    records=one.records,
                    pages=one.pages,
                    for_s=round(now - one.began_at, 1),
                )
                for one in held
            ),
            fetched=sum(counted[Counter.RECORDS.of(module)] for module in self._modules),
            requests=sum(counted[Counter.PAGES.of(module)] for module in self._modules),
        )

    async def _run_job(self, job: Job) -> None:
        try:
            await self._run[job.module](self._context, await self._context.addressed(job))
            _log.info("completed", extra={"job": job.name})
        except asyncio.CancelledError:
            return  # another worker has the job now
        except Exception as error:  # noqa: BLE001 - whatever goes wrong with one job, the others continue
            await self._dispose(job, error)
        finally:
            self._free(job)
            if (held := self._held.get(job.name)) and held.job is job:
                del self._held[job.name]

    async def _dispose(self, job: Job, error: Exception) -> None:
        """Dispose of a job that ended in an error."""
        verdict = disposition(error)
        reason = str(error) if isinstance(error, TwittomaticError) else f"{type(error).__name__}: {error}"
        unexpected = isinstance(error, PluginFault) or not isinstance(error, TwittomaticError)
        _log.log(
            logging.ERROR if unexpected else logging.INFO,
            "stopped",
            extra={"job": job.name, "verdict": verdict.name.lower(), "reason": reason},
            exc_info=error if unexpected else None,
        )
        try:
            if verdict is Disposition.PAUSE and isinstance(error, CrawlMustPause):
                self._context.halt.set()
                if not await self._pausing.pause(error):
                    self._failure = self._failure or error
                    self.leave()
            if verdict is Disposition.STOP:
                self._failure = error if isinstance(error, TwittomaticError) else None
                self.leave()
            if verdict is not Disposition.ABANDON:
                await self._give_back(job, verdict, reason)
        except TwittomaticError as failure:  # the state is gone
            self._failure = self._failure or failure
            self.leave()

    async def _give_back(self, job: Job, verdict: Disposition, reason: str) -> None:
        jobs, now = self._context.jobs, self._context.now()
        if verdict is Disposition.DELAY:
            died = await jobs.release(job, "later", reason=reason, at=now, most_failures=self._max_attempts)
        elif verdict is Disposition.BURY:
            died = await jobs.release(job, "dead", reason=reason, at=now)
        else:
            died = await jobs.release(job, "ready")
        if died:
            _log.error("dead", extra={"job": job.name, "reason": reason})
