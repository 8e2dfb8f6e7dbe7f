"""The command line of faults: a real process, asked over HTTP."""

import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

COMMAND = [sys.executable, "-c", "from twittomatic.cli import main; main()", "emulator", "--port", "0"]
LINE = re.compile(r" \* Emulator of the X API on (http://127\.0\.0\.1:[0-9]+/)\n")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Start the command: `start(*arguments)` returns its URL; it is ended in the end."""
    started = []

    def start(*arguments: str) -> str:
        process = subprocess.Popen([*COMMAND, *arguments], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        found = LINE.fullmatch(process.stdout.readline())
        assert found
        return found[1]

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=60)


def statuses(url: str) -> list[int]:
    headers = {"Authorization": "Bearer t"}
    asked = [
        requests.get(f"{url}2/users", params={"ids": "1"}, headers=headers, timeout=60) for _ in range(30)
    ]
    return [answer.status_code for answer in asked]


def test_the_seed_decides_and_the_report_counts(start: Callable[..., str]) -> None:
    spec = ["--users", "10", "--faults", "5xx=0.3,429=0.2,402#7x2"]
    first, same, other = (start(*spec, "--seed", seed) for seed in ("1", "1", "2"))
    seen = statuses(first)
    assert seen == statuses(same) != statuses(other)
    assert seen[6:8] == [402, 402]
    faults = requests.get(f"{first}_emulator/report", timeout=60).json()["faults"]
    assert faults == {
        "5xx": sum(status >= 500 for status in seen),
        "429": seen.count(429),
        "402": 2,
    }


def test_the_world_of_the_command_can_change(start: Callable[..., str], tmp_path: Path) -> None:
    graph = tmp_path / "graph"
    graph.write_text("1 2\n3 4\n5 6\n")
    url = start("--graph", str(graph), "--faults", "arrive#1")
    answer = requests.get(f"{url}2/users/1/followers", headers={"Authorization": "Bearer t"}, timeout=60)
    *newcomers, last = (user["id"] for user in answer.json()["data"])
    assert newcomers
    assert last == "2"


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("5xx=0.1,fire=0.1", "Error: there is no fault 'fire' (in 'fire=0.1'); there are 5xx, "),
        ("\x1b[31m=\n", "Error: there is no fault '"),
        ("cut=0.7,junk=0.7", "Error: the rates of the faults on 'users' add up to 1.4"),
    ],
)
def test_a_bad_specification_is_refused_in_one_line(tmp_path: Path, spec: str, said: str) -> None:
    done = subprocess.run(
        [*COMMAND, "--users", "5", "--faults", spec],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith(said)
    assert line.isprintable()


@pytest.mark.parametrize("kind", ["reset", "reset-billed"])
def test_a_reset_is_one_on_the_wire(start: Callable[..., str], kind: str) -> None:
    url = start("--users", "5", "--faults", f"{kind}=1")
    port = int(url.rstrip("/").rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=60) as wire:
        wire.sendall(b"GET /2/users?ids=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            wire.recv(65536)
