"""How the programs of other projects are found and run."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

HERE = Path(__file__).parent
INSTALLED = HERE.parents[1] / ".services"
_TIMEOUT_S = 200

Peer = Callable[[Sequence[str | Path]], str]
"""Runs a program with these arguments and returns what it prints; a program that fails fails the test."""


def need(is_there: object, what: str) -> None:
    """Skip the test if a program is missing; in CI it fails.

    Args:
        is_there: Whether it is installed.
        what: Its name, and how it is installed.
    """
    if not is_there:
        pytest.fail(f"no {what}") if os.environ.get("CI") else pytest.skip(f"no {what}")


def run(command: Sequence[str | Path], directory: Path, **environment: str) -> str:
    """Run a command in a directory and return what it prints."""
    done = subprocess.run(
        list(map(str, command)),
        cwd=directory,
        env={**os.environ, "LC_ALL": "C.UTF-8", **environment},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
