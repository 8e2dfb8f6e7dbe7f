"""Convert the follow graph for other libraries; edges lead from a follower to the user who is followed."""

from __future__ import annotations

from typing import Any

import numpy as np

from twittomatic.dataset.extras import require
from twittomatic.dataset.graph.graph import Graph, node_ranges
from twittomatic.errors import SettingsError

_MOST_NETWORKX_EDGES = 2_000_000  # they take some 700 MB: a dictionary for each edge
_BYTES_PER_NETWORKX_EDGE = 350


def to_scipy(graph: Graph) -> Any:
    """Return the adjacency matrix: 1 in row i and column j if node i follows node j.

    Raises:
        SettingsError: SciPy is not installed.
    """
    sparse = require("scipy.sparse", "analysis")
    ones = np.ones(graph.edge_count, np.int32)
    shape = (graph.node_count, graph.node_count)
    return sparse.csc_array((ones, graph.followers, graph.indptr), shape=shape)


def to_networkit(graph: Graph) -> Any:
    """Return a directed `networkit.Graph` with the same node numbers.

    Raises:
        SettingsError: NetworKit is not installed.
    """
    networkit = require("networkit", "analysis")
    followed = np.repeat(np.arange(graph.node_count, dtype=np.uint32), graph.in_degrees())
    pairs = (graph.followers.astype(np.uint32), followed)
    return networkit.GraphFromCoo(pairs, n=graph.node_count, directed=True)


def to_igraph(graph: Graph) -> Any:
    """Return a directed `igraph.Graph` with the same node numbers.

    Raises:
        SettingsError: igraph is not installed.
    """
    igraph = require("igraph", None)
    edges = np.empty((graph.edge_count, 2), np.int64)
    edges[:, 0] = graph.followers
    edges[:, 1] = np.repeat(np.arange(graph.node_count), graph.in_degrees())
    handed = igraph.Graph(n=graph.node_count, edges=edges, directed=True)
    handed.vs["name"] = list(map(str, graph.ids.tolist()))
    handed.vs["crawled"] = graph.crawled.tolist()
    return handed


def to_networkx(graph: Graph) -> Any:
    """Return a `networkx.DiGraph` with the same node numbers.

    Raises:
        SettingsError: NetworkX is not installed, or the graph is too large for it.
    """
    networkx = require("networkx", None)
    if graph.edge_count > _MOST_NETWORKX_EDGES:
        size = graph.edge_count * _BYTES_PER_NETWORKX_EDGE / 1e9
        raise SettingsError(
            f"NetworkX would take some {size:,.1f} GB for {graph.edge_count:,} edges; use graph.igraph() or "
            f"graph.networkit(), or a subgraph of at most {_MOST_NETWORKX_EDGES:,} edges, such as "
            "graph.subgraph(graph.crawled)."
        )
    handed = networkx.DiGraph()
    handed.add_nodes_from(
        (node, {"id": user_id, "crawled": crawled})
        for node, (user_id, crawled) in enumerate(
            zip(graph.ids.tolist(), graph.crawled.tolist(), strict=True)
        )
    )
    for first, last in node_ranges(graph.indptr):
        followed = np.repeat(np.arange(first, last), np.diff(graph.indptr[first : last + 1]))
        followers = graph.followers[graph.indptr[first] : graph.indptr[last]]
        handed.add_edges_from(zip(followers.tolist(), followed.tolist(), strict=True))
    return handed
