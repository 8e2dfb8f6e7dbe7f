"""Conditions that tests of several processes wait for, and the check that nothing was lost."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import spawner

COMMAND = [sys.executable, "-c", spawner.COMMAND]  # executed, for what `Place.start` cannot show
DEADLINE_S = 110.0  # for a machine that is busy; a crawl here takes a tenth of it


def wait_for(condition: Callable[[], object], place: Any, *processes: Any) -> None:
    deadline = monotonic() + DEADLINE_S
    while not condition():
        assert monotonic() < deadline, [place.said(process) for process in processes]
        sleep(0.005)


def until(place: Any, count: int, *processes: Any) -> None:
    wait_for(lambda: len(place.files("fws")) >= count, place, *processes)


def exact(place: Any, wanted: Sequence[tuple[int, int]]) -> None:
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
    except OSError:  # gone in this moment, or there is no /proc
        return not Path("/proc/self").exists()
