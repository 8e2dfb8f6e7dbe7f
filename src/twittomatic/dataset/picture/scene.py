"""The scene of a picture: its nodes with their positions, communities and labels, before it is drawn."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from twittomatic.dataset.graph import Graph, NodeProfile, Nodes
from twittomatic.dataset.measures.communities import communities
from twittomatic.dataset.picture.choice import choose
from twittomatic.dataset.picture.layout import Positions, arrange
from twittomatic.dataset.picture.palette import HUES
from twittomatic.dataset.progress import Progress, no_progress

Labels: TypeAlias = Literal["names", "pseudonyms", "none"]
"""Labels of users: their names; "user 1", "user 2" and so on by falling number of followers; or none."""

LABELLED = 24
"""Number of users, the most followed ones, whose names are written into a picture."""

_LONGEST_NAME = 32  # characters
_SMALLEST = 0.004  # share of the users; a smaller community has no hue of its own
_CORE = 0.9  # share of the users; those farther out are moved inwards


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A follow graph with all that is needed to draw it.

    Attributes:
        graph: Graph among the users that are shown.
        users: Number of users in the whole graph.
        position: Position of each node as a complex number x + iy, with the longest axis along x (complex128,
            shape n).
        followers: Number of followers of each node in the whole graph (int64, shape n).
        communities: Community of each node, from 0 for the largest on (int32, shape n).
        hues: Number of communities with a color of their own.
        labels: Kind of labels.
        seed: Seed of the layout and the communities.
    """

    graph: Graph
    users: int
    position: Positions
    followers: npt.NDArray[np.int64]
    communities: Nodes
    hues: int
    labels: Labels
    seed: int

    @property
    def left_out(self) -> int:
        """Number of users of the whole graph that are not shown."""
        return self.users - self.graph.node_count

    def order(self) -> npt.NDArray[np.int64]:
        """Return the nodes from the most followed to the least (shape n)."""
        return np.argsort(-self.followers, kind="stable")

    def names(self, profiles: Mapping[int, NodeProfile]) -> list[str]:
        """Return the label of each node; an empty list if users are not labelled.

        Args:
            profiles: Profiles by node; a user without a profile, or without a name in it, is labelled by id.
        """
        if self.labels == "none":
            return []
        if self.labels == "pseudonyms":
            rank = np.empty(len(self.followers), np.int64)
            rank[self.order()] = np.arange(1, len(rank) + 1)
            return [f"user {number}" for number in rank.tolist()]
        ids = self.graph.ids.tolist()
        return [_name(profiles.get(node)) or str(user_id) for node, user_id in enumerate(ids)]


def compose(
    graph: Graph,
    *,
    top: int,
    edges: int,
    labels: Labels = "names",
    seed: int = 1,
    progress: Progress = no_progress,
) -> Scene:
    """Choose users, arrange them, and find their communities.

    Args:
        graph: The whole follow graph.
        top: Maximum number of users.
        edges: Maximum number of edges.
        labels: Kind of labels.
        seed: Seed of the layout and the communities.
        progress: Called with the steps of the layout that are done, and their total.
    """
    shown = choose(graph, top, edges)
    followers = graph.in_degrees()[shown]
    chosen = graph if shown.all() else graph.subgraph(shown)
    found = communities(chosen, seed)
    hues = int((found.sizes[:HUES] >= max(2, _SMALLEST * chosen.node_count)).sum())
    return Scene(
        graph=chosen,
        users=graph.node_count,
        position=_framed(arrange(chosen, seed=seed, progress=progress)),
        followers=followers,
        communities=found.labels,
        hues=hues,
        labels=labels,
        seed=seed,
    )


def _framed(position: Positions) -> Positions:
    """Rotate the longest axis onto x, and move outliers towards the center."""
    if len(position) < 2:
        return position
    middle = complex(np.median(position.real), np.median(position.imag))
    position = position - middle
    position *= np.exp(-0.5j * np.angle((position**2).sum()))
    distance = np.abs(position)
    core = float(np.quantile(distance, _CORE)) or 1.0
    far = np.maximum(distance / core, 1.0)
    position *= (1 + np.log(far)) / far
    return position


def printable(text: str) -> str:
    """Return a name on one line: no control characters or bidirectional marks, at most 32 characters."""
    text = "".join(c for c in unicodedata.normalize("NFC", text) if c.isprintable()).strip()
    return text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1] + "…"


def _name(profile: NodeProfile | None) -> str:
    """Return the screen name in a profile, else the display name; empty if it has neither."""
    if profile is None:
        return ""
    username = printable(profile.username or "")
    return f"@{username}" if username else printable(profile.name or "")
