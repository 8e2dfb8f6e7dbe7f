from pathlib import Path

import pytest

from twittomatic.emulator.build import bundled_graph, open_world
from twittomatic.emulator.world.graph import GraphWorld
from twittomatic.emulator.world.procedural import ProceduralWorld


def test_the_bundled_graph_is_whole() -> None:
    world = open_world(graph=bundled_graph(), seed=3)
    assert isinstance(world, GraphWorld)
    assert world.population == 3726
    assert sum(world.follower_count(user_id) for user_id in world.user_ids) == 23_939
    assert "MIT license" in (bundled_graph().parent / "ATTRIBUTION.md").read_text()


def test_a_size_gives_a_computed_world() -> None:
    assert isinstance(open_world(users=10), ProceduralWorld)


@pytest.mark.parametrize(
    ("sources", "why"),
    [
        ({}, "exactly one of graph, users, dataset and pages; found none"),
        ({"users": 5, "graph": Path("g")}, "exactly one .* found graph and users"),
        ({"users": 0}, "1 to 1000000000 users, not 0"),
        ({"users": 10**9 + 1}, "1 to 1000000000 users"),
        ({"graph": Path("/nowhere/graph.gz")}, "cannot read /nowhere/graph.gz: No such file"),
        ({"pages": Path("/nowhere/pages")}, "cannot read /nowhere/pages: No such file"),
        ({"dataset": Path("/nowhere/data")}, "/nowhere/data: there is no such directory"),
        ({"graph": Path("/")}, "cannot read /: Is a directory"),
    ],
)
def test_bad_sources_are_refused_in_one_sentence(sources: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        open_world(**sources)  # type: ignore[arg-type]
