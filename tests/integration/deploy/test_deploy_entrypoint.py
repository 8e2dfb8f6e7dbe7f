"""What runs in a container: which ends Docker takes for a failure, and what comes back after one."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

# Ends with the code in `code`, or by SIGTERM with 130, and leaves its arguments in `said`.
PROGRAM = """#!/bin/sh
trap 'echo told >> said; exit 130' TERM
echo "$@" >> said
while [ ! -e code ]; do sleep 0.01; done
exit "$(cat code)"
"""


def hear_signals() -> None:
    """Ignore none, as in a container: a shell cannot trap what its caller, such as a job, ignores."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def container(deploy: Path, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Start the entry point in a container's place, which survives its processes."""
    program = tmp_path / "bin" / "twittomatic"
    program.parent.mkdir()
    program.write_text(PROGRAM)
    program.chmod(0o755)
    environment = os.environ | {"PATH": f"{program.parent}:{os.environ['PATH']}", "TMPDIR": str(tmp_path)}
    started = []

    def start(*arguments: str) -> Any:
        process = subprocess.Popen(
            [deploy / "entrypoint.sh", *arguments],
            cwd=tmp_path,
            env=environment,
            preexec_fn=hear_signals,
        )
        started.append(process)
        return process

    yield start
    (tmp_path / "code").write_text("0")
    for process in started:
        process.wait(60)


@pytest.mark.parametrize(("code", "seen"), [(0, 0), (2, 0), (3, 0), (130, 0), (1, 1), (137, 137)])
def test_ends_that_are_meant_are_no_failure(container: Any, tmp_path: Path, code: int, seen: int) -> None:
    (tmp_path / "code").write_text(str(code))
    assert container("status", "--json").wait(60) == seen
    assert (tmp_path / "said").read_text() == "status --json\n"


@pytest.mark.parametrize(("code", "again"), [(137, "master -F --standby"), (3, "master -F")])
def test_a_master_that_died_comes_back_as_a_standby(
    container: Any, tmp_path: Path, code: int, again: str
) -> None:
    (tmp_path / "code").write_text(str(code))
    container("master", "-F").wait(60)
    (tmp_path / "code").write_text("0")
    assert container("master", "-F").wait(60) == 0
    assert container("master", "-F").wait(60) == 0
    assert (tmp_path / "said").read_text().splitlines() == ["master -F", again, "master -F"]


def test_a_container_that_was_killed_comes_back_as_a_standby(container: Any, tmp_path: Path) -> None:
    first = container("master", "-F")
    until((tmp_path / "said").exists)
    first.kill()
    first.wait(60)
    (tmp_path / "code").write_text("0")
    assert container("master", "-F").wait(60) == 0
    assert (tmp_path / "said").read_text().splitlines() == ["master -F", "master -F --standby"]


def test_a_worker_is_called_as_its_container(container: Any, tmp_path: Path) -> None:
    (tmp_path / "code").write_text("0")
    assert container("worker", "--processes", "2").wait(60) == 0
    assert (tmp_path / "said").read_text() == f"worker {os.uname().nodename} --processes 2\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_passed_on_and_waited_for(container: Any, tmp_path: Path, number: int) -> None:
    process = container("worker")
    until((tmp_path / "said").exists)
    process.send_signal(number)
    assert process.wait(60) == 0
    assert (tmp_path / "said").read_text().endswith("told\n")


def until(condition: Callable[[], object]) -> None:
    deadline = monotonic() + 60
    while not condition():
        assert monotonic() < deadline
        sleep(0.005)
