"""A small HTTP server that answers as X does, or as oddly as a test wants.

    def answer(asked: Asked) -> Answer | None:
        if asked.path == "/2/users/by":
            return Answer(body={"meta": {"result_count": 0}})
        return None  # as X would

    with scripted(answer) as x:
        place.set(x_api_url=x.url, x_bearer_tokens="t")

It runs in a thread, so tests in one process and tests of processes can both use it. It shares no code with
Twittomatic and keeps no truth about a world: for that there is the emulator.
"""

import json
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request.

    Attributes:
        path: Without the query.
        query: Its parameters.
        number: How many requests for this path there have been, this one included.
    """

    path: str
    query: Mapping[str, str]
    number: int


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One response.

    Attributes:
        status: Of HTTP.
        body: Sent as JSON, or as it is if it is bytes.
        headers: Beside or in place of those of X; None as a value leaves one out.
        cut: Bytes of the body after which the connection is closed, though more are announced.
    """

    status: int = 200
    body: Any = None
    headers: Mapping[str, str | None] = field(default_factory=dict)
    cut: int | None = None


Script = Callable[[Asked], Answer | None]
"""Returns None where the answer shall be the usual one."""


def profile(user_id: object, username: str = "", *, followers: int = 3, posts: int = 3) -> dict[str, Any]:
    """Return a user as X writes them."""
    return {
        "id": str(user_id),
        "name": f"n{user_id}",
        "username": username or f"u{user_id}",
        "public_metrics": {
            "followers_count": followers,
            "following_count": 1,
            "tweet_count": posts,
            "listed_count": 0,
        },
    }


def post(post_id: int, author_id: object = 22, **fields: Any) -> dict[str, Any]:
    """Return a post as X writes them."""
    return {
        "id": str(post_id),
        "text": f"t{post_id}",
        "author_id": str(author_id),
        "created_at": "2023-09-08T00:00:00.000Z",
        "edit_history_tweet_ids": [str(post_id)],
        **fields,
    }


def page(records: Sequence[Mapping[str, Any]], next_token: str | None = None) -> Answer:
    """Return a page of a list; `data` is left out of an empty one, as X does."""
    meta: dict[str, Any] = {"result_count": len(records)}
    if next_token:
        meta["next_token"] = next_token
    return Answer(body={**({"data": list(records)} if records else {}), "meta": meta})


def usual(asked: Asked) -> Answer:
    """Answer as X does: every requested user exists and has three followers (11, 12, 13) and three posts."""
    match asked.path.strip("/").split("/"):
        case ["2", "usage", "tweets"]:
            usage = {"project_cap": "3000000", "project_usage": "5", "project_id": "1", "cap_reset_day": 2}
            return Answer(body={"data": usage})
        case ["2", "users"]:
            return Answer(body={"data": [profile(user_id) for user_id in asked.query["ids"].split(",")]})
        case ["2", "users", "by"]:
            names = enumerate(asked.query["usernames"].split(","), start=1000)
            return Answer(body={"data": [profile(user_id, name) for user_id, name in names]})
        case ["2", "users", _, "followers" | "following"]:
            return page([profile(user_id) for user_id in (11, 12, 13)])
        case ["2", "users", user_id, "tweets"]:
            newest = 1_700_000_000_000_000_003
            return page([post(newest - number, user_id) for number in range(3)])
    return Answer(status=404, body={})


class ScriptedX:
    """A running server.

    Attributes:
        url: Base URL, for X_API_URL.
        asked: All requests so far, in order.
        script: Answers; a test may put another one here at any time.
    """

    def __init__(self, url: str, script: Script) -> None:
        self.url = url
        self.script = script
        self.asked: list[Asked] = []
        self._numbers: Counter[str] = Counter()
        self._lock = threading.Lock()

    def paths(self, *parts: str) -> list[str]:
        """Return the paths that were asked for, those with one of these parts in them, or all."""
        with self._lock:
            paths = [asked.path for asked in self.asked]
        return [path for path in paths if not parts or any(part in path for part in parts)]

    def answer(self, target: str) -> Answer:
        """Note a request, and return what is said to it."""
        parts = urlsplit(target)
        with self._lock:
            self._numbers[parts.path] += 1
            asked = Asked(
                path=parts.path,
                query=dict(parse_qsl(parts.query, keep_blank_values=True)),
                number=self._numbers[parts.path],
            )
            self.asked.append(asked)
        return self.script(asked) or usual(asked)


@contextmanager
def scripted(script: Script = lambda _: None, *, certificate: Path | None = None) -> Iterator[ScriptedX]:
    """Serve on loopback for a block.

    Args:
        script: Answers.
        certificate: With its key, to serve TLS.
    """
    server: ScriptedX

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer = server.answer(self.path)
            body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            headers: dict[str, str | None] = {
                "Content-Type": "application/json; charset=utf-8",
                "x-rate-limit-limit": "300",
                "x-rate-limit-remaining": "299",
                "x-rate-limit-reset": str(int(time.time()) + 900),
                "Content-Length": str(len(body)),
                **answer.headers,
            }
            for name, value in headers.items():
                if value is not None:
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body if answer.cut is None else body[: answer.cut])
            if answer.cut is not None:
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None: ...

    class Server(ThreadingHTTPServer):
        daemon_threads = True  # one that serves a connection which is kept open would hold up the end

        def handle_error(self, request: Any, client_address: Any) -> None: ...  # a client that was killed

    with Server(("127.0.0.1", 0), Handler) as listening:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            listening.socket = context.wrap_socket(
                listening.socket, server_side=True, do_handshake_on_connect=False
            )
        scheme = "https" if certificate else "http"
        server = ScriptedX(f"{scheme}://127.0.0.1:{listening.server_port}", script)
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            listening.shutdown()
            thread.join()
