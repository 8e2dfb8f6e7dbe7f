"""A picture of a follow graph, as a file, as bytes, or in a notebook."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from twittomatic.dataset.graph import Graph
from twittomatic.dataset.picture.palette import DARK, LIGHT
from twittomatic.dataset.picture.png import draw_png, labelled
from twittomatic.dataset.picture.scene import FindProfiles, Labels, Scene, compose
from twittomatic.errors import SettingsError
from twittomatic.storage.paths import Layout
from twittomatic.storage.profiles import find_profiles

KINDS = (".png",)
"""The extensions of pictures."""

SIZES = (200, 10_000)
"""The smallest and the largest size of a picture, in pixels."""

_PNG_USERS, _PNG_EDGES = 100_000, 3_000_000


class Picture:
    """A picture of a follow graph. Nothing is drawn before it is asked for.

    Args:
        graph: The follow graph.
        profiles: Finds the profiles that users are named by; without it they are named by id.
        top: How many users to show, the most followed first; without it as many as stay readable.
        size: Of the longer side of the PNG, in pixels.
        light: Draw on a light background.
        labels: Call users by their `names`, by `pseudonyms`, or `none`: not at all.
        seed: Of all that is random; the same seed gives the same picture.
        progress: Called with the share of the work that is done.

    Raises:
        SettingsError: an argument is not allowed.
    """

    def __init__(
        self,
        graph: Graph,
        profiles: FindProfiles | None = None,
        *,
        top: int | None = None,
        size: int = 2400,
        light: bool = False,
        labels: Labels = "names",
        seed: int = 1,
        progress: Callable[[float], None] | None = None,
    ) -> None:
        if top is not None and top < 1:
            raise SettingsError(f"top={top}: a picture shows at least one user.")
        if not SIZES[0] <= size <= SIZES[1]:
            raise SettingsError(f"size={size}: a picture has {SIZES[0]} to {SIZES[1]:,} pixels along a side.")
        if labels not in ("names", "pseudonyms", "none"):
            raise SettingsError(f"labels={labels!r}: allowed are names, pseudonyms and none.")
        if seed < 0:
            raise SettingsError(f"seed={seed}: a seed is 0 or more.")
        self._graph = graph
        self._profiles = profiles
        self._top = top
        self._size = size
        self._palette = LIGHT if light else DARK
        self._labels: Labels = labels
        self._seed = seed
        self._progress = progress
        self._scene: Scene | None = None

    def __repr__(self) -> str:
        return f"<Picture of {self._graph.node_count:,} users and {self._graph.edge_count:,} follows>"

    def scene(self) -> Scene:
        """Return what is drawn: users, positions, communities."""
        if self._scene is None:
            self._scene = compose(
                self._graph,
                top=self._top or _PNG_USERS,
                edges=_PNG_EDGES,
                labels=self._labels,
                seed=self._seed,
                progress=self._progress,
            )
        return self._scene

    def png(self) -> bytes:
        """Return the picture as PNG.

        Raises:
            SettingsError: Pillow is not installed.
        """
        scene = self.scene()
        return draw_png(scene, self._names(scene), self._palette, self._size)

    def _names(self, scene: Scene) -> dict[int, str]:
        """Return the names of the users who are labelled, by node."""
        nodes = labelled(scene)
        if scene.labels == "none":
            return {}
        if scene.labels == "pseudonyms":
            return {node: f"user {number}" for number, node in enumerate(nodes, start=1)}
        by_id = {int(scene.graph.ids[node]): node for node in nodes}
        found = self._profiles(by_id) if self._profiles else {}
        return {by_id[user_id]: _name(profile) for user_id, profile in found.items()}

    def _repr_png_(self) -> bytes:
        return self.png()


def profiles_of(layout: Layout) -> FindProfiles:
    """Return a function that finds the profiles of users in a dataset."""

    def find(user_ids: Iterable[int]) -> dict[int, Mapping[str, Any]]:
        found = find_profiles(layout, map(str, user_ids))
        return {int(profile.user_id): msgspec.json.decode(profile.record) for profile in found}

    return find


def _name(profile: Mapping[str, Any]) -> str:
    username, name = profile.get("username"), profile.get("name")
    if isinstance(username, str) and username:
        return f"@{username}"
    return name if isinstance(name, str) else ""
