"""What must hold of the graph of a dataset, whatever lists it has and however they change."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twittomatic.dataset import Graph, open
from twittomatic.dataset.graph import blocks, build, graph, numbering
from twittomatic.errors import StorageError
from twittomatic.storage.formats import member
from twittomatic.storage.paths import Layout

thorough = settings(deadline=None, print_blob=True, max_examples=30)

few = st.integers(1, 12)  # so that users meet again
ids = st.one_of(few, few, st.integers(0, 18).map(lambda digits: 10**digits), st.integers(0, 2**63 - 1))
lists = st.dictionaries(ids, st.lists(ids, max_size=12), max_size=6)
"""Follower lists by the user who is followed: with self-follows, repeated ids, and 1 to 19 digits."""

changes = st.lists(
    st.tuples(ids, st.one_of(st.none(), st.just("broken"), st.lists(ids, max_size=12))), max_size=5
)
"""Lists that are removed, damaged or replaced."""


@pytest.fixture(autouse=True, scope="module")
def small_blocks() -> Iterator[None]:
    """Let a handful of edges take all the ways that a hundred million take."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK", 5)
        patch.setattr(build, "_RANGE", 4)
        patch.setattr(graph, "_STEP", 4)
        patch.setattr(numbering, "_EVERY", 2)
        patch.setattr(numbering, "_RANGE", 4)
        yield


def put(layout: Layout, user_id: int, followers: list[int] | str | None) -> None:
    path = layout.file(str(user_id), "fws")
    path.parent.mkdir(exist_ok=True)
    if followers is None:
        path.unlink(missing_ok=True)
        return
    part = layout.temporary / "part"
    part.parent.mkdir(exist_ok=True)
    whole = member([b"%d" % one for one in followers] if isinstance(followers, list) else [])
    part.write_bytes(whole if isinstance(followers, list) else whole[:-1])
    part.rename(path)


def expected(lists: dict[int, list[int]]) -> tuple[list[int], dict[int, list[int]], set[int]]:
    nodes = sorted({*lists, *(one for followers in lists.values() for one in followers)})
    return nodes, {user: sorted(set(followers)) for user, followers in lists.items() if followers}, set(lists)


def contents(graph: Graph) -> tuple[list[int], dict[int, list[int]], set[int]]:
    assert graph.followers.dtype == np.int32
    assert graph.ids.dtype == graph.indptr.dtype == np.int64
    followers = {
        int(graph.ids[node]): graph.ids[graph.followers[graph.indptr[node] : graph.indptr[node + 1]]].tolist()
        for node in range(graph.node_count)
        if graph.indptr[node] < graph.indptr[node + 1]
    }
    return graph.ids.tolist(), followers, set(graph.ids[graph.crawled].tolist())


@thorough
@given(lists=lists, changes=changes)
def test_a_graph_that_was_brought_up_to_date_equals_a_new_one(
    lists: dict[int, list[int]], changes: list[tuple[int, list[int] | str | None]]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        layout = Layout(Path(name), Path(name) / ".tmp")
        ds = open(name)
        for user_id, followers in lists.items():
            put(layout, user_id, followers)
        assert contents(ds.graph()) == expected(lists)
        broken: set[int] = set()
        for user_id, followers in changes:
            put(layout, user_id, followers)
            lists.pop(user_id, None)
            broken.discard(user_id)
            if isinstance(followers, list):
                lists[user_id] = followers
            elif followers:
                broken.add(user_id)
            defects: list[StorageError] = []

            found = ds.graph(on_defect=defects.append)

            assert contents(found) == expected(lists)
            assert len(defects) == len(broken)
            assert all(any(f"{user}.fws" in str(one) for one in defects) for user in broken)


@thorough
@given(lists=lists, chosen=st.sets(few))
def test_a_subgraph_has_the_edges_among_its_nodes(lists: dict[int, list[int]], chosen: set[int]) -> None:
    with tempfile.TemporaryDirectory() as name:
        layout = Layout(Path(name), Path(name) / ".tmp")
        for user_id, followers in lists.items():
            put(layout, user_id, followers)
        whole = open(name).graph()

        part = whole.subgraph(np.isin(whole.ids, list(chosen)))

    nodes, edges, crawled = expected(lists)
    kept = set(nodes) & chosen
    among = {
        user: [one for one in followers if one in kept] for user, followers in edges.items() if user in kept
    }
    assert contents(part) == (
        sorted(kept),
        {user: followers for user, followers in among.items() if followers},
        crawled & kept,
    )
    assert part.lists is not None
    assert part.ids[part.lists.nodes].tolist() == sorted(crawled & kept)
    degrees = [sum(one in followers for followers in edges.values()) for one in nodes]
    assert whole.out_degrees().tolist() == degrees
