"""The follow graph with dense node numbers, from which every measure, export and picture is computed."""

from twittomatic.dataset.graph.build import build_graph
from twittomatic.dataset.graph.graph import Graph, GraphLists, Nodes
from twittomatic.dataset.graph.profiles import NodeProfile, read_node_profiles

__all__ = ["Graph", "GraphLists", "NodeProfile", "Nodes", "build_graph", "read_node_profiles"]
