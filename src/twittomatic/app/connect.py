"""Connect a process to the state server of its crawl, under a name of its own."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from twittomatic.app.stop import Releasing
from twittomatic.settings import Settings
from twittomatic.state.admission import admit
from twittomatic.state.client import client
from twittomatic.state.connection import Connection
from twittomatic.state.embedded.server import Role, embedded

START_PATIENCE_S = 5.0  # for a server that does not answer when a command starts


def process_name(name: str) -> str:
    """Return a name for this process that is unique for ever: `NAME@host.pid-random`."""
    host = "".join(letter if letter.isalnum() or letter == "-" else "-" for letter in socket.gethostname())
    return f"{name}@{host[:40]}.{os.getpid()}-{secrets.token_hex(3)}"


@asynccontextmanager
async def connected(settings: Settings, role: Role, name: str) -> AsyncIterator[Connection]:
    """Connect to the crawl's state server; an embedded one is started or joined.

    Args:
        settings: This process's settings.
        role: The role of this process at an embedded server.
        name: This process's name, shown to the server.

    Raises:
        StateError: there is no server, or it does not admit us.
        SettingsError: the server cannot hold a crawl; see `state.admission`.
    """
    connection: Connection | None = None

    def give_up() -> None:
        if connection:
            connection.patience_s = 0.0

    async with AsyncExitStack() as stack:
        releasing = stack.enter_context(Releasing())
        url = settings.redis_url or await stack.enter_async_context(
            embedded(settings.state_directory, role, give_up)
        )
        connection = Connection(client(url, name), patience_s=START_PATIENCE_S)
        stack.push_async_callback(connection.close)
        if role is Role.VISIT:  # a visitor only reads, which any server allows
            await connection.ping()
        else:
            await admit(connection, allow_unchecked=settings.allow_unchecked_redis)
        connection.patience_s = max(60.0, 2 * settings.lease_s)
        stack.callback(releasing.begin)
        yield connection
