"""Commands that a signal meets at a fault point: killed there, or stopped until the test continues them."""

import signal
from pathlib import Path
from time import monotonic, sleep

from spawner import Running

from support.workspace import Workspace


def killed_at(place: Workspace, point: str, *arguments: str, time: int = 1) -> None:
    """Run a command until it is killed at a fault point, which it reaches for the nth time."""
    process = place.start(*arguments, armed={"point": point, "nth": time, "how": "kill"})
    assert process.wait(110) == -signal.SIGKILL, place.said(process)


def stopped_at(place: Workspace, point: str, *arguments: str, time: int = 1) -> Running:
    """Start a command, and return when it has stopped at a fault point."""
    process: Running = place.start(*arguments, armed={"point": point, "nth": time, "how": "stop"})
    deadline = monotonic() + 110
    while Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        assert process.poll() is None, place.said(process)
        assert monotonic() < deadline, place.said(process)
        sleep(0.01)
    return process


def continued(process: Running) -> int:
    """Continue a stopped command, and return its exit code; its output is in `place.said(process)`."""
    process.send_signal(signal.SIGCONT)
    return process.wait(110)
