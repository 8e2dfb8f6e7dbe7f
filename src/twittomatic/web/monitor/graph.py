"""A drawing of the graph found so far: some hundred users, the links between them, and their positions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from twittomatic.errors import StorageError
from twittomatic.model import NO_JSON
from twittomatic.storage.formats import read_ids, read_lines, to_ids
from twittomatic.storage.paths import Layout
from twittomatic.web.monitor.crawled import CrawledUser, CrawledUsers

_NODES, _LARGEST = 240, 160  # users drawn; those with the most followers among them, others at random
_LINKS = 2_000  # drawn; more are a grey disc
_FOLLOWERS = 200_000  # of one list that are looked at, from its beginning
_PROFILES = 20_000  # that are read for names, in all
_ROUNDS = 150  # of the layout: half a second for 240 users

Points = npt.NDArray[np.float64]


class _Profile(msgspec.Struct):
    id: str
    username: str = ""
    name: str = ""


_decode = msgspec.json.Decoder(_Profile).decode


class GraphView:
    """Draws the crawled users; their positions are kept from one drawing to the next.

    Args:
        layout: The dataset's layout.
        crawled: The crawled users.
    """

    def __init__(self, layout: Layout, crawled: CrawledUsers) -> None:
        self._layout = layout
        self._crawled = crawled
        self._points: dict[str, tuple[float, float]] = {}
        self._names: dict[str, tuple[str, str]] = {}

    def draw(self) -> dict[str, Any]:
        """Return the picture; takes up to some seconds.

        Returns:
            `nodes`, each with `id`, `username` and `name` (as its user wrote it, or empty), `depth`,
            `followers`, and `x`, `y` from 0 to 1; `links`, pairs of their indices, the first follows the
            second; `crawled`, how many users there are, and `links_cut`, whether some are left out.
        """
        self._crawled.read()
        chosen = _chosen(self._crawled.users.values())
        links = self._links(chosen)
        self._learn_names([user.user_id for user in chosen])
        points = _arranged(self._start(chosen), links)
        self._points = {user.user_id: (x, y) for user, (x, y) in zip(chosen, points.tolist(), strict=True)}
        nodes = [
            {
                "id": user.user_id,
                "username": self._names.get(user.user_id, ("", ""))[0],
                "name": self._names.get(user.user_id, ("", ""))[1],
                "depth": user.depth,
                "followers": user.followers,
                "x": round(x, 4),
                "y": round(y, 4),
            }
            for user, (x, y) in zip(chosen, points.tolist(), strict=True)
        ]
        drawn = links[:: max(1, -(-len(links) // _LINKS))]
        return {
            "nodes": nodes,
            "links": drawn.tolist(),
            "links_cut": len(drawn) < len(links),
            "crawled": self._crawled.count,
        }

    def _links(self, chosen: Sequence[CrawledUser]) -> npt.NDArray[np.intp]:
        """Return the follow edges among the chosen users, as pairs of indices."""
        ids = to_ids(user.user_id for user in chosen)
        order = np.argsort(ids)
        found = [np.empty((0, 2), np.intp)]
        for index, user in enumerate(chosen):
            left = _FOLLOWERS
            try:
                for followers in read_ids(self._layout.file(user.user_id, "fws")):
                    place = np.searchsorted(ids, followers[:left], sorter=order)
                    place = order[np.minimum(place, len(ids) - 1)]
                    hits = place[ids[place] == followers[:left]]
                    found.append(np.stack([hits, np.full(len(hits), index)], axis=1))
                    left -= len(followers)
                    if left <= 0:
                        break
            except StorageError:
                continue  # `verify` reports it
        return np.concatenate(found)

    def _learn_names(self, user_ids: Sequence[str]) -> None:
        """Look for names of users in the profiles that came with the lists of these users."""
        missing = set(user_ids) - self._names.keys()
        left = _PROFILES
        for user_id in user_ids:
            if not missing or left <= 0:
                break
            try:
                for line in islice(read_lines(self._layout.file(user_id, "usr")), left):
                    left -= 1
                    profile = _decode(line)
                    if profile.id in missing:
                        missing.discard(profile.id)
                        self._names[profile.id] = (profile.username[:50], profile.name[:100])
            except (StorageError, *NO_JSON):
                continue

    def _start(self, chosen: Sequence[CrawledUser]) -> Points:
        """Return the positions in the last drawing, or pseudo-random ones for new users."""
        return np.array([self._points.get(user.user_id) or _anywhere(user.user_id) for user in chosen])


def _chosen(users: Iterable[CrawledUser]) -> list[CrawledUser]:
    """Choose seeds, the users with the most followers, and a fixed sample of the others."""
    ranked = sorted(users, key=lambda user: (user.depth > 0, -user.followers, user.user_id))
    rest = sorted(ranked[_LARGEST:], key=lambda user: _hash(user.user_id))
    return ranked[:_LARGEST] + rest[: _NODES - _LARGEST]


def _arranged(points: Points, links: npt.NDArray[np.intp]) -> Points:
    """Let users push each other away and links pull them together (Fruchterman and Reingold, 1991)."""
    count = len(points)
    if count < 2:
        return points.reshape(count, 2) * 0 + 0.5
    ideal = 1 / np.sqrt(count)
    pairs = np.unique(np.sort(links, axis=1), axis=0)
    degrees = np.bincount(pairs.ravel(), minlength=count)
    ease = np.sqrt(degrees[pairs].min(axis=1))[
        :, None
    ]  # or a user with many links pulls all others into one heap
    for heat in np.geomspace(0.1, 0.002, _ROUNDS):
        apart = points[:, None, :] - points[None, :, :]
        square = np.maximum((apart**2).sum(axis=2), 1e-6)
        move = (apart * (ideal**2 / square)[:, :, None]).sum(axis=1)
        if len(pairs):
            along = points[pairs[:, 0]] - points[pairs[:, 1]]
            pull = along * (np.sqrt((along**2).sum(axis=1)) / ideal)[:, None] / ease
            np.subtract.at(move, pairs[:, 0], pull)
            np.add.at(move, pairs[:, 1], pull)
        move -= (points - 0.5) * 0.5  # towards the middle, so that no point drifts off
        length = np.maximum(np.sqrt((move**2).sum(axis=1)), 1e-9)
        points = points + move * (np.minimum(length, heat) / length)[:, None]
    low, high = points.min(axis=0), points.max(axis=0)
    return np.asarray((points - low) / np.maximum(high - low, 1e-9))


def _hash(user_id: str) -> int:
    return int.from_bytes(hashlib.blake2b(user_id.encode(), digest_size=8).digest())


def _anywhere(user_id: str) -> tuple[float, float]:
    """Return a pseudo-random position that is the same every time."""
    number = _hash(user_id)
    return (number >> 32) / 2**32, (number & 0xFFFFFFFF) / 2**32
