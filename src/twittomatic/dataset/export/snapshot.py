"""A dataset as an export sees it: at one moment, and through a choice of users and edges."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cached_property

from twittomatic.dataset.edges import Edges
from twittomatic.dataset.export.choice import Choice, chosen
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
    """A dataset seen through a choice. The graph is built once, when it is needed, for all tables.

    Args:
        layout: The dataset.
        choice: What is wanted.
        on_defect: Called with the error about a file that cannot be read, which is left out.
        one_graph: Whether several outputs contain parts of the follow graph, which must then fit together
            although a crawl goes on.
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
        """The follow graph of the dataset."""
        return build_graph(self.layout, self.on_defect)

    @cached_property
    def graph(self) -> Graph:
        """The follow graph of the choice."""
        if not self.choice.filters:
            return self.whole
        return chosen(self.whole, self.choice)

    def edges(self) -> Table:
        """Return who follows whom.

        Without a filter, and if no other output needs the graph, the lists are streamed in the network's
        order. Otherwise the edges are those of the graph, sorted by `followed` and `follower`.
        """
        if self._streams:
            return edge_table(Edges(self.layout, on_defect=self.on_defect))
        return graph_edge_table(self.graph, dense=self.choice.dense)

    def nodes(self) -> Table:
        """Return the users of the graph."""
        return node_table(
            self.layout,
            self.graph,
            whole=self.whole,
            dense=self.choice.dense,
            measures=node_columns(self.graph, self.choice.measures, self.choice.seed),
            on_defect=self.on_defect,
        )

    def profiles(self) -> Table:
        """Return the newest profile of each user."""
        return profile_table(self.layout.profiles, self.on_defect)

    def posts(self) -> Table:
        """Return all posts, timeline by timeline."""
        return post_table(lambda: self.layout.files("twt"), self.on_defect)

    def interactions(self) -> Table:
        """Return who refers to whom in posts, how and how often."""
        return interaction_table(self.layout, self.on_defect)

    def follow_network(self) -> AbstractContextManager[Network]:
        """Give the graph with its users' columns, for a graph file."""
        return follow_network(self.graph, self.nodes(), self.choice.columns)

    def interaction_network(self) -> AbstractContextManager[Network]:
        """Give who refers to whom in posts, for a graph file."""
        return interaction_network(self.layout, self.on_defect)
