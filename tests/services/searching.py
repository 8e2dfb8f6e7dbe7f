"""An Elasticsearch of the tests' own: one for all processes of a test run, gone when the last of them is.

`tests/services/elasticsearch/install` brings it. It refuses to run as root, so root starts it as `nobody`.
"""

import fcntl
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import pytest

PASSWORD = "s3cret/pass word"  # as it may stand in a URL, %-escaped
_HASH = "$2a$10$uQoc0E./UpisaaZwvupUI.gFL5eDJZDcJxYmPJHt6fhokyH0VSGXy"
_VERSION = "8.19.21"
_HOME = Path(__file__).parents[2] / ".services" / "elasticsearch" / _VERSION
_HEAP = "512m"
_DEADLINE_S = 150.0
_NOBODY = 65534
# The last line: where the server looks how full its disk is, it also lifts the blocks that tests set.
_CONFIGURATION = """\
cluster.name: tests
discovery.type: single-node
http.host: 127.0.0.1
http.port: 0
transport.host: 127.0.0.1
transport.port: 0
path.data: {directory}/data
path.logs: {directory}/logs
xpack.security.enabled: true
xpack.security.http.ssl.enabled: false
xpack.security.transport.ssl.enabled: false
cluster.routing.allocation.disk.threshold_enabled: false
cluster.info.update.interval: 24h
"""


class Searching:
    """A server that runs.

    Attributes:
        port: Of its HTTP, on 127.0.0.1.
    """

    def __init__(self, port: int) -> None:
        self.port = port

    def url(self, user: str = "admin", password: str = PASSWORD, port: int | None = None) -> str:
        """Return an ELASTICSEARCH_URL: `admin` may do all, `looker` nothing."""
        return f"http://{user}:{quote(password, safe='')}@127.0.0.1:{port or self.port}"

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, object]:
        """Return status and JSON of an answer."""
        login = b64encode(f"admin:{PASSWORD}".encode()).decode()
        headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
        wire = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            wire.request(method, path, None if body is None else json.dumps(body), headers)
            answer = wire.getresponse()
            return answer.status, json.loads(answer.read() or b"null")
        finally:
            wire.close()


@contextmanager
def searching(place: Path) -> Iterator[Searching]:
    """Share the server of a test run.

    Args:
        place: A directory that all processes of the run know, and no other run.
    """
    missing = _missing()
    if missing:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no Elasticsearch: {missing}")
    with (place / "elasticsearch.users").open("w") as users:
        fcntl.flock(users, fcntl.LOCK_SH)  # as long as anybody has it, the server runs
        with (place / "elasticsearch.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            told = place / "elasticsearch.json"
            if not told.exists():
                _launch(place, told)
        yield Searching(json.loads(told.read_text())["port"])


def _missing() -> str:
    if not _HOME.is_dir():
        return "tests/services/elasticsearch/install brings it"
    if not shutil.which("java"):
        return "there is no java"
    if os.getuid() == 0 and not shutil.which("setpriv"):
        return "it does not run as root, and there is no setpriv to be somebody else"
    return ""


def _launch(place: Path, told: Path) -> None:
    """Start a keeper, which starts the server; return when it answers."""
    log = place / "elasticsearch.log"
    with log.open("w") as output:
        subprocess.run(
            [sys.executable, __file__, str(place / "elasticsearch.users"), str(told)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=True,
        )
    deadline = time.monotonic() + _DEADLINE_S
    while not told.exists() or not told.read_text():
        if told.exists() or time.monotonic() > deadline:
            pytest.fail(f"Elasticsearch does not start: {log.read_text()[-3000:]}")
        time.sleep(0.05)


def _keep(users: Path, told: Path) -> None:
    """Run the server until its last user is gone; send its port first, or nothing if it fails."""
    if os.fork():
        return  # processes that wait for us need not wait for the server
    os.setsid()
    with tempfile.TemporaryDirectory(prefix="tw-search") as name, users.open("w") as lock:
        directory = Path(name)
        server = subprocess.Popen(
            [*_as_nobody(), str(_HOME / "bin" / "elasticsearch")],
            cwd=directory,
            env=_prepared(directory),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            port = _ready(directory / "logs" / "tests.log", server)
            draft = told.with_suffix(".draft")
            draft.write_text(json.dumps({"port": port}) if port else "")
            draft.rename(told)
            fcntl.flock(lock, fcntl.LOCK_EX)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def _as_nobody() -> list[str]:
    """Return the prefix that runs a command as another user with root's read access."""
    if os.getuid() != 0:
        return []
    who = [f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"]
    return ["setpriv", *who, "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]


def _prepared(directory: Path) -> dict[str, str]:
    """Write the configuration; return the server's environment."""
    configuration = directory / "config"
    shutil.copytree(_HOME / "config", configuration)
    (configuration / "elasticsearch.yml").write_text(_CONFIGURATION.format(directory=directory))
    (configuration / "users").write_text(f"admin:{_HASH}\nlooker:{_HASH}\n")
    (configuration / "users_roles").write_text("superuser:admin\n")
    (directory / "tmp").mkdir()
    if os.getuid() == 0:
        for path in (directory, *directory.rglob("*")):
            os.chown(path, _NOBODY, _NOBODY)
    java = Path(shutil.which("java") or "").resolve().parents[1]
    return {
        "PATH": os.environ["PATH"],
        "ES_JAVA_HOME": str(java),
        "ES_JAVA_OPTS": f"-Xms{_HEAP} -Xmx{_HEAP} -XX:-AlwaysPreTouch",
        "ES_PATH_CONF": str(configuration),
        "ES_TMPDIR": str(directory / "tmp"),
    }


def _ready(log: Path, server: "subprocess.Popen[bytes]") -> int:
    """Wait until the server answers; return its port, 0 where it ended."""
    said = re.compile(r"AbstractHttpServerTransport.*publish_address \{127\.0\.0\.1:(\d+)\}")
    while server.poll() is None:
        if found := said.search(log.read_text() if log.exists() else ""):
            with suppress(OSError, http.client.HTTPException, ValueError):
                if Searching(int(found[1])).ask("GET", "/_cluster/health")[0] == 200:
                    return int(found[1])
        time.sleep(0.05)
    return 0


if __name__ == "__main__":
    _keep(Path(sys.argv[1]), Path(sys.argv[2]))
