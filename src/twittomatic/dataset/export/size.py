"""Limits on the size of a graph file, and an estimate of the memory that Gephi needs."""

from __future__ import annotations

from typing import Final

from twittomatic.dataset.export.network import Network
from twittomatic.errors import SettingsError

MOST_USERS: Final = 50_000_000
"""Maximum number of users in a graph file: no reader copes with the tens of gigabytes of a larger one."""

MANY_EDGES: Final = 2_000_000
"""Number of edges above which a warning states the memory that Gephi needs."""

# What Gephi's toolkit 0.10.1 took at its peak while it imported GEXF: 1.2 GB for 100,000 nodes and 2 million
# edges, 1.9 GB for 1 million nodes and 2 million edges.
_NODE_BYTES, _EDGE_BYTES = 800, 600


def check_size(network: Network) -> list[str]:
    """Check the size of a graph before it is written, and return warnings.

    Raises:
        SettingsError: it has too many users for a graph file; the message says what to do instead.
    """
    if network.node_count > MOST_USERS:
        raise SettingsError(
            f"No program can read a graph file of {network.node_count:,} users; write edges.parquet and "
            f"nodes.parquet, or leave all but {MOST_USERS:,} out with --top, --min-degree or --among crawled."
        )
    if network.edge_count <= MANY_EDGES:
        return []
    gigabytes = (network.node_count * _NODE_BYTES + network.edge_count * _EDGE_BYTES) / 1e9
    return [
        f"The graph has {network.edge_count:,} edges: to open it, Gephi needs {round(gigabytes)} GB of "
        "memory (-J-Xmx in its gephi.conf), and hours to lay it out; --top or --min-degree make it smaller."
    ]
