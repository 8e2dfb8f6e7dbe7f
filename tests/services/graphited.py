"""A Graphite server of the tests' own: Carbon's cache, and the web application that reads it."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from configparser import ConfigParser
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

HERE = Path(__file__).parent / "graphite"
DEPLOY = Path(__file__).parents[2] / "deploy" / "graphite"
INSTALLED = Path(__file__).parents[2] / ".services" / "graphite"
DEADLINE_S = 60.0


class Graphite:
    """Carbon and the web application; use `graphite`.

    Attributes:
        port: Of Carbon's plaintext protocol.
        url: Of the web application.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.port, web, link = _free_ports(3)
        self.url = f"http://127.0.0.1:{web}"
        self._web_port = web
        (directory / "conf").mkdir()
        shutil.copytree(INSTALLED / "storage", directory / "storage")
        (directory / "storage" / "whisper").mkdir()  # or the web application never looks there
        settings = ConfigParser(interpolation=None)
        settings.optionxform = str  # type: ignore[assignment,method-assign]
        settings.read(DEPLOY / "carbon.conf")
        changes = {
            "STORAGE_DIR": f"{directory}/storage",
            "LOCAL_DATA_DIR": f"{directory}/storage/whisper",
            "LOG_DIR": f"{directory}/storage/log",
            "PID_DIR": str(directory),
            "LINE_RECEIVER_INTERFACE": "127.0.0.1",
            "LINE_RECEIVER_PORT": str(self.port),
            "CACHE_QUERY_PORT": str(link),
            "MAX_UPDATES_PER_SECOND": "inf",
        }
        settings["cache"].update(changes)
        with (directory / "conf" / "carbon.conf").open("w") as file:
            settings.write(file)
        (directory / "conf" / "storage-schemas.conf").write_text(
            "[all]\npattern = .*\nretentions = 1s:10m,10s:1h\n"
        )
        shutil.copy(DEPLOY / "storage-aggregation.conf", directory / "conf")
        self._environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {
            "HOME": str(directory),  # where gunicorn leaves a socket
            "GRAPHITE_ROOT": str(directory),
            "GRAPHITE_CONF_DIR": str(directory / "conf"),
            "GRAPHITE_STORAGE_DIR": str(directory / "storage"),
            "GRAPHITE_SETTINGS_MODULE": "web_settings",
            "DJANGO_SETTINGS_MODULE": "graphite.settings",
            "TESTED_CARBONLINK": f"127.0.0.1:{link}",
            "PYTHONWARNINGS": "ignore",
        }
        self._carbon: subprocess.Popen[bytes] | None = None
        self._web: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start what does not run, and return when it answers."""
        self.start_carbon()
        if self._web is None:
            gunicorn = ["-m", "gunicorn", "graphite.wsgi:application"]
            self._web = self._spawn(
                "web", [*gunicorn, "--bind", f"127.0.0.1:{self._web_port}"], PYTHONPATH=str(HERE)
            )
        _until(self._answers, self._log("web"))

    def start_carbon(self) -> None:
        if self._carbon is None:
            program = str(INSTALLED / "venv" / "bin" / "carbon-cache.py")
            options = ["--nodaemon", f"--config={self._directory}/conf/carbon.conf"]
            self._carbon = self._spawn("carbon", [program, *options, "start"])
        _until(self._listens, self._log("carbon"))

    def kill_carbon(self) -> None:
        """Kill Carbon; what it has not written is lost."""
        if self._carbon:
            self._carbon.kill()
            self._carbon.wait()
            self._carbon = None

    def stop(self) -> None:
        self.kill_carbon()
        if self._web:
            self._web.terminate()
            try:
                self._web.wait(10)
            except subprocess.TimeoutExpired:
                self._web.kill()
                self._web.wait()

    def get(self, path: str, **parameters: Any) -> bytes:
        query = urlencode(parameters, doseq=True)
        with urllib.request.urlopen(f"{self.url}{path}?{query}", timeout=DEADLINE_S) as answer:
            body: bytes = answer.read()
            return body

    def post(self, path: str, form: Mapping[str, str]) -> Any:
        data = urlencode(form).encode()
        with urllib.request.urlopen(f"{self.url}{path}", data=data, timeout=DEADLINE_S) as answer:
            return json.load(answer)

    def points(self, target: str, since: int, until: int) -> dict[str, dict[int, float]]:
        """Return what it has, from `since` to `until`, both included: path -> time -> value."""
        answer = self.get(
            "/render", target=target, format="json", noCache=1, noNullPoints="true",
            **{"from": since - 1, "until": until},
        )  # fmt: skip
        return {
            series["target"]: {at: value for value, at in series["datapoints"]}
            for series in json.loads(answer)
        }

    def _spawn(self, name: str, arguments: list[str], **more: str) -> "subprocess.Popen[bytes]":
        with self._log(name).open("ab") as log:
            return subprocess.Popen(
                [str(INSTALLED / "venv" / "bin" / "python"), *arguments],
                cwd=self._directory,
                env={**self._environment, **more},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _log(self, name: str) -> Path:
        return self._directory / f"{name}.log"

    def _answers(self) -> bool:
        try:
            return bool(self.get("/version"))
        except OSError:
            return False

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@contextmanager
def graphite() -> Iterator[Graphite]:
    """Have a Graphite server for a block."""
    with tempfile.TemporaryDirectory(prefix="tw") as directory:
        server = Graphite(Path(directory))
        try:
            server.start()
            yield server
        finally:
            server.stop()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _until(condition: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)


def installed_or_skip() -> None:
    """Skip the test that asks where Graphite is not installed; in CI it fails."""
    if not (INSTALLED / "installed").exists():
        if os.environ.get("CI"):
            pytest.fail("Graphite is missing; tests/services/graphite/install tells why")
        pytest.skip("Graphite is missing: tests/services/graphite/install")
