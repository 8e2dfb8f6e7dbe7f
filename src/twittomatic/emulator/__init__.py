"""X's API v2 on loopback, for tests, the demo and everyone who tries us out without a key.

A `World` knows the truth. An `Emulator` shows of it what X would show, in X's shapes, and keeps the
windows, the bill and the report. `serve` puts it on a port; `RunningEmulator.close` ends it. Nothing
here is shared with the crawler, so that one can be the proof of the other.
"""

from .build import bundled_graph, open_world
from .faults import Faults, NoFaults, RequestInfo, parse_faults
from .graphworld import GraphWorld
from .proceduralworld import ProceduralWorld
from .recordedworld import RecordedWorld
from .server import Emulator, RunningEmulator, serve
from .world import Post, Status, User, World

__all__ = [
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
    "User",
    "World",
    "bundled_graph",
    "open_world",
    "parse_faults",
    "serve",
]
