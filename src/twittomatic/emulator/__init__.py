"""Emulator of X's API v2 on loopback, for tests, the demo and users without an API key.

A `World` holds the truth. An `Emulator` serves the part of it that X would show, in X's formats, and
keeps rate-limit windows, the bill and a report. `serve` starts it on a port; `RunningEmulator.close`
stops it. The emulator shares no code with the crawler, so each can be used to check the other.
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
