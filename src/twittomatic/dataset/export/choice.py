"""Select the users, edges and columns of an export."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from twittomatic.dataset.graph import Graph

AMONG: Final = ("crawled", "all")


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Users, edges and columns of an export. Filters apply in this order, each to the result of the last.

    Attributes:
        complete_only: Only lists that are complete, as if the dataset had no others.
        among: `crawled` keeps only users whose list is in the dataset; `all` keeps all users.
        mutual: Only mutual edges. This filter removes no users.
        min_degree: Minimum degree of a user, in-degree plus out-degree.
        top: Maximum number of users; those with the most followers in the graph are kept, of equal ones those
            with smaller ids.
        dense: Whether users are numbered from 0 on, and edges are pairs of these numbers.
        measures: Measures to add to the nodes.
        columns: Columns to write, in this order; empty writes all.
        seed: Seed of the measures that use random numbers.
    """

    complete_only: bool = False
    among: Literal["crawled", "all"] = "all"
    mutual: bool = False
    min_degree: int = 0
    top: int | None = None
    dense: bool = False
    measures: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    seed: int = 1

    @property
    def filters(self) -> bool:
        """Whether any filter is set."""
        return bool(
            self.complete_only
            or self.among != "all"
            or self.mutual
            or self.min_degree
            or self.top is not None
        )


def filtered(graph: Graph, choice: Choice) -> Graph:
    """Apply the filters of a choice to a graph."""
    if choice.complete_only:
        graph = _with_lists(graph, graph.complete)
    if choice.among == "crawled":
        graph = graph.subgraph(graph.crawled)
    if choice.mutual:
        graph = _mutual(graph)
    if choice.min_degree:
        graph = graph.subgraph(graph.in_degrees() + graph.out_degrees() >= choice.min_degree)
    if choice.top is not None and choice.top < graph.node_count:
        nodes = np.zeros(graph.node_count, np.bool_)
        nodes[np.argsort(-graph.in_degrees(), kind="stable")[: choice.top]] = True
        graph = graph.subgraph(nodes)
    return graph


def _with_lists(graph: Graph, lists: npt.NDArray[np.bool_]) -> Graph:
    """Return the graph that consists of some nodes and their followers."""
    kept = _with_edges(graph, np.repeat(lists, graph.in_degrees()))
    nodes = lists.copy()
    nodes[kept.followers] = True
    return replace(kept, crawled=lists).subgraph(nodes)


def _mutual(graph: Graph) -> Graph:
    count = max(1, graph.node_count)
    followed = np.repeat(np.arange(graph.node_count, dtype=np.int64), graph.in_degrees())
    keys = followed * count + graph.followers  # sorted
    opposite = graph.followers.astype(np.int64) * count + followed
    places = np.minimum(np.searchsorted(keys, opposite), max(0, len(keys) - 1))
    return _with_edges(graph, keys[places] == opposite)


def _with_edges(graph: Graph, edges: npt.NDArray[np.bool_]) -> Graph:
    """Return the graph with all nodes and the edges that a mask selects (bool, shape m)."""
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(edges)])
    return replace(graph, indptr=before[graph.indptr], followers=graph.followers[edges])
