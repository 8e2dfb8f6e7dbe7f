"""Several processes under one command: which are restarted, and the exit code of the command."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.workspace import Workspace, alive, wait_for
from twittomatic.app.stop import Stop
from twittomatic.cli import supervisor
from twittomatic.cli.child import STOPPED

# It writes a line when it starts, obeys SIGTERM as a worker does, and ends as a file of that name says.
CHILD = """
import os, pathlib, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
name = sys.argv[-1]
with open(f"{name}.lives", "a") as lives:
    lives.write(f"{os.getpid()}\\n")
orders = pathlib.Path(f"{name}.orders")
while True:
    words = orders.read_text().split() if orders.exists() else []
    lived = pathlib.Path(f"{name}.lives").read_text().count("\\n")
    if lived <= len(words):
        word = int(words[lived - 1])
        if word < 0:
            signal.signal(-word, signal.SIG_DFL) if word != -9 else None
            os.kill(os.getpid(), -word)
        os._exit(word)
    time.sleep(0.005)
"""


@pytest.fixture
def family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], supervisor.Supervisor]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(supervisor, "_FIRST_DELAY_S", 0.01)
    return lambda: supervisor.Supervisor("w", [sys.executable, "-S", "-c", CHILD])


def order(name: str, *codes: int) -> None:
    """Say how the first lives of a child end."""
    Path(f"{name}.orders").write_text(" ".join(map(str, codes)))


def lives(name: str) -> list[int]:
    path = Path(f"{name}.lives")
    return [int(pid) for pid in path.read_text().split()] if path.exists() else []


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.mark.parametrize(("code", "ends"), [(0, 0), (2, 2), (3, 3), (STOPPED, 1)])
async def test_what_one_ends_for_holds_for_all(family: Any, capfd: Any, code: int, ends: int) -> None:
    order("w.1", code)
    assert await family().keep(2) == ends
    assert [len(lives("w.1")), len(lives("w.2"))] in ([1, 1], [1, 0])  # the other one may never have begun
    assert "restarts" not in capfd.readouterr().err


async def test_a_process_that_dies_is_restarted_with_the_reason(family: Any, capfd: Any) -> None:
    order("w.1", 1, -signal.SIGKILL, 17, -signal.SIGRTMIN - 1, 0)
    assert await family().keep(2) == 0
    assert len(lives("w.1")) == 5
    said = [line for line in capfd.readouterr().err.splitlines() if "restarts" in line]
    assert said == [
        "w.1 ended with exit code 1; it restarts in 0.01 s.",
        "w.1 ended with signal SIGKILL; it restarts in 0.02 s.",
        "w.1 ended with exit code 17; it restarts in 0.04 s.",
        f"w.1 ended with signal {signal.SIGRTMIN + 1}; it restarts in 0.08 s.",
    ]


async def test_a_process_signalled_alone_leaves_alone(family: Any) -> None:
    kept = asyncio.ensure_future(family().keep(2))
    await until(lambda: lives("w.1") and lives("w.2"))
    order("w.1", 130)
    order("w.2", 1, 0)
    assert await kept == 0
    assert (len(lives("w.1")), len(lives("w.2"))) == (1, 2)


async def test_no_process_is_restarted_after_one_ended_for_all(
    family: Any, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    """A worker that began after the crawl was finished would wait for a master for ever."""
    monkeypatch.setattr(supervisor, "_FIRST_DELAY_S", 600.0)
    kept = asyncio.ensure_future(family().keep(2))
    await until(lambda: lives("w.1") and lives("w.2"))
    order("w.2", -signal.SIGKILL)
    said = ""

    def heard() -> bool:
        nonlocal said
        said += capfd.readouterr().err
        return "restarts" in said

    await until(heard)
    order("w.1", STOPPED)
    assert await kept == 1
    assert len(lives("w.2")) == 1


async def test_a_signal_is_passed_on_once(family: Any) -> None:
    stop = Stop()
    with stop.active():
        kept = asyncio.ensure_future(family().keep(2))
    await until(lambda: lives("w.1") and lives("w.2"))
    stop.request()
    assert await kept == 130
    assert (len(lives("w.1")), len(lives("w.2"))) == (1, 1)


async def test_a_program_that_cannot_be_started_is_tried_again(family: Any, capfd: Any) -> None:
    missing = supervisor.Supervisor("w", ["/no/such/program"])
    stop = Stop()
    with stop.active():
        kept = asyncio.ensure_future(missing.keep(1))
    said = ""

    def heard() -> bool:
        nonlocal said
        said += capfd.readouterr().err
        return "in 0.04 s" in said

    await until(heard)
    assert "w.1 ended with No such file or directory; it restarts in 0.01 s." in said
    stop.request()
    assert await kept == 130


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_child_leaves_when_its_parent_is_gone(how: int, tmp_path: Path) -> None:
    """Its standard input says so, before anything else of it has begun."""
    child = (
        "import os, signal, sys, threading\n"
        "signal.signal(signal.SIGTERM, lambda *_: os._exit(44))\n"
        "from twittomatic.cli import child, commands\n"
        "commands.run = lambda code_of: (open('ready', 'w').close(), threading.Event().wait())\n"
        "child.main()\n"
    )
    parent = (
        "import subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}], stdin=subprocess.PIPE)\n"
        "open('pid', 'w').write(str(child.pid))\n"
        "child.wait()\n"
    )
    with (
        (tmp_path / "said").open("w") as said,
        subprocess.Popen([sys.executable, "-c", parent], cwd=tmp_path, stdout=said, stderr=said) as process,
    ):
        asyncio.run(until((tmp_path / "ready").exists))
        process.send_signal(how)
        process.wait(60)
        asyncio.run(until(lambda: "The parent of this process is gone" in (tmp_path / "said").read_text()))
        pid = int((tmp_path / "pid").read_text())
        asyncio.run(until(lambda: not alive(pid)))


def test_settings_reach_the_processes_without_being_shown(place: Workspace) -> None:
    place.set(redis_url="", x_api_url="http://127.0.0.1:1")
    worker = place.start(
        "worker", "--processes", "2", "--x-bearer-tokens", "s3cret-t0ken", "--crawl", "other", "--", "w"
    )
    children = Path(f"/proc/{worker.pid}/task/{worker.pid}/children")
    wait_for(lambda: len(children.read_text().split()) == 2, place, worker)

    def environment(pid: str) -> bytes:
        return Path(f"/proc/{pid}/environ").read_bytes()

    wait_for(
        lambda: all(b"s3cret" in environment(pid) for pid in children.read_text().split()), place, worker
    )
    for number, pid in enumerate(children.read_text().split(), start=1):
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
        assert arguments[-3:] == [b"worker", b"--", f"w.{number}".encode()]
        assert b"TWITTOMATIC_CRAWL=other" in environment(pid).split(b"\0")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(60) == 130
