"""Emulators in a separate thread, and how stock clients reach them."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from twittomatic.emulator import Emulator, GraphWorld, ProceduralWorld, RunningEmulator, World, serve

SEED = 11
STAR = 1


class Thread:
    """An event loop in a thread, with any number of emulators on it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._running: list[RunningEmulator] = []

    def start(self, emulator: Emulator) -> str:
        """Serve an emulator and return its URL."""
        running = asyncio.run_coroutine_threadsafe(serve(emulator), self._loop).result()
        self._running.append(running)
        return running.url

    def stop(self) -> None:
        """Close the emulators, then the loop."""
        for running in self._running:
            asyncio.run_coroutine_threadsafe(running.close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class ToLoopback(HTTPAdapter):
    """Sends what was meant for X to the emulator, and changes nothing else."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        assert request.url is not None
        request.url = self._url + request.url[request.url.index("/2/") :]
        return super().send(request, *args, **kwargs)


@pytest.fixture(scope="module")
def thread() -> Iterator[Thread]:
    thread = Thread()
    yield thread
    thread.stop()


@pytest.fixture(scope="module")
def graph_world() -> GraphWorld:
    """User 1 has 2,345 followers and 250 posts; 2 follows all others; 3 has neither."""
    edges = [(STAR, follower) for follower in range(2, 2347)] + [(a, 2) for a in range(3, 1200)]
    return GraphWorld(edges, seed=SEED, post_counts={STAR: 250, 3: 0})


@pytest.fixture(scope="module")
def computed_world() -> ProceduralWorld:
    return ProceduralWorld(20_000, seed=SEED)


@pytest.fixture(scope="module")
def emulator(graph_world: GraphWorld) -> Emulator:
    return Emulator(graph_world)


@pytest.fixture(scope="module")
def url(thread: Thread, emulator: Emulator) -> str:
    return thread.start(emulator)


@pytest.fixture(scope="module")
def start(thread: Thread) -> Callable[..., str]:
    """Start one more emulator: `start(world, **options)` returns its URL."""

    def start(world: World, **options: Any) -> str:
        return thread.start(Emulator(world, **options))

    return start


@pytest.fixture(scope="module")
def redirect() -> Iterator[Callable[[requests.Session, str], None]]:
    """Redirect a session: `redirect(session, url)`; the session is closed in the end."""
    sessions = []

    def redirect(session: requests.Session, url: str) -> None:
        sessions.append(session)
        session.trust_env = False  # no proxy stands between us and loopback
        for host in ("https://api.twitter.com", "https://api.x.com"):
            session.mount(host, ToLoopback(url))

    yield redirect
    for session in sessions:
        session.close()
