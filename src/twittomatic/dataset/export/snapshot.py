"""A filtered view of a dataset, whose tables and graphs stay consistent while a crawl is running."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any

import numpy.typing as npt

from twittomatic.dataset.edges import Edges
from twittomatic.dataset.export.choice import Choice, filtered
from twittomatic.dataset.export.follownetwork import follow_network
from twittomatic.dataset.export.interactionnetwork import interaction_network
from twittomatic.dataset.export.network import Network
from twittomatic.dataset.graph import Graph, build_graph
from twittomatic.dataset.measures import node_columns
from twittomatic.dataset.tables.edges import edge_table, graph_edge_table
from twittomatic.dataset.tables.interactions import interaction_table
from twittomatic.dataset.tables.nodes import node_table
from twittomatic.dataset.tables.posts import post_table
from twittomatic.dataset.tables.profiles import profile_table
from twittomatic.dataset.tables.table import Table
from twittomatic.errors import StorageError
from twittomatic.storage.paths import Layout


class Snapshot:
    """The tables and graphs of a dataset after filtering. The follow graph is built once, on first use.

    Args:
        layout: The dataset's directories.
        choice: Users, edges and columns to include.
        on_defect: Called with the error about a file that cannot be read, which is left out.
        one_graph: Whether several outputs contain parts of the follow graph, and so must take them from one
            graph instead of streaming the lists.
    """

    def __init__(
        self,
        layout: Layout,
        choice: Choice,
        on_defect: Callable[[StorageError], None],
        *,
        one_graph: bool = False,
    ) -> None:
        self.layout = layout
        self.choice = choice
        self.on_defect = on_defect
        self._streams = not (one_graph or choice.filters or choice.dense)

    @cached_property
    def whole(self) -> Graph:
        """The unfiltered follow graph."""
        return build_graph(self.layout, self.on_defect)

    @cached_property
    def graph(self) -> Graph:
        """The filtered follow graph."""
        if not self.choice.filters:
            return self.whole
        return filtered(self.whole, self.choice)

    @cached_property
    def _measures(self) -> Mapping[str, npt.NDArray[Any]]:
        """The measures of the filtered graph: computed once, although each table of nodes has them."""
        return node_columns(self.graph, self.choice.measures, self.choice.seed)

    def edges(self) -> Table:
        """Return the table of edges.

        Without a filter, and if no other output needs the graph, the lists are streamed in the network's
        order. Otherwise the edges are those of the graph, sorted by `followed` and `follower`.
        """
        if self._streams:
            return edge_table(Edges(self.layout, on_defect=self.on_defect))
        return graph_edge_table(self.graph, dense=self.choice.dense)

    def nodes(self) -> Table:
        """Return the table of the users of the graph."""
        return node_table(
            self.layout,
            self.graph,
            whole=self.whole,
            dense=self.choice.dense,
            measures=self._measures,
            on_defect=self.on_defect,
        )

    def profiles(self) -> Table:
        """Return the table of profiles: the newest one of each user."""
        return profile_table(self.layout.profiles, self.on_defect)

    def posts(self) -> Table:
        """Return the table of posts, timeline by timeline."""
        return post_table(lambda: self.layout.files("twt"), self.on_defect)

    def interactions(self) -> Table:
        """Return the table of interactions."""
        return interaction_table(self.layout, self.on_defect)

    def follow_network(self) -> AbstractContextManager[Network]:
        """Return the follow graph with the columns of its users, for a graph file."""
        return follow_network(self.graph, self.nodes(), self.choice.columns)

    def interaction_network(self) -> AbstractContextManager[Network]:
        """Return the network of interactions, for a graph file."""
        return interaction_network(self.layout, self.on_defect)
