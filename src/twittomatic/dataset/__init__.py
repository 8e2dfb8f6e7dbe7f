"""Read a dataset: NumPy arrays of ids, records as dicts, and how complete each list is.

    import twittomatic as tw

    ds = tw.open("data")
    for user_id in ds.users():
        print(user_id, len(ds.followers(user_id)))

Only the directory is needed: no Redis, no event loop, no network. A `Dataset` keeps no file open between
calls and streams what it reads, so memory stays bounded whatever the size of the dataset.
"""

from twittomatic.dataset.completeness import Completeness
from twittomatic.dataset.dataset import Dataset, open
from twittomatic.dataset.edges import EdgeBatch, Edges
from twittomatic.dataset.graph import Graph, GraphLists, NodeProfile
from twittomatic.dataset.records import Records
from twittomatic.dataset.summary import Summary
from twittomatic.dataset.tables import Table

__all__ = [
    "Completeness",
    "Dataset",
    "EdgeBatch",
    "Edges",
    "Graph",
    "GraphLists",
    "NodeProfile",
    "Records",
    "Summary",
    "Table",
    "open",
]
