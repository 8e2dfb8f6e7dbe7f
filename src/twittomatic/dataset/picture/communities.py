"""Find communities by moving users to the community that they have the most surplus edges with."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from twittomatic.dataset.graph import Graph


def find_communities(graph: Graph, seed: int) -> npt.NDArray[np.int64]:
    """Return the community of each node (shape n); 0 is the largest."""
    n = graph.node_count
    if not graph.edge_count:
        return np.arange(n)
    rng = np.random.default_rng(seed)
    followed = np.repeat(np.arange(n), graph.in_degrees())
    a = np.concatenate([followed, graph.followers])
    b = np.concatenate([graph.followers, followed])
    label = np.arange(n)
    deg = np.bincount(a, minlength=n).astype(float)
    total = deg.sum()
    for _ in range(20):
        k = a * n + label[b]
        u, c = np.unique(k, return_counts=True)
        node, lab = u // n, u % n
        vol = np.bincount(label, deg, minlength=n)
        own = lab == label[node]
        gain = c - deg[node] * (vol[lab] - own * deg[node]) / total
        order = np.lexsort((rng.random(len(u)), gain, node))
        last = np.append(node[order][1:] != node[order][:-1], True)
        best = label.copy()
        best[node[order][last]] = lab[order][last]
        move = rng.random(n) < 0.5
        new = np.where(move, best, label)
        if (best == label).mean() > 0.999:
            break
        label = new
    size = np.bincount(label, minlength=n)
    rank = np.empty(n, np.int64)
    rank[np.argsort(-size, kind="stable")] = np.arange(n)
    return rank[label]
