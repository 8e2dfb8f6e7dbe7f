"""X's API v2 on loopback, for tests, the demo and everyone who tries us out without a key.

A `World` knows the truth. An `Emulator` shows of it what X would show, in X's shapes, and keeps the
windows, the bill and the report. `serve` puts it on a port; `RunningEmulator.close` ends it. Nothing
here is shared with the crawler, so that one can be the proof of the other.
"""

from .build import bundled_graph, open_world
from .faults.base import Faults, NoFaults, RequestInfo
from .faults.seeded import parse_faults
from .world.base import Post, Status, User, World
from .world.changing import ChangingWorld
from .world.graph import GraphWorld
from .world.procedural import ProceduralWorld
from .world.recorded import RecordedWorld
from .world.truth import Truth
from .x.server import Emulator, RunningEmulator, serve

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
