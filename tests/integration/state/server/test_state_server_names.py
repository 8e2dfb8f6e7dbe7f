"""State directories whose names are unusual: the server starts there, and clients and tools find it."""

import os
from pathlib import Path

import pytest
from embedding import reap
from redis.asyncio import Redis

from twittomatic.state.admission import admit
from twittomatic.state.client import client
from twittomatic.state.connection import Connection
from twittomatic.state.embedded.server import Role, embedded

NAMES = [
    b"a b",
    b"a#b",
    b"a?b=c&d",
    b"a%41b",
    b"a:b@c",
    b"'a' \"b\"",
    b"a\\b$HOME`",
    b"two\nlines",
    "ä→😀".encode(),
    b"bad\xff",
    b"\xe9t\xe9",
    b"l" * 200,
    b"\xff" * 120,
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
async def test_a_directory_with_an_unusual_name(state: Path, name: bytes) -> None:
    directory = Path(os.fsdecode(os.fsencode(state) + b"/" + name))
    try:
        for value in (None, "1"):
            async with embedded(directory, Role.OWN) as url:
                connection = Connection(client(url, "test"), patience_s=0)
                assert (await admit(connection)).startswith("Valkey")
                assert await connection.call("GET", "a") == value
                await connection.call("SET", "a", 1)
                await connection.close()
                async with Redis.from_url(url) as other:
                    assert await other.ping()
    finally:
        reap(directory)
