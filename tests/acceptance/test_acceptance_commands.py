"""The other commands, as a user gives them."""

import gzip
import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from typing import Any

import msgspec
import pytest

from support.workspace import DEADLINE_S, Workspace, wait_for
from twittomatic.cli.commands import COMMANDS
from twittomatic.networks.x import limits, prices
from twittomatic.networks.x.prices import LISTED
from twittomatic.settings import load


@pytest.fixture
def world(place: Workspace) -> Any:
    place.emulator("--graph", place.graph([(1, 2), (1, 3), (2, 4)]))
    return place


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command(place: Workspace, command: str) -> None:
    done = place.run(command, "--help")
    assert done.returncode == 0
    assert "Usage: twittomatic" in done.stdout
    assert command in place.run("--help").stdout


def test_what_init_writes_is_the_default(place: Workspace) -> None:
    assert place.run("init").returncode == 0
    path = place.directory / "twittomatic.toml"
    nothing = place.write("nothing.toml", "")
    lines = [
        line.removeprefix("# ") for line in path.read_text().splitlines() if re.match(r"# (\[|\w+ = )", line)
    ]
    every = load({}, {}, place.write("every.toml", "\n".join(lines)))
    assert msgspec.structs.replace(prices.of(every.prices), source=LISTED.source) == LISTED
    assert limits.of(every.limits).by_kind == limits.DOCUMENTED.by_kind
    assert msgspec.structs.replace(every, prices={}, limits={}) == load({}, {}, nothing)
    again = place.run("init")
    assert again.returncode == 2
    assert "--force" in again.stderr
    assert place.run("init", "--force").returncode == 0


def test_status_as_json_before_and_after(world: Any) -> None:
    before = world.status()
    assert before["phase"] == "idle"
    assert world.run("crawl", "-F", "-A", "--max-depth", "1", "1").returncode == 0
    after = world.status()
    for status in (before, after):
        assert {"crawl", "phase", "reason", "frontier", "seen", "jobs", "spent_usd", "budget_usd"} <= set(
            status
        )
        assert set(status["jobs"]) == {"timeline", "follower", "analyzer", "update"}
        assert set(status["jobs"]["follower"]) == {"ready", "leased", "delayed", "dead", "completed"}
        assert set(status["master"]) == {"name", "epoch"}
        assert status["workers"] == []
    assert (after["phase"], after["frontier"], after["seen"]) == ("finished", 1, 4)
    assert after["jobs"]["follower"]["completed"] == 3
    assert after["spent_usd"] == pytest.approx(0.03)
    assert "finished" in world.run("status").stdout


def test_verify_names_what_is_wrong(world: Any) -> None:
    assert world.run("crawl", "-T", "-F", "-A", "--max-depth", "1", "1").returncode == 0
    good = world.run("verify")
    assert good.returncode == 0
    path = world.directory / "data" / "1" / "1.fws"
    content = path.read_bytes()
    for bad in (content[:-1], content[:20] + bytes([content[20] ^ 1]) + content[21:], b""):
        path.write_bytes(bad)
        done = world.run("verify")
        assert done.returncode == 1
        assert all(line.startswith("1/1.fws: ") for line in done.stdout.splitlines())
    path.unlink()
    done = world.run("verify")
    assert done.returncode == 1
    assert "1/1.fws" in done.stdout
    path.write_bytes(content)
    assert world.run("verify").returncode == 0


def test_doctor(world: Any) -> None:
    done = world.run("doctor")
    assert done.returncode == 0, done.stdout
    for what in ("Python", "State", "Files", "Disk", "API", "Clock", "Token"):
        assert f" {what}" in done.stdout
    assert "s3cret-t0ken" not in done.stdout
    assert not (world.directory / "data").exists()
    assert world.report()["bill_usd"] == 0
    done = world.run("doctor", "--x-api-url", "http://127.0.0.1:1")
    assert done.returncode == 1
    assert "FAILED   API" in done.stdout


def test_doctor_says_what_is_wrong_with_prices_and_limits(world: Any) -> None:
    world.write("twittomatic.toml", "[limits]\nfollower = 3\n")
    done = world.run("doctor")
    assert done.returncode == 1
    assert "FAILED   Limits   [limits] follower: there is no such endpoint" in done.stdout
    assert "ok       Prices" in done.stdout
    assert "ok       API" in done.stdout


def test_the_help_of_crawl_shows_what_it_needs(place: Workspace) -> None:
    shown = place.run("crawl", "--help").stdout
    for flag in ("--x-user-tokens", "--state-directory", "--lease-s"):
        assert flag in shown
    done = place.run("crawl", "-F", "1", "--budget-usd", "1")
    assert done.returncode == 2
    assert "X_USER_TOKENS" in done.stderr


def shown_phase(url: str) -> str:
    with urllib.request.urlopen(f"{url}api/status") as answer:
        return str(json.load(answer)["phase"])


@pytest.mark.timeout(600)  # a whole demo, on a busy machine
def test_demo_with_its_monitor(place: Workspace) -> None:
    demo = place.start("demo", "--serve", "--monitor-port", "0")
    wait_for(lambda: "stays open" in place.said(demo) or demo.poll() is not None, place, demo)
    said = place.said(demo)
    assert "What to distrust" in said
    assert re.search(r"follows +22,259\b", said)
    assert (place.directory / "demo/graph.png").read_bytes().startswith(b"\x89PNG")
    assert "At X this would have cost about $" in said
    assert "twittomatic plan" not in said, "no advice that is of no use here"
    assert len([line for line in said.splitlines() if not line.startswith("running:")]) < 65, "a screenful"
    [url] = re.findall(r"Running on (\S+)", said)
    wait_for(lambda: shown_phase(url) == "finished", place, demo)  # it looks once a second
    demo.send_signal(signal.SIGINT)
    assert demo.wait(DEADLINE_S) == 0
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"{url}healthz")
    assert place.run("verify", "--output-directory", "demo/data").returncode == 0
    place.write("mine", "")
    (place.directory / "other").mkdir()
    done = place.run("demo", "--directory", "other")
    assert done.returncode == 2
    assert (place.directory / "other").is_dir()


def test_a_demo_whose_monitor_has_no_port_does_not_start(place: Workspace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = place.run("demo", "--serve", "--monitor-port", str(port))
    assert done.returncode == 2
    assert done.stderr == (
        f"Error: Port {port} cannot be used (Address already in use); name another --monitor-port.\n"
    )
    assert not (place.directory / "demo").exists()


def test_the_log_is_one_json_object_a_line(world: Any) -> None:
    assert world.run("crawl", "-F", "1").returncode == 0
    [log] = (world.directory / "logs").glob("*.jsonl")
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert {"at", "level", "process", "event"} <= set(events[0])
    assert any(event.get("job") == "follower:1" for event in events)


def test_export_of_an_empty_frontier_is_an_empty_list(world: Any) -> None:
    assert world.run("crawl", "-F", "1").returncode == 0
    assert world.run("frontier", "export", "f.gz").returncode == 0
    assert gzip.decompress((world.directory / "f.gz").read_bytes()) == b""


def test_nothing_to_pause(world: Any) -> None:
    assert world.run("pause").returncode == 1
    assert world.run("crawl", "-F", "1").returncode == 0
    done = world.run("pause")
    assert done.returncode == 1
    assert "finished" in done.stderr


def test_a_reader_that_leaves_is_no_error(world: Any) -> None:
    command = f"{sys.executable} -c 'from twittomatic.cli import main; main()' --help | head -c 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
