"""Commands that a signal meets at a fault point: killed there, or held until the test lets them go on."""

import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep
from typing import Any

_ARMED = """
import os, signal, sys
from twittomatic import faultpoint

left = {time}

def hook(name):
    global left
    left -= name == "{point}"
    if not left:
        left = -1
        os.kill(os.getpid(), {number})

faultpoint.arm(hook)
from twittomatic.cli import main
main()
"""


def killed_at(place: Any, point: str, *arguments: str, time: int = 1) -> None:
    """Give a command, and see it killed when it comes to a fault point for the nth time."""
    process = _start(place, point, arguments, time, signal.SIGKILL)
    assert process.wait(110) == -signal.SIGKILL, place.said(process)


def stopped_at(place: Any, point: str, *arguments: str, time: int = 1) -> "subprocess.Popen[str]":
    """Give a command, and return when it stands still at a fault point."""
    process = _start(place, point, arguments, time, signal.SIGSTOP)
    deadline = monotonic() + 110
    while Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        assert process.poll() is None, place.said(process)
        assert monotonic() < deadline, place.said(process)
        sleep(0.01)
    return process


def goes_on(place: Any, process: "subprocess.Popen[str]") -> int:
    """Let a command go on, and return its exit code; what it said stands in `place.said(process)`."""
    process.send_signal(signal.SIGCONT)
    return process.wait(110)


def _start(
    place: Any, point: str, arguments: tuple[str, ...], time: int, number: int
) -> "subprocess.Popen[str]":
    log = place.directory / f"said-{point}-{time}-{monotonic()}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", _ARMED.format(point=point, time=time, number=int(number)), *arguments],
            cwd=place.directory,
            env=place.environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    process.log = log  # type: ignore[attr-defined]
    place._processes.append(process)
    return process
