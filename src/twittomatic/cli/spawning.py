"""Several worker processes under one command: who dies is started again, and it says why."""

from __future__ import annotations

import asyncio
import signal
import sys

import click

from twittomatic.cli.app import INTERRUPTED
from twittomatic.cli.running import on_signals, run_async

_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.5, 30.0
_STEADY_S = 60.0  # a process that lived so long begins with the first delay again
_MEANT = (0, 2, 3, INTERRUPTED)  # exit codes after which starting again would change nothing


def keep_processes(name: str, processes: int) -> int:
    """Run `worker NAME.1` to `NAME.<processes>` with this process' own flags, until all have ended.

    Returns:
        The worst exit code of those that ended by themselves.
    """
    return run_async(_keep(name, processes))


async def _keep(name: str, processes: int) -> int:
    children: set[asyncio.subprocess.Process] = set()
    ending = asyncio.Event()

    def leave() -> None:
        ending.set()
        for child in children:
            if child.returncode is None:
                child.send_signal(signal.SIGTERM)

    with on_signals(leave):
        codes = await asyncio.gather(
            *[_keep_one(f"{name}.{number}", name, children, ending) for number in range(1, processes + 1)]
        )
    return INTERRUPTED if ending.is_set() else max(codes)


async def _keep_one(
    name: str, parent: str, children: set[asyncio.subprocess.Process], ending: asyncio.Event
) -> int:
    delay_s = _FIRST_DELAY_S
    loop = asyncio.get_running_loop()
    while True:
        began_at = loop.time()
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "from twittomatic.cli import main; main()", *_arguments(parent, name),
            start_new_session=True,  # a Ctrl-C is for us, who pass it on
        )  # fmt: skip
        children.add(child)
        code = await child.wait()
        children.discard(child)
        if ending.is_set() or code in _MEANT:
            return max(code, 0)
        if loop.time() - began_at > _STEADY_S:
            delay_s = _FIRST_DELAY_S
        click.echo(f"{name} ended with {_why(code)}; it starts again in {delay_s:g} s.", err=True)
        try:
            await asyncio.wait_for(ending.wait(), delay_s)
            return max(code, 0)
        except TimeoutError:
            delay_s = min(2 * delay_s, _LONGEST_DELAY_S)


def _arguments(parent: str, name: str) -> list[str]:
    """Return this process' arguments with one process and another name."""
    arguments: list[str] = []
    given = iter(sys.argv[1:])
    named = False
    for argument in given:
        if argument == "--processes":
            next(given, None)
        elif argument.startswith("--processes="):
            continue
        elif argument == parent and not named and arguments and arguments[-1] in ("worker", "--"):
            arguments.append(name)
            named = True
        else:
            arguments.append(argument)
    if not named:  # flags stand between `worker` and its name
        arguments[len(arguments) - 1 - arguments[::-1].index(parent)] = name
    return arguments


def _why(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
