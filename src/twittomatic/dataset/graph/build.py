"""Number the users of a dataset and sort their follower lists into a `Graph`."""

from __future__ import annotations

import numpy as np

from twittomatic.dataset.edges import Edges
from twittomatic.dataset.graph.graph import Graph
from twittomatic.dataset.ids import owner
from twittomatic.storage.paths import Layout


def build_graph(layout: Layout) -> Graph:
    """Return the follow graph of a dataset.

    Raises:
        CorruptFile: a file is broken; it is named.
        StorageUnavailable: a file cannot be read.
    """
    lists = np.array(sorted(owner(path) for path in layout.files("fws")), np.int64)
    batches = list(Edges(layout))
    follower = np.concatenate([lists[:0], *(batch.follower for batch in batches)])
    followed = np.concatenate([lists[:0], *(batch.followed for batch in batches)])
    ids = np.sort(np.concatenate([lists, follower]))
    is_first = np.ones(len(ids), np.bool_)
    is_first[1:] = ids[1:] != ids[:-1]
    ids = ids[is_first]
    keys = np.sort(np.searchsorted(ids, followed) * len(ids) + np.searchsorted(ids, follower))
    is_first = np.ones(len(keys), np.bool_)
    is_first[1:] = keys[1:] != keys[:-1]
    keys = keys[is_first]
    counts = np.bincount(keys // max(1, len(ids)), minlength=len(ids))
    crawled = np.zeros(len(ids), np.bool_)
    crawled[np.searchsorted(ids, lists)] = True
    return Graph(
        ids=ids,
        indptr=np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]),
        followers=(keys % max(1, len(ids))).astype(np.int32),
        crawled=crawled,
    )
