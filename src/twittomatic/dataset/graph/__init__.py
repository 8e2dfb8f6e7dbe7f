"""The follow graph with dense node numbers, from which every measure, export and picture is computed."""

from twittomatic.dataset.graph.build import build_graph
from twittomatic.dataset.graph.graph import Graph, Nodes

__all__ = ["Graph", "Nodes", "build_graph"]
