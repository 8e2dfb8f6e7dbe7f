"""Measures of a follow graph: centrality, communities, components, cores and reciprocity.

Each function takes a `Graph` and returns a struct: arrays with a value per node, and values for the whole
graph. PageRank, HITS, degrees, weak components, reciprocity, overlap and label propagation
need NumPy only; NetworKit computes Leiden communities, cores, clustering and betweenness.
"""

from twittomatic.dataset.measures.catalog import MEASURES, Measure, Measured, node_columns
from twittomatic.dataset.measures.communities import Communities, communities, modularity
from twittomatic.dataset.measures.components import Components, components, strong_components
from twittomatic.dataset.measures.degrees import Degrees, Reciprocity, degrees, reciprocity
from twittomatic.dataset.measures.overlap import Overlap, overlap
from twittomatic.dataset.measures.rank import Hits, PageRank, hits, pagerank
from twittomatic.dataset.measures.structure import (
    Betweenness,
    Clustering,
    Cores,
    betweenness,
    clustering,
    cores,
)

__all__ = [
    "MEASURES",
    "Betweenness",
    "Clustering",
    "Communities",
    "Components",
    "Cores",
    "Degrees",
    "Hits",
    "Measure",
    "Measured",
    "Overlap",
    "PageRank",
    "Reciprocity",
    "betweenness",
    "clustering",
    "communities",
    "components",
    "cores",
    "degrees",
    "hits",
    "modularity",
    "node_columns",
    "overlap",
    "pagerank",
    "reciprocity",
    "strong_components",
]
