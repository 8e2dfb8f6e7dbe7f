"""The clock by which leases and permits age counts the sleep of the machine."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import twittomatic

_CODE = "import time; from twittomatic.clock import steady_s; print(steady_s() - time.monotonic())"
_ROOMS = ("state", "fetch")
_LAWFUL = {"embedded/process.py", "embedded/supervision.py"}  # how long a child process is waited for


def test_a_machine_that_has_slept_is_older_than_its_monotonic_clock() -> None:
    slept = ["unshare", "--map-root-user", "--time", "--boottime", "1000", "--fork"]
    if sys.platform != "linux" or subprocess.run([*slept, "true"], capture_output=True).returncode:
        pytest.skip("no time namespace can be made here")
    awake, asleep = (
        float(subprocess.run([*before, sys.executable, "-c", _CODE], check=True, capture_output=True).stdout)
        for before in ([], slept)
    )
    assert asleep - awake == pytest.approx(1000, abs=1)


@pytest.mark.parametrize("room", _ROOMS)
def test_nothing_ages_by_a_clock_that_stops(room: str) -> None:
    root = Path(twittomatic.__file__).parent / room
    found = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if re.search(r"\btime\.monotonic\(", path.read_text())
    }
    assert found <= _LAWFUL
