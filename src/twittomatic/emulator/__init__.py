"""X's API v2 on loopback, for tests, the demo and everyone who tries us out without a key.

A `World` knows the truth. An `Emulator` shows of it what X would show, in X's shapes, and keeps the
windows, the bill and the report. `serve` puts it on a port; `RunningEmulator.close` ends it. Nothing
here is shared with the crawler, so that one can be the proof of the other.
"""

from .build import bundled_graph, open_world
from .changingworld import ChangingWorld
from .faults import Faults, NoFaults, RequestInfo
from .graphworld import GraphWorld
from .proceduralworld import ProceduralWorld
from .recordedworld import RecordedWorld
from .seededfaults import parse_faults
from .server import Emulator, RunningEmulator, serve
from .truth import Truth
from .world import Post, Status, User, World

__all__ = [
    "ChangingWorld",
    "Emulator",
    "Faults",
    "GraphWorld",
    "NoFaults",
    "Post",
    "ProceduralWorld",
    "RecordedWorld",
    "RequestInfo",
    "RunningEmulator",
    "Status",
    "Truth",
    "User",
    "World",
    "bundled_graph",
    "open_world",
    "parse_faults",
    "serve",
]
