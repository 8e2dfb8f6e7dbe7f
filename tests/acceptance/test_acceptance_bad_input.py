"""Bad input of any kind: one clear sentence, the right exit code, nothing started."""

import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.workspace import Workspace


@pytest.fixture
def world(place: Workspace) -> Any:
    place.emulator("--graph", place.graph([(1, 2), (2, 3)]), "--tokens", "s3cret-t0ken")
    return place


def sentence(done: "subprocess.CompletedProcess[str]") -> str:
    """Return the only line on standard error."""
    [line] = done.stderr.strip().splitlines()
    assert line.startswith("Error: ")
    assert line.endswith((".", "?"))
    assert "Traceback" not in line
    return line


def untouched(place: Workspace) -> None:
    assert not place.files("fws")
    assert place.report()["requests"] in ({}, {"usage": 1})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("1\n2 3\n", "targets, line 2: '2 3'"),
        ("# ok\n\n1\n@good_name\n@not-a-name\n", "targets, line 5: '@not-a-name'"),
        ("12345678901234567890\n", "line 1"),
        ("-1\n", "line 1"),
        ("1\n\x00\n", "line 2"),
    ],
)
def test_a_bad_line_is_named_with_its_number(world: Any, content: str, said: str) -> None:
    world.write("targets", content)
    done = world.run("crawl", "-F", "targets")
    assert done.returncode == 2
    assert said in sentence(done)
    assert world.report()["requests"] == {}
    assert not (world.directory / "data").exists()
    assert not (world.directory / ".twittomatic").exists()


def test_an_unknown_name_is_reported_and_the_others_continue(world: Any) -> None:
    done = world.run("crawl", "-F", "1", "@nobody_at_all")
    assert done.returncode == 0, done.stderr
    assert "@nobody_at_all: no such user; the others are crawled." in done.stderr
    assert [path.stem for path in world.files("fws")] == ["1"]


def test_unknown_names_alone_start_nothing(world: Any) -> None:
    done = world.run("crawl", "-F", "@nobody_at_all")
    assert done.returncode == 2
    assert "nothing was started" in done.stderr
    assert world.status()["phase"] == "idle"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["crawl", "-F", "no-such-file"], "neither a user id, nor an @name, nor a file that exists"),
        (["crawl", "-F"], "Name a TARGET"),
        (["crawl", "1"], "Choose what to do"),
        (["crawl", "-F", "1", "--max-depth", "deep"], "--max-depth: 'deep' is not allowed"),
        (["crawl", "-F", "1", "--budget-usd", "0"], "--budget-usd"),
        (["crawl", "-F", "1", "--budget-usd", "-1"], "--budget-usd"),
        (["crawl", "-F", "1", "--budget-usd", "1e400"], "--budget-usd"),
        (["crawl", "-F", "1", "--budget-usd", "ten"], "--budget-usd"),
        (["crawl", "-F", "-A", "1", "--select", "followers_count >"], "SELECT: 'followers_count >'"),
        (["crawl", "-F", "-A", "1", "--select", "friends > 3"], "a profile has no field 'friends'"),
        (["crawl", "-F", "-A", "1", "--traversal", "priority", "--priority", "name"], "not a number"),
        (["crawl", "-F", "1", "--redis-url", "http://x"], "--redis-url"),
        (["worker", "../escape"], "NAME"),
        (["master", "-F", "--stream", "no-such-file"], "no-such-file"),
        (["verify"], "there is no such directory"),
        (["emulator", "--graph", "no-such-file"], "no-such-file"),
        (["verify", "--config", "no-such.toml"], "no-such.toml: there is no such file"),
    ],
)
def test_wrong_usage(world: Any, arguments: list[str], said: str) -> None:
    done = world.run(*arguments)
    assert done.returncode == 2, done.stdout
    assert said in sentence(done)
    untouched(world)


