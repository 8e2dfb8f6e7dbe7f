"""Real processes: commands as a user runs them, an emulator, and a separate directory."""

import gzip
import json
import os
import re
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from spawner import COMMAND, Running, Spawner
from watching import DEADLINE_S


def until(condition: Callable[[], object], what: str = "it never came true") -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


class Place:
    """A directory in which commands run, and the processes that they start."""

    def __init__(self, directory: Path, spawner: Spawner) -> None:
        self.directory = directory
        self._spawner = spawner
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith("TWITTOMATIC_")
        }
        self.program = COMMAND
        self._processes: list[Running] = []
        self._count = 0

    def set(self, **settings: object) -> None:
        """Put settings into the environment of all later commands."""
        for name, value in settings.items():
            self.environment[f"TWITTOMATIC_{name.upper()}"] = str(value)

    def run(self, *arguments: object, **more: str) -> "subprocess.CompletedProcess[str]":
        """Run a command and wait for its end."""
        return self.run_program(self.program, *arguments, **more)

    def run_program(
        self, program: str, *arguments: object, **more: str
    ) -> "subprocess.CompletedProcess[str]":
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
            return subprocess.CompletedProcess(arguments, code, log.read_text(), errors.read_text())

    def start(self, *arguments: object, armed: dict[str, Any] | None = None) -> Running:
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

    def said(self, process: Running) -> str:
        """Return the output of a process so far, whether `start` or `subprocess` started it."""
        text: str = process.log.read_text()
        return text

    def emulator(self, *arguments: object) -> str:
        """Start an emulator whose windows pass at once, and crawl it from now on; return its URL."""
        process = self.emulating = self.start("emulator", "--port", "0", "--time-scale", "36000", *arguments)
        until(lambda: "begin with" in self.said(process) or process.poll() is not None)
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

    def status(self) -> dict[str, Any]:
        done = self.run("status", "--json")
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


@pytest.fixture
def place(spawner: Spawner) -> Iterator[Place]:
    yield from _place(spawner)


@pytest.fixture(scope="module")
def shared_place(spawner: Spawner) -> Iterator[Place]:
    """One place for all tests of a module."""
    yield from _place(spawner)


def _place(spawner: Spawner) -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="tw") as directory:
        place = Place(Path(directory), spawner)
        yield place
        place.end()
