"""The programs that researchers read a dataset with, in a separate environment."""

import os
import subprocess
from pathlib import Path

import pytest

INSTALLED = Path(__file__).parents[2] / ".services" / "readers"


def read(command: list[str], place: Path) -> str:
    """Run a command in a directory with these programs, and return what it prints, errors included.

    Skips the test that calls where they are not installed; in CI it fails.
    """
    if not (INSTALLED / "installed").exists():
        if os.environ.get("CI"):
            pytest.fail("the readers are missing; tests/services/readers/install tells why")
        pytest.skip("the readers are missing: tests/services/readers/install")
    programs = f"{INSTALLED / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=place,
        env={**os.environ, "PATH": programs, "HOME": str(place)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
