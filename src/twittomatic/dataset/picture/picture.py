"""A picture of a follow graph: as PNG or HTML, written to a file or shown in a notebook."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeAlias

import numpy as np

from twittomatic.dataset.graph import Graph, NodeProfile, Nodes
from twittomatic.dataset.measures.networkit import check_seed
from twittomatic.dataset.picture.page import draw_page
from twittomatic.dataset.picture.palette import DARK, LIGHT
from twittomatic.dataset.picture.png import draw_png
from twittomatic.dataset.picture.scene import LABELLED, Labels, Scene, compose
from twittomatic.dataset.progress import Progress, no_progress
from twittomatic.errors import SettingsError
from twittomatic.storage.errors import translate_errors

KINDS = (".png", ".html")
"""File extensions of pictures."""

SIZES = (200, 10_000)
"""Minimum and maximum length of the longer side of a PNG, in pixels."""

ReadProfiles: TypeAlias = Callable[[Graph, Nodes], Iterable[NodeProfile]]
"""Reads the profiles of some nodes of a graph; see `Dataset.node_profiles`."""

# Maximum number of users and edges.
_IN_PNG = (100_000, 3_000_000)
_IN_PAGE = (10_000, 150_000)  # browsers draw more, but not smoothly


class Picture:
    """A picture of a follow graph. The layout is computed when it is first needed.

    Args:
        graph: The follow graph.
        profiles: Reads the profiles whose names label the users; None labels them by id.
        top: Number of users to show, the most followed ones; None shows as many as stay readable.
        size: Length of the longer side of the PNG, in pixels.
        light: Whether the background is light.
        labels: Label users with their `names`, with `pseudonyms`, or with `none`.
        seed: Seed of the layout and the communities; the same seed gives the same picture.
        progress: Called with the steps of the layout that are done, and their total.

    Raises:
        SettingsError: an argument is not allowed.
    """

    def __init__(
        self,
        graph: Graph,
        profiles: ReadProfiles | None = None,
        *,
        top: int | None = None,
        size: int = 2400,
        light: bool = False,
        labels: Labels = "names",
        seed: int = 1,
        progress: Progress = no_progress,
    ) -> None:
        if top is not None and top < 1:
            raise SettingsError(f"top={top}: a picture shows at least one user.")
        if not SIZES[0] <= size <= SIZES[1]:
            raise SettingsError(f"size={size}: a picture has {SIZES[0]} to {SIZES[1]:,} pixels along a side.")
        if labels not in ("names", "pseudonyms", "none"):
            raise SettingsError(f"labels={labels!r}: allowed are names, pseudonyms and none.")
        check_seed(seed)
        self._graph = graph
        self._profiles = profiles
        self._top = top
        self._size = size
        self._palette = LIGHT if light else DARK
        self._labels: Labels = labels
        self._seed = seed
        self._progress = progress
        self._scenes: dict[tuple[int, int], Scene] = {}

    def __repr__(self) -> str:
        return f"<Picture of {self._graph.node_count:,} users and {self._graph.edge_count:,} follows>"

    def scene(self, kind: str = ".png") -> Scene:
        """Return the scene of a kind of picture: users, positions, communities.

        Args:
            kind: `.png` or `.html`; a page shows fewer users unless `top` is given.
        """
        users, edges = _IN_PAGE if kind == ".html" else _IN_PNG
        users = min(self._graph.node_count, self._top or users)
        if (users, edges) not in self._scenes:
            self._scenes[users, edges] = compose(
                self._graph,
                top=users,
                edges=edges,
                labels=self._labels,
                seed=self._seed,
                progress=self._progress,
            )
        return self._scenes[users, edges]

    def png(self) -> bytes:
        """Return the picture as PNG.

        Raises:
            SettingsError: Pillow is not installed.
            CorruptFile: a file of profiles is broken.
            StorageUnavailable: a file of profiles cannot be read.
        """
        scene = self.scene(".png")
        profiles = self._read(scene, scene.order()[:LABELLED].astype(np.int32))
        return draw_png(scene, scene.names(profiles), self._palette, self._size)

    def html(self) -> bytes:
        """Return the picture as a self-contained HTML page in UTF-8.

        Raises:
            CorruptFile: a file of profiles is broken.
            StorageUnavailable: a file of profiles cannot be read.
        """
        scene = self.scene(".html")
        profiles = self._read(scene, np.arange(scene.graph.node_count, dtype=np.int32))
        return draw_page(scene, profiles, self._palette, self._ranks(scene))

    def save(self, path: Path | str) -> None:
        """Write the picture to a file, which is replaced if it exists.

        Args:
            path: The file; its extension, `.png` or `.html`, is the kind of picture.

        Raises:
            SettingsError: it has another extension, or Pillow is not installed.
            CorruptFile: a file of profiles is broken.
            StorageUnavailable: the file cannot be written, or a file of profiles cannot be read.
        """
        path = Path(path)
        kind = path.suffix.lower()
        if kind not in KINDS:
            raise SettingsError(f"{path}: the name of a picture ends in {' or '.join(KINDS)}.")
        content = self.png() if kind == ".png" else self.html()
        partial = path.with_name(f".{secrets.token_hex(6)}.part")
        with translate_errors(path):
            try:
                partial.write_bytes(content)
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)

    def _ranks(self, scene: Scene) -> dict[str, list[str]]:
        """Return the PageRank in the whole graph and the rank among crawled users, for each user shown.

        It is empty for border users, whose followers are unknown.
        """
        graph = self._graph
        scores = graph.pagerank()
        crawled = np.sort(scores[graph.crawled])
        shown = np.searchsorted(graph.ids, scene.graph.ids)
        places = len(crawled) + 1 - np.searchsorted(crawled, scores[shown], "right")
        texts = {
            "PageRank": [f"{score:.4f}" for score in scores[shown].tolist()],
            "place by PageRank": [f"{place:,}" for place in places.tolist()],
        }
        is_crawled = scene.graph.crawled.tolist()
        return {
            name: [text if known else "" for text, known in zip(values, is_crawled, strict=True)]
            for name, values in texts.items()
        }

    def _read(self, scene: Scene, nodes: Nodes) -> dict[int, NodeProfile]:
        if self._profiles is None or scene.labels != "names" or not len(nodes):
            return {}
        return {profile.node: profile for profile in self._profiles(scene.graph, nodes)}

    def _repr_png_(self) -> bytes:
        return self.png()
