"""Draw a scene as a self-contained HTML page, which sigma.js renders and which can be searched.

Names come from the network and are hostile. They are in a JSON block in which every `<` is escaped, and the
script inserts them as text only. The Content Security Policy of the page allows its own two scripts by their
hashes, and no requests.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import unescape
from importlib.resources import files
from string import Template
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from twittomatic.dataset.graph import Graph, NodeProfile
from twittomatic.dataset.picture.palette import Palette
from twittomatic.dataset.picture.scene import LABELLED, Scene, printable

_NODE = (1.4, 14.0)  # radius of a user without followers, and how much larger the most followed one is
_TEXT = 400  # characters of a bio
_COUNTS = {
    "followers_count": "followers on the network",
    "following_count": "follows on the network",
    "posts_count": "posts on the network",
}


def draw_page(
    scene: Scene,
    profiles: Mapping[int, NodeProfile],
    palette: Palette,
    measures: Mapping[str, Sequence[str]],
) -> bytes:
    """Return a picture as an HTML page in UTF-8.

    Args:
        scene: The scene.
        profiles: Profiles by node; a user without one is labelled by id.
        palette: Colors.
        measures: Additional lines on the cards of users: for each name, a text for each node.
            An empty text is not shown.
    """
    data = msgspec.json.encode(_data(scene, profiles, palette, measures)).decode()
    script, library, style = (_static(name) for name in ("page.js", "sigma.min.js", "page.css"))
    policy = (
        f"default-src 'none'; script-src {_hash(library)} {_hash(script)}; style-src {_hash(style)}; "
        "base-uri 'none'; form-action 'none'"
    )
    page = Template(_static("page.html")).substitute(
        csp=policy,
        style=style,
        theme="dark" if palette.is_dark else "light",
        data=data.replace("<", "\\u003c"),
        library=library,
        script=script,
    )
    return page.encode()


def _data(
    scene: Scene,
    profiles: Mapping[int, NodeProfile],
    palette: Palette,
    measures: Mapping[str, Sequence[str]],
) -> dict[str, Any]:
    is_named = scene.labels == "names"
    labels = scene.names(profiles)
    if not is_named:
        scene, order = _without_order_of_ids(scene)
        labels = [labels[node] for node in order.tolist()] if labels else []
        measures = {name: [texts[node] for node in order.tolist()] for name, texts in measures.items()}
    graph = scene.graph
    nodes = range(graph.node_count)
    share = np.sqrt(scene.followers / max(1, scene.followers.max(initial=0)))
    size = _NODE[0] + _NODE[1] * share
    position = scene.position / max(float(np.abs(scene.position).max(initial=0)), 1e-9)
    return {
        "xy": _packed(np.stack([position.real, position.imag], axis=1), "<f4"),
        "size": _packed(size, "<f4"),
        "group": _packed(np.minimum(scene.communities, scene.hues), "u1"),
        "bounds": _packed(graph.indptr, "<u4"),
        "followers": _packed(graph.followers, "<u4"),
        "here": _packed(scene.followers, "<u4"),
        "labels": labels,
        "labelled": float(np.sort(size)[-LABELLED:][0]) * 0.8 if len(size) else 0.0,
        "ids": [str(user_id) for user_id in graph.ids.tolist()] if is_named else None,
        "profiles": [_profile(profiles.get(node)) for node in nodes] if is_named else [],
        "crawled": graph.crawled.tolist(),
        "groups": _groups(scene, labels),
        "measures": measures,
        "colors": [*palette.hues[: scene.hues], palette.other],
        "background": palette.background,
        "text": palette.text,
        "leftOut": scene.left_out,
    }


def _without_order_of_ids(scene: Scene) -> tuple[Scene, npt.NDArray[np.int64]]:
    """Renumber nodes by falling number of followers: the order of ids would reveal which accounts are older.

    Returns:
        The scene without ids, and the previous number of each node (int64, shape n).
    """
    graph = scene.graph
    n = graph.node_count
    order = np.lexsort((scene.position.real, -scene.followers))
    number = np.empty(n, np.int64)
    number[order] = np.arange(n)
    followed = np.repeat(number, graph.in_degrees())
    keys = np.sort(followed * n + number[graph.followers])
    renumbered = Graph(
        ids=np.zeros(n, np.int64),
        indptr=np.searchsorted(keys, np.arange(n + 1) * n).astype(np.int64),
        followers=(keys % max(1, n)).astype(np.int32),
        crawled=graph.crawled[order],
    )
    return replace(
        scene,
        graph=renumbered,
        position=scene.position[order],
        followers=scene.followers[order],
        communities=scene.communities[order],
    ), order


def _profile(profile: NodeProfile | None) -> dict[str, Any] | None:
    if profile is None:
        return None
    counts = {shown: getattr(profile, field) for field, shown in _COUNTS.items()}
    texts = {
        "name": printable(profile.name or ""),
        "description": unescape(profile.description or "")[:_TEXT],  # X writes &lt; for <
        "location": unescape(profile.location or "")[:_TEXT],
    }
    return {
        **{name: text for name, text in texts.items() if text},
        "counts": {name: count for name, count in counts.items() if count is not None},
    }


def _groups(scene: Scene, labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return the communities of the legend, named after their most followed users."""
    groups = []
    for community in range(scene.hues):
        members = np.flatnonzero(scene.communities == community)
        first = int(members[np.argmax(scene.followers[members])])
        name = f"around {labels[first]}" if labels else f"community {community + 1}"
        groups.append({"name": name, "users": len(members)})
    return groups


def _packed(values: npt.NDArray[Any], dtype: str) -> str:
    return base64.b64encode(np.ascontiguousarray(values, dtype).tobytes()).decode()


def _static(name: str) -> str:
    return files(__package__).joinpath("static", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
