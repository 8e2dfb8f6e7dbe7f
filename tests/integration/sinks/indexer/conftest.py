"""A real search server for all these tests, with a separate prefix for each."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from consuming import Crawl
from indexing import Scene, Wire
from searching import Searching


@pytest.fixture
async def scene(search_server: Searching, crawl: Crawl, tmp_path: Path) -> AsyncIterator[Scene]:
    """A crawl, and the search server for its posts."""
    async with AsyncExitStack() as stack:
        scene = Scene(search_server, crawl, tmp_path / "rejected.jsonl", stack)
        yield scene
        scene.clear()


@pytest.fixture
async def wire(search_server: Searching) -> AsyncIterator[Wire]:
    """A way to the server that can be cut."""
    wire = Wire(search_server.port)
    await wire.open()
    yield wire
    await wire.cut()


@pytest.fixture
async def answering() -> AsyncIterator[Callable[..., object]]:
    """Start a server that answers everything with the same bytes: `port = await answering(b"...")`."""
    async with AsyncExitStack() as stack:

        async def start(answer: bytes) -> int:
            async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                try:
                    await reader.readuntil(b"\r\n\r\n")
                    writer.write(answer)
                    await writer.drain()
                finally:
                    writer.close()

            server = await stack.enter_async_context(await asyncio.start_server(serve, "127.0.0.1", 0))
            port: int = server.sockets[0].getsockname()[1]
            return port

        yield start
