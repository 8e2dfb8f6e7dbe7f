"""A directory in which commands run as real processes, and what tests wait for in them."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Protocol

from spawner import COMMAND as PROGRAM
from spawner import Running, Spawner

COMMAND = [sys.executable, "-c", PROGRAM]  # executed, for what `Workspace.start` cannot show
DEADLINE_S = 110.0  # for a machine that is busy; a crawl here takes a tenth of it


class HasLog(Protocol):
    """A process whose output goes to a file: a `Running`, or a `subprocess.Popen` that was given one."""

    @property
    def log(self) -> Path:
        """The file that receives its output."""


class Workspace:
    """A directory in which commands run, and the processes that they start.

    Args:
        directory: Of the test's own, short enough for a socket.
        spawner: Starts the commands.

    Attributes:
        environment: Of all later commands; `set` puts settings there.
        program: What runs in a command, as `python -c` takes it.
        emulating: The emulator that `emulator` started last.
    """

    def __init__(self, directory: Path, spawner: Spawner) -> None:
        self.directory = directory
        self._spawner = spawner
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith("TWITTOMATIC_")
        }
        self.program = PROGRAM
        self.emulating: Running | None = None
        self._processes: list[Running] = []
        self._count = 0

    def set(self, **settings: object) -> None:
        """Put settings into the environment of all later commands."""
        for name, value in settings.items():
            self.environment[f"TWITTOMATIC_{name.upper()}"] = str(value)

    def run(self, *arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command and wait for its end."""
        return self.run_program(self.program, *arguments, **more)

    def run_program(self, program: str, *arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a program as `python -c` takes it, and wait for its end."""
        with tempfile.TemporaryDirectory(prefix="tw") as output:
            log, errors = Path(output) / "stdout", Path(output) / "stderr"
            process = self._spawner.start(
                str(arguments[0]) if arguments else "program",
                [str(argument) for argument in arguments],
                directory=self.directory,
                environment={**self.environment, **more},
                log=log,
                errors=errors,
                program=program,
            )
            try:
                code = process.wait(DEADLINE_S)
            finally:
                process.kill()
            return subprocess.CompletedProcess(
                [str(argument) for argument in arguments], code, log.read_text(), errors.read_text()
            )

    def start(self, *arguments: object, armed: Mapping[str, Any] | None = None) -> Running:
        """Start a command without waiting for it.

        Args:
            arguments: The arguments of the command.
            armed: What happens at a fault point, as `Spawner.start` takes it.
        """
        self._count += 1
        process = self._spawner.start(
            str(arguments[0]),
            [str(argument) for argument in arguments],
            directory=self.directory,
            environment=self.environment,
            log=self.directory / f"said-{self._count}.log",
            armed=armed,
            program=self.program,
        )
        self._processes.append(process)
        return process

    def said(self, process: HasLog) -> str:
        """Return the output of a process so far, whether `start` or `subprocess` started it."""
        return process.log.read_text()

    def emulator(self, *arguments: object) -> str:
        """Start an emulator whose windows pass at once, and crawl it from now on; return its URL."""
        self.emulating = process = self.start("emulator", "--port", "0", "--time-scale", "36000", *arguments)
        wait_for(lambda: "A user to" in self.said(process) or process.poll() is not None, self, process)
        found = re.search(r"http://[0-9.:]+", self.said(process))
        assert found, self.said(process)
        self.set(x_api_url=found[0], x_bearer_tokens="s3cret-t0ken")
        return found[0]

    def graph(self, edges: list[tuple[int, int]]) -> Path:
        path = self.directory / "graph.edges"
        path.write_text("".join(f"{a} {b}\n" for a, b in edges))
        return path

    def write(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.write_text(text)
        return path

    def files(self, ext: str) -> list[Path]:
        return list((self.directory / "data").glob(f"[0-9]*/*.{ext}"))

    def edges(self) -> list[tuple[int, int]]:
        found = []
        for path in self.files("fws"):
            with gzip.open(path, "rt") as lines:
                found += [(int(path.stem), int(line)) for line in lines]
        return found

    def status(self, *arguments: str) -> dict[str, Any]:
        done = self.run("status", "--json", *arguments)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def report(self) -> dict[str, Any]:
        url = self.environment["TWITTOMATIC_X_API_URL"]
        with urllib.request.urlopen(f"{url}/_emulator/report") as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def kill_server(self) -> None:
        """Kill the embedded state server, as a power failure would."""
        pid = int((self.directory / ".twittomatic" / "valkey.pid").read_text())
        os.kill(pid, signal.SIGKILL)

    def end(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.kill()
            process.wait(DEADLINE_S)
        pid = self.directory / ".twittomatic" / "valkey.pid"
        if pid.exists():
            number = int(pid.read_text())
            try:
                command = Path(f"/proc/{number}/cmdline").read_bytes()
            except OSError:
                return
            if b"valkey" in command:
                os.kill(number, signal.SIGKILL)


def wait_for(condition: Callable[[], object], place: Workspace, *processes: HasLog) -> None:
    """Wait until a condition is true; if it is not, and the processes print nothing more, show their output.

    The deadline counts from the last output: on a busy machine a whole crawl may take longer.
    """
    deadline, printed = monotonic() + DEADLINE_S, 0
    while not condition():
        size = sum(process.log.stat().st_size for process in processes if process.log.exists())
        if size != printed:
            deadline, printed = monotonic() + DEADLINE_S, size
        assert monotonic() < deadline, [place.said(process) for process in processes]
        sleep(0.005)


def until(place: Workspace, count: int, *processes: HasLog) -> None:
    """Wait until the dataset has so many lists of followers."""
    wait_for(lambda: len(place.files("fws")) >= count, place, *processes)


def exact(place: Workspace, wanted: Sequence[tuple[int, int]]) -> None:
    """Assert that exactly these edges were downloaded, within the money and the windows."""
    edges = place.edges()
    assert len(edges) == len(set(edges))
    assert set(edges) == set(wanted)
    assert place.run("verify").returncode == 0
    assert place.status()["spent_usd"] >= place.report()["bill_usd"]
    assert place.report()["violations"] == 0


def alive(pid: int) -> bool:
    """Return whether a process that is not our child still runs; a zombie does not."""
    try:
        os.kill(pid, 0)
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except ProcessLookupError:
        return False
    except OSError:  # just gone, or there is no /proc
        return not Path("/proc/self").exists()
