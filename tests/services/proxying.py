"""A real HTTP proxy on loopback, and a TLS certificate for servers behind it.

    with proxying(lambda host, port: ("127.0.0.1", x_port)) as proxy:
        place.run("crawl", ..., HTTPS_PROXY=proxy.url)

It tunnels CONNECT and passes plain requests on, wherever `route` says that a name leads, so names that no
resolver knows can be used. It runs in a thread, for tests of one process and of many.
"""

import base64
import select
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

Route = Callable[[str, int], tuple[str, int] | None]


@dataclass
class Proxy:
    """A running proxy.

    Attributes:
        url: For HTTPS_PROXY.
        asked: What it was asked for: `CONNECT api.x.test:443`, `GET http://api.x.test/2/users`.
        seen: Header names and values of the requests to itself.
    """

    url: str
    asked: list[str] = field(default_factory=list)
    seen: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def proxying(route: Route, *, credentials: str = "") -> Iterator[Proxy]:
    """Run a proxy for a block.

    Args:
        route: Where a host and port lead; None refuses with 403.
        credentials: `USER:PASSWORD` without which it answers 407.
    """
    wanted = f"Basic {base64.b64encode(credentials.encode()).decode()}" if credentials else None

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_request_to(self, host: str, port: int) -> socket.socket | None:
            proxy.asked.append(f"{self.command} {self.path.partition('?')[0]}")
            proxy.seen.append({name.lower(): value for name, value in self.headers.items()})
            self.close_connection = True
            if wanted and self.headers["Proxy-Authorization"] != wanted:
                self.send_response(407)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return None
            place = route(host, port)
            if place is None:
                self.send_response(403)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return None
            return socket.create_connection(place, timeout=30)

        def do_CONNECT(self) -> None:
            host, _, port = self.path.rpartition(":")
            if behind := self.handle_request_to(host.strip("[]"), int(port)):
                self.send_response(200)
                self.end_headers()
                self._pump(behind)

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if behind := self.handle_request_to(parts.hostname or "", parts.port or 80):
                lines = [f"GET {parts.path}?{parts.query} HTTP/1.1"]
                lines += [
                    f"{name}: {value}"
                    for name, value in self.headers.items()
                    if not name.lower().startswith(("proxy-", "connection"))
                ]
                behind.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode())
                self._pump(behind)

        def _pump(self, behind: socket.socket) -> None:
            ends = {self.connection: behind, behind: self.connection}
            with behind, suppress(OSError):
                while True:
                    for one in select.select([*ends], [], [], 30)[0]:
                        data = one.recv(65_536)
                        if not data:
                            return
                        ends[one].sendall(data)

        def log_message(self, format: str, *args: object) -> None: ...

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None: ...

    with Server(("127.0.0.1", 0), Handler) as listening:
        proxy = Proxy(f"http://127.0.0.1:{listening.server_port}")
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield proxy
        finally:
            listening.shutdown()
            thread.join()


def certificate(directory: Path, host: str) -> Path:
    """Make a certificate for a host that signs itself, its key in the same file."""
    path = directory / f"{host}.pem"
    key = directory / f"{host}.key"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    command += ["-keyout", str(key), "-out", str(path), "-days", "2", "-subj", f"/CN={host}"]
    subprocess.run([*command, "-addext", f"subjectAltName=DNS:{host}"], check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + key.read_bytes())
    return path
