"""Commands as real processes that start at once: forked from one that has imported everything.

As a program this is that process: it reads orders from its standard input, a JSON object a line, and says on
its standard output whom it started and who ended how. When its input ends, it kills everybody and ends.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

_PATIENCE_S = 60.0  # for a fork on a machine that is busy


class Running:
    """A command that was given.

    Attributes:
        name: For people.
        pid: Of its process, which leads a session of its own; 0 until it is there.
        code: Its exit code, or the negative number of the signal that killed it; None while it runs.
    """

    def __init__(self, name: str, log: Path, changed: threading.Condition) -> None:
        self.name = name
        self.pid = 0
        self.code: int | None = None
        self._log = log
        self._changed = changed

    def wait(self, seconds: float) -> int | None:
        """Wait for its end, and return its code."""
        with self._changed:
            self._changed.wait_for(lambda: self.code is not None, seconds)
        return self.code

    def signal(self, number: signal.Signals) -> bool:
        """Send it a signal; False when it has ended."""
        with self._changed:
            if self.code is not None:
                return False
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:  # it has just ended
                return False
            return True

    def said(self) -> str:
        """Return what it printed so far."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""


class Spawner:
    """Starts commands; end it with `close`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._changed = threading.Condition()
        self._running: list[Running] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def start(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        directory: Path,
        environment: Mapping[str, str],
        armed: Mapping[str, Any] | None = None,
    ) -> Running:
        """Start `twittomatic ARGUMENTS`.

        Args:
            name: For people, and its log.
            arguments: Of the command line.
            directory: Its working directory.
            environment: All of it.
            armed: What happens at a fault point: `point`, `nth` (from 1), `how` (`kill` or `stop`) and the
                file `note`, to which a line is added when it does.
        """
        assert self._process.stdin
        with self._changed:
            number = len(self._running)
            log = directory / f"{number:04}-{name}.said"
            running = Running(name, log, self._changed)
            self._running.append(running)
            order = {
                "number": number,
                "arguments": list(arguments),
                "directory": str(directory),
                "environment": dict(environment),
                "log": str(log),
                "armed": dict(armed) if armed else None,
            }
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            assert self._changed.wait_for(lambda: running.pid, _PATIENCE_S), "nothing was forked"
            return running

    def close(self) -> None:
        """Kill every command that still runs, and end."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(_PATIENCE_S)
        self._reader.join(_PATIENCE_S)
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            answer = json.loads(line)
            with self._changed:
                running = self._running[answer["number"]]
                running.pid = answer.get("pid", running.pid)
                running.code = answer.get("code", running.code)
                self._changed.notify_all()


class _Nursery:
    """The process that everybody is forked from."""

    def __init__(self) -> None:
        self._children: dict[int, int] = {}  # pid -> number
        self._heard = b""
        self._woken, self._waking = os.pipe()
        os.set_blocking(self._waking, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._waking)

    def run(self) -> None:
        """Obey until the orders end, then kill everybody."""
        while True:
            ready, _, _ = select.select([0, self._woken], [], [])
            if self._woken in ready:
                os.read(self._woken, 4096)
                self._bury()
            if 0 in ready:
                heard = os.read(0, 65536)
                if not heard:
                    break
                *orders, self._heard = (self._heard + heard).split(b"\n")
                for order in orders:
                    self._obey(json.loads(order))
        for pid in self._children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _obey(self, order: dict[str, Any]) -> None:
        pid = os.fork()
        if pid == 0:
            os.close(self._woken)
            os.close(self._waking)
            _become(order)
        self._children[pid] = order["number"]
        self._say(number=order["number"], pid=pid)

    def _bury(self) -> None:
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._say(number=self._children.pop(pid), code=os.waitstatus_to_exitcode(status))

    def _say(self, **answer: int) -> None:
        os.write(1, json.dumps(answer).encode() + b"\n")


def _become(order: Mapping[str, Any]) -> NoReturn:
    """Be the command, in a forked process."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.chdir(order["directory"])
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.environ.clear()
    os.environ.update(order["environment"])
    random.seed()
    sys.argv = ["twittomatic", *order["arguments"]]
    if order["armed"]:
        _arm(**order["armed"])
    code = 1
    try:
        from twittomatic.cli import main

        main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _arm(point: str, nth: int, how: str, note: str) -> None:
    from twittomatic import faultpoint

    reached = 0

    def hook(name: str) -> None:
        nonlocal reached
        reached += name == point
        if name == point and reached == nth:
            with Path(note).open("a") as file:
                file.write(f"{os.getpid()} {how} {name} {nth}\n")
            os.kill(os.getpid(), signal.SIGKILL if how == "kill" else signal.SIGSTOP)

    faultpoint.arm(hook)


if __name__ == "__main__":
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # threads do not survive a fork
    from twittomatic.cli import crawl, jobs, verify  # noqa: F401 - imported once for all
    from twittomatic.cli import status as looking  # noqa: F401

    _Nursery().run()
