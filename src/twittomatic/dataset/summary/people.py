"""Rankings of users, and communities with their most followed users and typical words of their bios."""

from __future__ import annotations

import heapq
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from twittomatic.dataset.graph import Graph, NodeProfile
from twittomatic.dataset.measures import communities, pagerank
from twittomatic.dataset.summary.page import Communities, Community, NamedUser, Ranking
from twittomatic.dataset.summary.words import Bios

Values: TypeAlias = npt.NDArray[np.int64] | npt.NDArray[np.float64]

TOP = 20
"""Users in each ranking."""
_LARGEST = 8  # communities on the page
_COMMUNITY_TOP = 5  # users
_WORDS = 6


class People:
    """Measures the users of a graph, then gathers names and bios from their profiles.

    Args:
        graph: The whole follow graph.
        seed: Seed of the communities.
    """

    def __init__(self, graph: Graph, seed: int) -> None:
        self.crawled_graph = graph.subgraph(graph.crawled)
        self._graph = graph
        in_degrees = graph.in_degrees()
        self._values: dict[str, Values] = {
            "followers": in_degrees,
            "pagerank": pagerank(graph).scores,
            "following": graph.out_degrees(),
        }
        self._top = {measure: _largest(values, TOP) for measure, values in self._values.items()}
        self._found = communities(self.crawled_graph, seed=seed)
        crawled = np.flatnonzero(graph.crawled)
        count = int((self._found.sizes[:_LARGEST] > 1).sum())
        self._group = np.full(graph.node_count, -1, np.int32)
        self._group[crawled] = np.where(self._found.labels < count, self._found.labels, -1)
        self._members = [crawled[self._found.labels == number] for number in range(count)]
        self._leaders = [members[_largest(in_degrees[members], _COMMUNITY_TOP)] for members in self._members]
        self._names = dict.fromkeys(np.concatenate([*self._top.values(), *self._leaders]).tolist(), "")
        self._bios = Bios(count)
        self._claimed: list[tuple[int, int, str]] = []

    def add(self, profile: NodeProfile) -> None:
        """Add a user's profile."""
        node, name = profile.node, profile.username or ""
        if node in self._names:
            self._names[node] = name
        if profile.description:
            group = int(self._group[node])
            self._bios.add(profile.description, group if group >= 0 else None)
        claim = (profile.followers_count or 0, -node, name)
        if len(self._claimed) < TOP:
            heapq.heappush(self._claimed, claim)
        elif claim > self._claimed[0]:
            heapq.heapreplace(self._claimed, claim)

    def rankings(self) -> tuple[Ranking, ...]:
        """Return the users with the largest values of each measure."""
        claimed = [
            NamedUser(id=int(self._graph.ids[-place]), name=name, value=count)
            for count, place, name in sorted(self._claimed, reverse=True)
        ]
        return (
            *(
                Ranking(measure=measure, users=self._named(nodes, self._values[measure]))
                for measure, nodes in self._top.items()
            ),
            Ranking(measure="claimed", users=tuple(claimed)),
        )

    def communities(self) -> Communities | None:
        """Return the largest communities of crawled users; None without an edge among them."""
        if not self._members:
            return None
        words = self._bios.preferred(_WORDS)
        inside = _inside(self.crawled_graph, self._found.labels, len(self._members))
        followers = self._values["followers"]
        return Communities(
            method=self._found.method,
            seed=self._found.seed,
            modularity=self._found.modularity,
            count=int((self._found.sizes > 1).sum()),
            largest=tuple(
                Community(
                    number=number,
                    users=len(members),
                    inside=inside[number],
                    top=self._named(self._leaders[number], followers),
                    words=words[number],
                )
                for number, members in enumerate(self._members)
            ),
        )

    def _named(self, nodes: npt.NDArray[np.int64], values: Values) -> tuple[NamedUser, ...]:
        return tuple(
            NamedUser(id=int(self._graph.ids[node]), name=self._names[node], value=values[node].item())
            for node in nodes.tolist()
        )


def _largest(values: Values, count: int) -> npt.NDArray[np.int64]:
    """Return the indices of the largest values, in descending order, without zeros; ties keep their order."""
    positive = np.flatnonzero(values)
    if len(positive) > count:
        least = np.partition(values[positive], len(positive) - count)[len(positive) - count]
        positive = positive[values[positive] >= least]
    return positive[np.lexsort((positive, -values[positive]))][:count]


def _inside(graph: Graph, labels: npt.NDArray[np.int32], count: int) -> list[float | None]:
    """Return for each of the largest communities the share of the edges into it that come from within."""
    followed = np.repeat(labels, graph.in_degrees())
    followers = np.bincount(followed, minlength=count)
    own = np.bincount(followed[labels[graph.followers] == followed], minlength=count)
    return [int(own[i]) / int(followers[i]) if followers[i] else None for i in range(count)]
