"""Supervise several worker processes: restart one that dies, and print why it died.

The workers share one crawl, so most reasons to end hold for all of them: the crawl is finished or paused,
nobody leads it, the disk is full, a setting is wrong. Then the others are asked to leave, and none restarts.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Mapping, Sequence

import click

from twittomatic.app.stop import on_stop
from twittomatic.cli.child import STOPPED
from twittomatic.cli.exitcodes import INTERRUPTED, PAUSED
from twittomatic.cli.options import handed_on
from twittomatic.cli.runner import run_async
from twittomatic.clock import wait_event

_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.5, 30.0
_STEADY_S = 60.0  # a process that lived this long restarts after the first delay
_FOR_ALL = {0: 0, 2: 2, PAUSED: PAUSED, STOPPED: 1}  # exit code of a child -> of the command


def keep_processes(name: str, processes: int) -> int:
    """Run `worker NAME.1` to `NAME.<processes>` with the settings of this process, until all have ended.

    A child leaves when this process dies, even by SIGKILL; see `cli/child.py`.

    Returns:
        The exit code of the command.
    """
    before, flags, environment = handed_on()
    program = [sys.executable, "-c", "from twittomatic.cli.child import main; main()"]
    family = Supervisor(name, [*program, *before, "worker", *flags, "--"], environment)
    return run_async(family.keep(processes))


class Supervisor:
    """Keeps a number of worker processes running.

    Args:
        name: Prefix of their names; a number follows.
        command: Command line of a process, to which its name is added.
        environment: Their environment; None for that of this process.
    """

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        self._name = name
        self._command = command
        self._environment = environment
        self._children: set[asyncio.subprocess.Process] = set()
        self._stopped = False
        self._ending = asyncio.Event()
        self._code = INTERRUPTED  # if each was asked to leave on its own

    async def keep(self, processes: int) -> int:
        """Keep `processes` running until all have ended, and return the exit code of the command."""
        with on_stop(self._stop) as requested:
            await asyncio.gather(
                *[self._keep_one(f"{self._name}.{number}") for number in range(1, processes + 1)]
            )
        return INTERRUPTED if requested.is_set() else self._code

    def _stop(self) -> None:
        """Pass a signal on; a second one too, after which no process finishes its pages."""
        if self._stopped:
            self._signal()
        self._stopped = True
        self._leave()

    def _leave(self) -> None:
        if not self._ending.is_set():
            self._ending.set()
            self._signal()

    def _signal(self) -> None:
        for child in self._children:
            if child.returncode is None:
                child.send_signal(signal.SIGTERM)

    async def _keep_one(self, name: str) -> None:
        delay_s = _FIRST_DELAY_S
        loop = asyncio.get_running_loop()
        while True:
            began_at = loop.time()
            code, why = await self._run(name)
            if self._ending.is_set() or code == INTERRUPTED:
                return
            if code in _FOR_ALL:
                self._code = _FOR_ALL[code]
                self._leave()
                return
            if loop.time() - began_at > _STEADY_S:
                delay_s = _FIRST_DELAY_S
            click.echo(f"{name} ended with {why}; it restarts in {delay_s:g} s.", err=True)
            if await wait_event(self._ending, delay_s):
                return
            delay_s = min(2 * delay_s, _LONGEST_DELAY_S)

    async def _run(self, name: str) -> tuple[int, str]:
        """Run one process to its end; return its exit code, and the reason in words."""
        try:
            child = await asyncio.create_subprocess_exec(
                *self._command, name,
                stdin=asyncio.subprocess.PIPE,  # nothing is written; it closes when this process dies
                start_new_session=True,  # a Ctrl-C reaches only us, and we pass it on
                env=self._environment,
            )  # fmt: skip
        except OSError as error:  # no memory, too many processes
            return 1, error.strerror or str(error)
        self._children.add(child)
        try:
            if self._ending.is_set():  # it started just as all were asked to leave
                child.send_signal(signal.SIGTERM)
            code = await child.wait()
        finally:
            self._children.discard(child)
        return code, _why(code)


def _why(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:  # a real-time signal has no name
        return f"signal {-code}"
