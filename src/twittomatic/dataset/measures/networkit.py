"""Graphs for NetworKit, and control of its threads and random numbers.

NetworKit's algorithms do not keep their graph alive: hold a reference until the result is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from twittomatic.dataset.extras import require
from twittomatic.dataset.graph import Graph
from twittomatic.dataset.measures.undirected import Ties
from twittomatic.errors import SettingsError


def undirected(ties: Ties) -> Any:
    """Return an undirected `networkit.Graph`.

    Raises:
        SettingsError: NetworKit is not installed.
    """
    networkit = require("networkit", "analysis")
    pairs = (ties.low.astype(np.uint32), ties.high.astype(np.uint32))
    return networkit.GraphFromCoo(pairs, n=ties.node_count, directed=False)


def directed(graph: Graph) -> Any:
    """Return a directed `networkit.Graph`, follower to followed, without self-follows.

    Raises:
        SettingsError: NetworKit is not installed.
    """
    networkit = require("networkit", "analysis")
    followed = np.repeat(np.arange(graph.node_count, dtype=np.uint32), graph.in_degrees())
    follower = graph.followers.astype(np.uint32)
    kept = follower != followed
    return networkit.GraphFromCoo((follower[kept], followed[kept]), n=graph.node_count, directed=True)


def check_seed(seed: int | None) -> None:
    """Refuse a seed that some generator of random numbers does not take.

    Raises:
        SettingsError: it is negative or too large.
    """
    if seed is not None and not 0 <= seed < 2**31:
        raise SettingsError(f"seed={seed}: a seed is 0 or more, and below 2,147,483,648.")


@contextmanager
def repeatable(seed: int | None) -> Iterator[None]:
    """Make NetworKit reproducible within the block, by one thread and a seed.

    Args:
        seed: Seed of its random numbers; None leaves threads and random numbers as they are.

    Raises:
        SettingsError: the seed is negative or too large.
    """
    check_seed(seed)
    networkit = require("networkit", "analysis")
    if seed is None:
        yield
        return
    threads = networkit.getMaxNumberOfThreads()
    networkit.setNumberOfThreads(1)
    networkit.setSeed(seed, False)
    try:
        yield
    finally:
        networkit.setNumberOfThreads(threads)
