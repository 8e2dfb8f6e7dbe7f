"""Pictures as PNG: repeatable, readable, and for every graph that there can be."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("PIL")

from PIL import Image

from twittomatic.dataset import Graph, NodeProfile, open
from twittomatic.dataset.graph import Nodes
from twittomatic.dataset.notebook import card
from twittomatic.dataset.picture import Picture, fonts
from twittomatic.dataset.picture.choice import choose
from twittomatic.dataset.picture.fonts import find_font
from twittomatic.dataset.picture.labels import Anchor, Box, place
from twittomatic.dataset.picture.palette import DARK, LIGHT, Palette, rgb
from twittomatic.dataset.picture.scene import Labels, printable
from twittomatic.errors import SettingsError, StorageUnavailable
from twittomatic.storage.paths import Layout

SIZE = 300


def graph_of(*pairs: tuple[int, int], users: tuple[int, ...] = (), crawled: set[int] | None = None) -> Graph:
    """Return the graph of some edges (follower, followed)."""
    ids = np.array(sorted({*users, *(user for pair in pairs for user in pair)}), np.int64)
    number = {user: node for node, user in enumerate(ids.tolist())}
    edges = sorted({(number[followed], number[follower]) for follower, followed in pairs})
    counts = np.bincount(np.array([followed for followed, _ in edges], np.int64), minlength=len(ids))
    return Graph(
        ids=ids,
        indptr=np.concatenate([[0], np.cumsum(counts[: len(ids)])]).astype(np.int64),
        followers=np.array([follower for _, follower in edges], np.int32),
        crawled=np.array([crawled is None or user in crawled for user in ids.tolist()], np.bool_),
    )


def made_up(users: int, edges: int) -> Graph:
    random = np.random.default_rng(7)
    followers = random.integers(0, users, edges)
    followed = (users * random.random(edges) ** 3).astype(np.int64)
    return graph_of(*zip((followers + 100).tolist(), (followed + 100).tolist(), strict=True))


def pixels(png: bytes) -> npt.NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def page_data(picture: Picture) -> dict[str, Any]:
    """Return what the page of a picture shows."""
    block = picture.html().decode().split('<script type="application/json" id="data">')[1]
    found: dict[str, Any] = json.loads(block[: block.index("</script>")])
    return found


def test_the_same_seed_gives_the_same_picture_and_another_seed_another() -> None:
    graph = made_up(200, 900)

    first = Picture(graph, size=SIZE, seed=3).png()

    assert Picture(graph, size=SIZE, seed=3).png() == first
    assert Picture(graph, size=SIZE, seed=4).png() != first


@pytest.mark.parametrize("light", [False, True])
def test_users_and_edges_are_seen_on_the_background(light: bool) -> None:
    image = pixels(Picture(made_up(200, 900), size=SIZE, light=light, labels="none").png())

    background = image[0, 0]
    drawn = (np.abs(image.astype(int) - background) > 24).any(axis=2).mean()
    assert 0.05 < drawn < 0.95
    assert bool(background.mean() > 128) is light
    assert max(image.shape[:2]) == SIZE


@pytest.mark.parametrize(
    "graph",
    [
        graph_of(),
        graph_of(users=(5,)),
        graph_of((5, 5)),
        graph_of((5, 6)),
        graph_of((5, 6), (6, 5), (7, 7), users=(9,)),
        graph_of(*((number, 1) for number in range(2, 60)), crawled={1}),
    ],
    ids=["nobody", "one user", "a self-follow", "one edge", "pieces", "followers of one user"],
)
@pytest.mark.filterwarnings("error")
def test_every_graph_has_a_picture(graph: Graph) -> None:
    picture = Picture(graph, size=SIZE)
    assert pixels(picture.png()).ndim == 3
    assert picture.html().startswith(b"<!doctype html>")


def test_the_most_followed_users_with_edges_among_them_are_chosen() -> None:
    graph = graph_of((1, 2), (3, 2), (4, 2), (1, 3), (2, 3), (4, 1), (9, 8))

    assert graph.ids[choose(graph, top=3, edges=100)].tolist() == [1, 2, 3]
    assert graph.ids[choose(graph, top=100, edges=2)].tolist() == [2, 3]
    assert graph.ids[choose(graph, top=100, edges=100)].tolist() == [1, 2, 3, 4, 8, 9]
    picture = Picture(graph, top=3)
    assert picture.scene().left_out == 3


def profile(node: int, **fields: str) -> NodeProfile:
    return NodeProfile(
        **{**dict.fromkeys(NodeProfile._fields), "node": node, "user_id": 0, "came_at": 0, **fields}
    )  # type: ignore[arg-type]


def test_users_are_named_by_their_profiles_or_their_ids() -> None:
    graph = graph_of((1, 2), (3, 2), (2, 1), (3, 1))
    asked: list[int] = []

    def read(graph: Graph, nodes: Nodes) -> list[NodeProfile]:
        asked.extend(nodes.tolist())
        return [profile(0, username="", name="Grace"), profile(1, username="ada")]

    picture = Picture(graph, read, size=SIZE)
    picture.png()

    assert sorted(asked) == [0, 1, 2]
    scene = picture.scene()
    assert scene.names({found.node: found for found in read(graph, scene.graph.followers)}) == [
        "Grace",
        "@ada",
        "3",
    ]
    assert Picture(graph, size=SIZE, labels="pseudonyms").scene().names({}) == ["user 1", "user 2", "user 3"]


@pytest.mark.parametrize("labels", ["pseudonyms", "none"])
def test_a_picture_without_names_reads_no_profiles(labels: Labels) -> None:
    def read(graph: Graph, nodes: Nodes) -> list[NodeProfile]:
        raise AssertionError("profiles are not needed")

    picture = Picture(graph_of((1, 2)), read, size=SIZE, labels=labels)
    picture.png()
    picture.html()


def test_a_page_without_names_does_not_tell_the_order_of_ids() -> None:
    picture = Picture(graph_of((9, 1), (1, 5), (2, 5), (9, 5), (5, 9), (2, 9)), labels="pseudonyms")
    data = page_data(picture)

    bounds, followers = (np.frombuffer(base64.b64decode(data[key]), "<u4") for key in ("bounds", "followers"))

    assert data["labels"] == ["user 1", "user 2", "user 3", "user 4"], "5, 9, 1 and 2"
    assert data["ids"] is None
    assert np.diff(bounds).tolist() == [3, 2, 1, 0]
    assert followers.tolist() == [1, 2, 3, 0, 3, 1]


@pytest.mark.parametrize("labels", ["names", "pseudonyms"])
def test_a_page_has_the_pagerank_of_crawled_users(labels: Labels) -> None:
    graph = graph_of((1, 2), (3, 2), (4, 2), (2, 3), crawled={2, 3, 4})
    data = page_data(Picture(graph, labels=labels))
    followers = np.frombuffer(base64.b64decode(data["here"]), "<u4").tolist()
    ranks = dict(
        zip(zip(followers, data["crawled"], strict=True), data["measures"]["place by PageRank"], strict=True)
    )
    assert ranks[0, False] == "", "nobody is known to follow a border user"
    assert [ranks[count, True] for count in (3, 1, 0)] == ["1", "2", "3"]
    assert "" in data["measures"]["PageRank"]


def test_labels_never_overlap_and_stay_in_the_picture() -> None:
    random = np.random.default_rng(5)
    frame = Box(0, 0, 600, 400)
    anchors = [
        Anchor(x=x, y=y, radius=r, width=w, height=18)
        for x, y, r, w in zip(
            random.uniform(0, 600, 60),
            random.uniform(0, 400, 60),
            random.uniform(1, 15, 60),
            random.uniform(20, 160, 60),
            strict=True,
        )
    ]
    taken = Box(0, 380, 200, 400)

    boxes = [box for box in place(anchors, frame, [taken]) if box]

    assert len(boxes) > 30
    for number, box in enumerate(boxes):
        assert box.within(frame)
        assert not box.overlaps(taken)
        assert not any(box.overlaps(other) for other in boxes[:number])


def test_a_name_without_glyphs_is_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_system_fonts", tuple)

    assert find_font("@ada Ünal Ωμέγα Иван", 20)
    assert find_font("日本", 20) is None, "our font has no Chinese characters: they would be boxes"
    assert find_font("ada 🦊", 20) is None


def test_a_font_of_the_system_is_found_for_other_scripts() -> None:
    known = {path.name for path in fonts._system_fonts()}
    if not known & {"wqy-microhei.ttc", "NotoSansCJK-Regular.ttc", "NotoSansCJK-Bold.ttc"}:
        pytest.skip("no font with Chinese characters is installed")
    assert find_font("日本", 20)


def test_a_label_far_from_its_node_is_joined_to_it() -> None:
    anchor = Anchor(x=50, y=50, radius=5, width=40, height=10)

    assert anchor.leader(Box(30, 34, 70, 44)) is None
    assert anchor.leader(Box(30, 10, 70, 20)) == [(50, 45), (50, 20)]


def test_a_picture_is_saved_by_its_extension(tmp_path: Path) -> None:
    picture = graph_of((1, 2)).picture(size=SIZE)
    for name, start in [("a.png", b"\x89PNG"), ("b.HTML", b"<!doctype html>")]:
        picture.save(tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(start)
    with pytest.raises(SettingsError, match=r"ends in \.png or \.html"):
        picture.save(tmp_path / "c.gif")
    with pytest.raises(StorageUnavailable, match="nowhere"):
        picture.save(tmp_path / "nowhere" / "d.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.HTML"]


def test_a_notebook_shows_datasets_graphs_and_pictures(layout: Layout) -> None:
    ds = open(layout.output)
    graph = ds.graph()

    assert "Dataset" in ds._repr_html_()
    assert "follows</td><td>2</td>" in graph._repr_html_()
    assert graph.picture(ds.node_profiles, size=SIZE)._repr_png_().startswith(b"\x89PNG")
    assert "<b>" not in card("<b>", {"<b>": 1}, "<b>")


# Machado, Oliveira and Fernandes (2009), severity 1: how red, green and blue look to colour-blind readers.
SIGHTS = {
    "full color": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}


def lab(color: str, sight: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return a color in CIE L*a*b*, as it looks with some sight."""
    linear = np.where(rgb(color) <= 0.04045, rgb(color) / 12.92, ((rgb(color) + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.asarray(sight) @ linear, 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear
    x, y, z = np.cbrt(xyz / [0.9505, 1.0, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("sight", ["full color", "protanopia", "deuteranopia"])
@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=["dark", "light"])
def test_hues_are_distinguishable_with_color_vision_deficiencies(palette: Palette, sight: str) -> None:
    colors = [*palette.hues, palette.other, palette.background]
    seen = [lab(color, SIGHTS[sight]) for color in colors]
    nearest = min(
        (float(np.linalg.norm(first - second)), colors[i], colors[k])
        for i, first in enumerate(seen)
        for k, second in enumerate(seen[:i])
    )
    assert nearest[0] > 14, nearest


def test_names_are_one_line_without_bidirectional_marks() -> None:
    assert printable("a\u202eb\n\x00c\ud800") == "abc"
    assert printable("x" * 100) == "x" * 31 + "…"
    assert printable("\u2066\u2069") == ""


@pytest.mark.parametrize(
    "change", [{"top": 0}, {"size": 10}, {"size": 99_999}, {"labels": "all"}, {"seed": -1}]
)
def test_a_bad_argument_is_named(change: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match=next(iter(change))):
        Picture(graph_of((1, 2)), **change)  # type: ignore[arg-type]
