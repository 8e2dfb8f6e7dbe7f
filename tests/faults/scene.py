"""Set up a fault test: a world, its emulator, a state server, and commands that may be killed."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from spawner import Running, Spawner

from twittomatic.emulator import ChangingWorld, Emulator, RunningEmulator, parse_faults, serve
from twittomatic.state.embedded.launch import launch
from twittomatic.state.embedded.process import wait_until_ready

DEADLINE_S = 110.0  # for a busy machine
LEASE_S = 1
TIME_SCALE = 900.0  # a window lasts a second
_T = TypeVar("_T")


class Scene:
    """The world, emulator, state server and commands of one fault test.

    Args:
        directory: Its own directory, with a path short enough for a socket.
        spawner: Starts the commands.
        world: What the emulator serves.
        faults: Faults of the emulator, as `--faults` takes them.
        seed: Seed of the faults.
    """

    def __init__(
        self, directory: Path, spawner: Spawner, world: ChangingWorld, *, faults: str = "", seed: int = 0
    ) -> None:
        self.directory = directory
        self.world = world
        self._spawner = spawner
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.emulator = Emulator(
            world, time_scale=TIME_SCALE, faults=parse_faults(faults, seed=seed, world=world)
        )
        self._served: RunningEmulator = self._in_loop(serve(self.emulator))
        self._state = directory / "state"
        self._state.mkdir()
        self.redis_url = self._in_loop(self._launched())
        self.commands: list[Running] = []
        self.environment = {
            "PATH": os.environ["PATH"],
            "TWITTOMATIC_X_API_URL": self._served.url,
            "TWITTOMATIC_X_BEARER_TOKENS": "trial-by-fire",
            "TWITTOMATIC_REDIS_URL": self.redis_url,
            "TWITTOMATIC_LEASE_S": str(LEASE_S),
            "TWITTOMATIC_CONCURRENCY": "2",
            "TWITTOMATIC_ON_MASTER_LOSS": "wait",
            "TWITTOMATIC_REQUEST_TIMEOUT_S": "5",
            "TWITTOMATIC_MAX_ATTEMPTS": "50",
        }

    def start(
        self, name: str, *arguments: object, armed: Mapping[str, Any] | None = None, **settings: object
    ) -> Running:
        """Start a command with additional settings."""
        own = {f"TWITTOMATIC_{key.upper()}": str(value) for key, value in settings.items()}
        running = self._spawner.start(
            name,
            [str(argument) for argument in arguments],
            directory=self.directory,
            environment={**self.environment, **own},
            armed=armed,
        )
        self.commands.append(running)
        return running

    def run(self, *arguments: object, **settings: object) -> str:
        """Run a command and return its output."""
        running = self.start(str(arguments[0]), *arguments, **settings)
        assert running.wait(DEADLINE_S) == 0, (arguments, running.returncode, running.said())
        return running.said()

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait for a condition."""
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline, f"{what}\n{self.said()}"
            time.sleep(0.005)

    def kill_server(self) -> None:
        """Kill the state server, and restart it with the data that it left."""
        pid = int((self._state / "valkey.pid").read_text())
        os.kill(pid, signal.SIGKILL)
        self._in_loop(self._launched())

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("status", "--json").splitlines()[-1])
        return found

    def report(self) -> dict[str, Any]:
        """Return the emulator's report, read in its own thread."""

        async def read() -> dict[str, Any]:
            return self.emulator.report()

        return self._in_loop(read())

    def frontier(self) -> list[int]:
        """Return the ids in the frontier."""
        self.run("frontier", "export", "frontier.gz")
        with gzip.open(self.directory / "frontier.gz", "rt") as lines:
            return [int(line) for line in lines]

    def write(self, name: str, user_ids: Sequence[int]) -> str:
        """Write a file of targets, and return its name."""
        (self.directory / name).write_text("".join(f"{user_id}\n" for user_id in user_ids))
        return name

    def said(self) -> str:
        """Return the latest output of each command, to explain a failure."""
        return "\n".join(
            f"--- {one.name} ({one.returncode}): {one.said()[-600:]}" for one in self.commands[-12:]
        )

    def close(self) -> None:
        """Stop everything that was started here."""
        for running in self.commands:
            running.kill()
            running.wait(DEADLINE_S)
        os.kill(int((self._state / "valkey.pid").read_text()), signal.SIGKILL)
        self._in_loop(self._served.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _launched(self) -> str:
        deadline = time.monotonic() + DEADLINE_S
        while True:  # the lock of a server that was killed is free a moment later
            try:
                await launch(self._state)
                return await wait_until_ready(self._state)
            except Exception:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.01)

    def _in_loop(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(DEADLINE_S)
