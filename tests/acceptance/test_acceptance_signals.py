"""A signal ends every command with 130, at whatever moment it comes, and leaves nothing reserved."""

import fcntl
import json
import os
import pty
import signal
import subprocess
import termios
from pathlib import Path
from typing import Any

import pytest

from support.workspace import COMMAND, DEADLINE_S, Workspace, exact, wait_for

EDGES = [(star, 10_000 * star + i) for star in (1, 2) for i in range(1500)]

# Sends itself a signal when it comes to a function of ours for the first time, and notes that it did.
_DRIVER = """
import os, sys, threading

(module, _, name), number = sys.argv[1].partition(":"), int(sys.argv[2])
del sys.argv[1:3]

def look(frame, event, argument):
    if event == "call" and frame.f_code.co_qualname == name and frame.f_globals["__name__"] == module:
        sys.setprofile(None)
        if not os.path.exists("came"):
            open("came", "w").close()
            os.kill(os.getpid(), number)

from twittomatic import cli
sys.setprofile(look)
threading.setprofile(look)
cli.main()
"""

CRAWL = ("crawl", "-F", "--budget-usd", "100", "1", "2")


def signalled(place: Workspace, moment: str, *arguments: str, number: int = signal.SIGHUP) -> int:
    """Run a command that gets a signal at a moment, and return its exit code."""
    (place.directory / "came").unlink(missing_ok=True)
    done = place.run_program(_DRIVER, f"twittomatic.{moment}", int(number), *arguments)
    assert (place.directory / "came").exists(), (moment, done.stderr)
    assert "Traceback" not in done.stderr
    assert "bug in Twittomatic" not in done.stderr
    return done.returncode


@pytest.mark.parametrize(
    "moments",
    [
        (
            "cli.commands:run",
            "cli.runner:run_async",
            "state.embedded.server:embedded",
            "state.account:Account.accept",
        ),
        ("fetch.fetcher:Fetcher.check", "crawler.master:Master.seed", "storage.journal:Journal.__init__"),
        ("storage.part:PartFile.append", "app.lead:tidy", "state.leadership:Leadership.resign"),
    ],
)
def test_a_crawl_ends_with_130_at_any_moment(place: Workspace, moments: tuple[str, ...]) -> None:
    place.emulator("--graph", place.graph(EDGES))
    for moment in moments:
        assert signalled(place, moment, *CRAWL) == 130, moment
    assert place.status()["reserved_usd"] == 0
    assert place.run(*CRAWL).returncode == 0
    exact(place, EDGES)
    assert place.report()["repeated_pages"] == 0


@pytest.mark.parametrize(
    ("moment", "arguments"),
    [
        ("app.work:_options_of_master", ("worker", "w")),
        ("fetch.fetcher:Fetcher.check", ("worker", "w")),
        ("cli.supervisor:Supervisor._keep_one", ("worker", "w", "--processes", "2")),
        ("app.standby:Standby._decide", ("master", "-F", "--standby")),
    ],
)
def test_workers_and_standbys_end_with_130(place: Workspace, moment: str, arguments: tuple[str, ...]) -> None:
    place.emulator("--graph", place.graph(EDGES))
    master = place.start("master", "-F", "--budget-usd", "100", "--stream", place.write("ids", "1\n2\n"))
    wait_for(lambda: "leads" in place.said(master), place, master)
    assert signalled(place, moment, *arguments) == 130
    assert place.status()["reserved_usd"] == 0
    master.send_signal(signal.SIGHUP)
    assert master.wait(DEADLINE_S) == 130


@pytest.mark.parametrize(
    ("moment", "arguments"),
    [
        ("web.monitor.serving:monitored", ("monitor", "--monitor-port", "0")),
        ("web.monitor.sampler:Sampler.run", ("monitor", "--monitor-port", "0")),
        ("sinks.lookup.store:ProfileStore.__init__", ("lookup", "--lookup-port", "0")),
        ("sinks.consumer:Consumer.run", ("indexer", "--elasticsearch-url", "http://127.0.0.1:1")),
        ("sinks.stats.recorder:Recorder.run", ("stats", "record", "rates.gz")),
        ("emulator.build:bundled_graph", ("emulator", "--port", "0")),
        ("cli.emulator:_suggested_user", ("emulator", "--port", "0", "--users", "9")),
        ("storage.verify:verify", ("verify", "--output-directory", ".")),
        ("app.checks.network:check_api", ("doctor", "--x-api-url", "http://127.0.0.1:1")),
    ],
)
def test_services_and_checks_end_with_130(place: Workspace, moment: str, arguments: tuple[str, ...]) -> None:
    assert signalled(place, moment, *arguments) == 130


def test_a_closed_terminal_ends_a_crawl_and_no_error_of_the_terminal_does(place: Workspace) -> None:
    place.emulator("--graph", place.graph(EDGES), "--faults", "slow=1")
    for star, ignored in (("1", False), ("2", True)):
        asked = place.report()["requests"].get("followers", 0)
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [*(["nohup"] if ignored else []), *COMMAND, *CRAWL[:-2], star],
            cwd=place.directory,
            env={**place.environment, "TERM": "xterm"},
            stdin=theirs,
            stdout=theirs if not ignored else subprocess.DEVNULL,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(theirs)
        wait_for(lambda asked=asked: place.report()["requests"].get("followers", 0) > asked, place)
        os.close(ours)
        assert process.wait(DEADLINE_S) == (0 if ignored else 130)
        assert place.status()["reserved_usd"] == 0


@pytest.mark.parametrize("closed", [(1,), (0, 1, 2)])
def test_closed_standard_streams_end_no_command(place: Workspace, closed: tuple[int, ...]) -> None:
    place.emulator("--graph", place.graph([(1, 2)]))

    def close() -> None:
        for descriptor in closed:
            os.close(descriptor)

    for arguments in (("crawl", "-F", "1"), ("status",), ("verify",)):
        done = subprocess.Popen(
            [*COMMAND, *arguments], cwd=place.directory, env=place.environment, preexec_fn=close
        )
        assert done.wait(DEADLINE_S) == 0, arguments
    # Nothing that was opened took the place of a stream: the log holds lines of the log alone.
    for log in (place.directory / "logs").glob("*.jsonl"):
        for line in log.read_text().splitlines():
            assert json.loads(line)["process"]


def test_output_that_is_lost_loses_no_work(place: Workspace) -> None:
    place.emulator("--graph", place.graph([(1, 2), (2, 3)]))

    def run(output: Any, *arguments: str, errors: Any = subprocess.PIPE) -> tuple[int, str]:
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=place.directory,
            env=place.environment,
            stdout=output,
            stderr=errors,
            text=True,
        )
        said = process.communicate(timeout=60)[1] or ""
        assert "bug in Twittomatic" not in said
        assert "Traceback" not in said
        return process.returncode, said

    with Path("/dev/full").open("wb") as full:  # opened to write, so it stays what it is
        code, said = run(full, "crawl", "-F", "1")
        assert code == 1
        assert "Standard output cannot be written (No space left on device)" in said
        assert place.status()["phase"] == "finished"
        assert run(full, "status")[0] == 1
        assert run(subprocess.DEVNULL, "verify", errors=full)[0] == 0
    for arguments, expected in (("crawl", "-F", "2"), 0), (("status",), 1):
        reader, writer = os.pipe()
        os.close(reader)
        assert run(writer, *arguments)[0] == expected
        os.close(writer)
    assert sorted(path.stem for path in place.files("fws")) == ["1", "2"]