def test_an_unknown_setting_is_named(world: Any) -> None:
    done = world.run("crawl", "-F", "1", TWITTOMATIC_MAX_DEPHT="1")
    assert done.returncode == 2
    assert "TWITTOMATIC_MAX_DEPHT: no such setting" in sentence(done)
    world.write("twittomatic.toml", "max_depht = 1\n")
    done = world.run("crawl", "-F", "1")
    assert done.returncode == 2
    assert "max_depht: no such setting" in sentence(done)


def test_x_itself_is_not_crawled_without_a_budget(place: Workspace) -> None:
    done = place.run("crawl", "-F", "1", TWITTOMATIC_X_BEARER_TOKENS="abc")
    assert done.returncode == 2
    assert "BUDGET_USD" in sentence(done)


def test_a_wrong_token_ends_it_and_is_shown_nowhere(world: Any) -> None:
    token = "wr0ng-and-s3cret"
    done = world.run("crawl", "-F", "1", TWITTOMATIC_X_BEARER_TOKENS=token)
    assert done.returncode == 3
    assert "No credential is left" in sentence(done)
    written = b"".join(path.read_bytes() for path in world.directory.rglob("*") if path.is_file())
    assert token.encode() not in written
    assert token not in done.stdout + done.stderr
    assert world.run("crawl", "-F", "1").returncode == 0


def test_a_token_file_that_others_read_is_refused(world: Any) -> None:
    path = world.write("tokens", "s3cret-t0ken\n")
    path.chmod(0o644)
    done = world.run("crawl", "-F", "1", "--x-bearer-tokens", "@tokens")
    assert done.returncode == 2
    assert "chmod 600" in sentence(done)
    path.chmod(0o600)
    assert world.run("crawl", "-F", "1", "--x-bearer-tokens", "@tokens").returncode == 0


def test_an_api_that_is_not_there(place: Workspace) -> None:
    place.set(x_api_url=f"http://127.0.0.1:{closed_port()}", x_bearer_tokens="t")
    done = place.run("crawl", "-F", "1")
    assert done.returncode == 1
    assert "cannot be reached" in sentence(done)
    assert not place.files("fws")


def test_a_redis_that_is_not_there(world: Any) -> None:
    for command in (["crawl", "-F", "1"], ["status"], ["worker", "w"]):
        done = world.run(*command, TWITTOMATIC_REDIS_URL=f"redis://:pass-w0rd@127.0.0.1:{closed_port()}")
        assert done.returncode == 1
        assert "Redis cannot be reached" in sentence(done)
        assert "pass-w0rd" not in done.stderr


def test_a_port_in_use(world: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = world.run("emulator", "--port", taken.getsockname()[1])
    assert done.returncode == 1
    assert "cannot be used" in sentence(done)


def test_an_output_directory_that_is_a_file(world: Any) -> None:
    world.write("data", "")
    done = world.run("crawl", "-F", "1")
    assert done.returncode in (1, 2)
    assert "data" in sentence(done)


def test_a_temporary_directory_on_another_volume(world: Any) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == world.directory.stat().st_dev:
        pytest.skip("there is no second volume here")
    done = world.run("crawl", "-F", "1", "--temporary-directory", other / world.directory.name)
    assert done.returncode == 2
    assert "another volume" in sentence(done)


def test_a_full_disk_stops_loudly_and_the_same_command_continues(world: Any) -> None:
    full = world.directory / "full"
    full.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=96k", "tmpfs", full], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("no file system can be mounted here")
    try:
        world.emulator("--graph", world.graph([(1, user) for user in range(10, 6_000)]))
        done = world.run("crawl", "-F", "1", "--output-directory", full)
        assert done.returncode == 1
        assert "full" in sentence_of_the_end(done)
        assert not list(full.glob("1/*"))
        subprocess.run(["mount", "-o", "remount,size=8m", full], check=True)
        done = world.run("crawl", "-F", "1", "--output-directory", full)
        assert done.returncode == 0, done.stderr
        assert world.run("verify", "--output-directory", full).returncode == 0
    finally:
        subprocess.run(["umount", full], check=True)


def sentence_of_the_end(done: "subprocess.CompletedProcess[str]") -> str:
    return done.stderr.strip().splitlines()[-1]


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
