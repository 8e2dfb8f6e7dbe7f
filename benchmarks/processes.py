"""Our commands as separate processes, for benchmarks and screenshots."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

COMMAND = (sys.executable, "-c", "from twittomatic.cli import main; main()")
_DEADLINE_S = 120.0


class Processes:
    """Processes that run in one directory, without the settings of the process that starts them.

    Args:
        directory: Theirs.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.all: list[subprocess.Popen[bytes]] = []
        self._environment = {
            name: text for name, text in os.environ.items() if not name.startswith("TWITTOMATIC_")
        }

    def set(self, **settings: str) -> None:
        """Add settings for all processes started later."""
        self._environment |= {f"TWITTOMATIC_{name.upper()}": text for name, text in settings.items()}

    def start(self, *arguments: str, until: str) -> str:
        """Start a command; return its output once it contains a pattern."""
        said = self.directory / f"said-{len(self.all)}.log"
        with said.open("wb") as output:
            process = subprocess.Popen(
                [*COMMAND, *arguments],
                cwd=self.directory,
                env=self._environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.all.append(process)
        wait(lambda: re.search(until, said.read_text()), f"{arguments[0]} did not say {until}")
        return said.read_text()

    def end(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End all processes, the newest first."""
        for process in reversed(self.all):
            process.send_signal(how)
            process.wait()


def wait(condition: Callable[[], object], otherwise: str = "it never came true") -> None:
    """Wait for a condition until a deadline."""
    give_up_at = time.monotonic() + _DEADLINE_S
    while not condition():
        if time.monotonic() > give_up_at:
            raise TimeoutError(otherwise)
        time.sleep(0.05)
