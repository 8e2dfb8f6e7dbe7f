"""Run a master, a standby and some workers, and replace each that dies, until the crawl is finished."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Callable, Sequence

from scene import Scene
from spawner import Running

_PAUSED = 3


class Crew:
    """The processes of one crawl.

    Args:
        scene: Where they run.
        flags: Flags of the master: modules, depth and so on.
        workers: Number of workers at a time.
        budget: Returns BUDGET_USD for a master that starts; None for no budget.
    """

    def __init__(
        self,
        scene: Scene,
        flags: Sequence[object],
        *,
        workers: int = 3,
        budget: Callable[[], float] | None = None,
    ) -> None:
        self._scene = scene
        self._flags = flags
        self._budget = budget
        self._numbers = itertools.count(1)
        self._all: list[Running] = []
        self._frozen: set[Running] = set()
        self._beginners: set[Running] = set()
        self._is_stopped = False
        self._masters = [self._master(standby=False)]
        self._workers = [self._worker() for _ in range(workers)]
        self.finished = False
        self.pauses = 0

    def tend(self) -> None:
        """Replace processes that have ended, unless the crawl is finished."""
        codes = [master.returncode for master in self._masters]
        self.finished = self.finished or 0 in codes
        if self.finished:
            return
        self._masters = [master for master in self._masters if master.returncode is None]
        if _PAUSED in (*codes, *[worker.returncode for worker in self._workers]):
            self._is_stopped = True  # a standby does not resume what the network stopped
        if self._is_stopped and not self._beginners & set(self._masters):
            self._is_stopped = False  # one at a time, or the second begins anew what the first ended
            self.pauses += 1
            self._masters.append(self._master(standby=False))
        while len(self._masters) < 2:
            self._masters.append(self._master(standby=bool(self._masters)))
        self._workers = [worker if worker.returncode is None else self._worker() for worker in self._workers]

    def kill_worker(self, place: int) -> bool:
        """Kill a worker with SIGKILL; return False if there is none."""
        return self._workers[place % len(self._workers)].send_signal(signal.SIGKILL)

    def kill_master(self) -> bool:
        """Kill the first master, which leads unless another has taken over."""
        return self._masters[0].send_signal(signal.SIGKILL)

    def freeze_worker(self, place: int) -> Callable[[], None] | None:
        """Stop a worker; return a function that wakes it."""
        return self._freeze(self._workers[place % len(self._workers)])

    def freeze_master(self) -> Callable[[], None] | None:
        """Stop the first master; return a function that wakes it."""
        return self._freeze(self._masters[0])

    def dismiss(self) -> None:
        """Wake all processes, let the workers finish, and end the masters."""
        for running in self._all:
            running.send_signal(signal.SIGCONT)
        for running in self._workers:
            if not running.ended(10):  # it waits for a master, since it came too late
                running.terminate()
        for running in self._masters:
            running.terminate()
        for running in self._all:
            assert running.ended(60), f"{running.name} does not end: {running.said()}"

    def _freeze(self, running: Running) -> Callable[[], None] | None:
        if running in self._frozen or not running.send_signal(signal.SIGSTOP):
            return None
        self._frozen.add(running)

        def wake() -> None:
            self._frozen.discard(running)
            running.send_signal(signal.SIGCONT)

        return wake

    def _master(self, *, standby: bool) -> Running:
        budget = {} if self._budget is None else {"budget_usd": f"{self._budget():.2f}"}
        flags = [*self._flags, *(["--standby"] if standby else [])]
        name = f"master-{next(self._numbers)}"
        master = self._started(self._scene.start(name, "master", *flags, **budget))
        if not standby:
            self._beginners.add(master)
        return master

    def _worker(self) -> Running:
        name = f"w{next(self._numbers)}"
        return self._started(self._scene.start(name, "worker", name))

    def _started(self, running: Running) -> Running:
        self._all.append(running)
        return running
