"""Several datasets on one server: each writes to, serves and deletes what is provably its own."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from indexing import EARLIER, LATER, LATEST, Scene, post

from twittomatic.errors import SettingsError, TwittomaticError
from twittomatic.sinks.indexer.indices import Indices
from twittomatic.storage.identity import identity
from twittomatic.storage.paths import Layout

TAKEN = r"ELASTICSEARCH_INDEX: on http://127\.0\.0\.1:\d+, .* is not known to be this dataset's; name another"


@pytest.fixture
def other(tmp_path: Path) -> Layout:
    """A second dataset."""
    layout = Layout(tmp_path / "other", tmp_path / "other" / ".tmp")
    layout.prepare()
    return layout


async def indices_of(scene: Scene, layout: Layout, prefix: str = "") -> Indices:
    server = await scene.search_server()
    return Indices(server, prefix or scene.prefix, lambda: identity(layout))


def everything(scene: Scene) -> Any:
    """Return all that another dataset could spoil."""
    return (
        scene.found(),
        scene.ask("GET", f"/{scene.prefix}-*"),
        scene.ask("GET", f"/_index_template/{scene.prefix}"),
    )


async def test_a_name_that_another_dataset_has_is_refused_and_nothing_changes(
    scene: Scene, other: Layout
) -> None:
    await scene.take(await scene.indexer(), scene.write(22, (EARLIER, [post("1")])))
    before = everything(scene)
    with pytest.raises(SettingsError, match=TAKEN):
        await (await indices_of(scene, other)).begin()
    rebuild = await scene.rebuild(alone=True)
    rebuild._indices = await indices_of(scene, other)
    with pytest.raises(SettingsError, match=TAKEN):
        await rebuild.run()
    assert everything(scene) == before

    for name in scene.indices():  # the name stays taken while nothing is there to be searched
        scene.ask("DELETE", f"/{name}")
    with pytest.raises(SettingsError, match="the index template"):
        await (await indices_of(scene, other)).begin()


async def test_a_dataset_keeps_its_name_wherever_it_is_moved_to(scene: Scene) -> None:
    await scene.take(await scene.indexer(), scene.write(22, (EARLIER, [post("1")])))
    moved = scene.crawl.layout.output.rename(scene.crawl.layout.output.with_name("moved"))
    again = await indices_of(scene, Layout(moved, moved / ".tmp"))
    await again.begin()
    assert not (await again.serving()).is_empty


async def test_of_two_datasets_that_begin_at_once_one_has_the_name(scene: Scene, other: Layout) -> None:
    ours = [await indices_of(scene, scene.crawl.layout) for _ in range(3)]
    theirs = [await indices_of(scene, other) for _ in range(3)]
    both = [one for pair in zip(ours, theirs, strict=True) for one in pair]
    results = await asyncio.gather(*[one.begin() for one in both], return_exceptions=True)
    for mine, yours in ((ours, theirs), (theirs, ours)):
        if results[both.index(mine[0])] is None:
            assert [results[both.index(one)] for one in mine] == [None] * 3
            assert all(isinstance(results[both.index(one)], SettingsError) for one in yours)
            return
    pytest.fail(f"nobody has it: {results}")


async def test_a_rebuild_leaves_indices_that_are_not_provably_its_own(scene: Scene) -> None:
    left = {
        "2025.10-000001": {},
        "undated-000001": {"_meta": {"twittomatic": {"dataset": "0" * 32}}},
        "2025.10-000007": {"_meta": {"twittomatic": 7}},
    }
    for name, mapping in left.items():
        scene.ask("PUT", f"/{scene.prefix}-{name}", {"mappings": mapping})
    scene.ask("POST", f"/{scene.prefix}-2025.10-000001/_close")
    scene.write(22, (EARLIER, [post("1")]))
    assert (await (await scene.rebuild(alone=True)).run()).left == 3
    rebuilt = await (await scene.rebuild(alone=True)).run()
    assert (rebuilt.posts, rebuilt.deleted, rebuilt.left) == (1, 2, 3)
    assert {f"{scene.prefix}-{name}" for name in left} < set(scene.indices())
    assert set(scene.found()) == {"1"}


@pytest.mark.parametrize("name", ["{}-2025.10-000001", "{}-old", "elsewhere-{}"])
async def test_an_alias_that_leads_elsewhere_is_left_where_it_is(scene: Scene, name: str) -> None:
    name = name.format(scene.prefix)
    scene.ask("PUT", f"/{name}", {"aliases": {scene.prefix: {}}})
    scene.write(22, (EARLIER, [post("1")]))
    try:
        with pytest.raises(SettingsError, match=name):
            await scene.indexer()
        with pytest.raises(SettingsError, match=name):
            await (await scene.rebuild(alone=True)).run()
        assert list(scene.ask("GET", f"/_alias/{scene.prefix}")) == [name]
    finally:
        scene.ask("DELETE", f"/{name}")


async def test_an_alias_that_is_led_elsewhere_later_ends_it(scene: Scene) -> None:
    sink = await scene.indexer()
    _, indices = await scene.bulk()
    await scene.take(sink, scene.write(22, (EARLIER, [post("1")])))
    name = f"{scene.prefix}-2025.10-000001"
    scene.ask("PUT", f"/{name}", {"aliases": {scene.prefix: {}}})
    with pytest.raises(SettingsError, match=name):
        await scene.take(sink, scene.write(22, (LATER, [post("2")])))
    with pytest.raises(SettingsError, match=name):
        await indices.move_alias(await indices.begin_generation())


async def test_an_index_with_the_name_of_the_alias_is_reported(scene: Scene) -> None:
    scene.ask("PUT", f"/{scene.prefix}", {})
    try:
        with pytest.raises(SettingsError, match=f"the index {scene.prefix} is not known"):
            await scene.indexer()
    finally:
        scene.ask("DELETE", f"/{scene.prefix}")


async def test_a_month_that_another_dataset_made_first_is_not_written_to(scene: Scene) -> None:
    sink = await scene.indexer()
    name = f"{scene.prefix}-2025.11-000001"
    scene.ask("PUT", f"/{name}", {})
    with pytest.raises(SettingsError, match=f"the index {name} is not known"):
        await scene.take(sink, scene.write(22, (EARLIER, [post("1")])))
    assert scene.ask("GET", f"/{name}/_count")["count"] == 0
    assert scene.ask("GET", f"/{name}/_alias")[name]["aliases"] == {}


@pytest.mark.parametrize("meta", [{}, {"_meta": {"twittomatic": {"dataset": "0" * 32}}}])
async def test_a_foreign_index_template_is_left_alone(scene: Scene, meta: dict[str, Any]) -> None:
    template = {"index_patterns": [f"{scene.prefix}-logs-*"], "priority": 7, **meta}
    scene.ask("PUT", f"/_index_template/{scene.prefix}", template)
    before = scene.ask("GET", f"/_index_template/{scene.prefix}")
    with pytest.raises(SettingsError, match=f"the index template {scene.prefix} is not known"):
        await scene.indexer()
    assert scene.ask("GET", f"/_index_template/{scene.prefix}") == before


async def test_a_name_that_begins_with_another_ones_is_another_name(scene: Scene, other: Layout) -> None:
    """Timelines of the same user in both; each goes from its own dataset's indices alone."""
    longer = f"{scene.prefix}-b"
    sink, shorter = await scene.indexer(), scene.prefix
    event = scene.write(22, (EARLIER, [post("1"), post("2", created_at="2025-12-01T00:00:00Z")]))
    await scene.take(sink, event)
    layout = scene.crawl.layout
    try:
        scene.prefix, scene.crawl.layout = longer, other
        second = await scene.indexer()
        await scene.take(second, scene.write(22, (EARLIER, [post("3"), post("4")])))
        assert set(scene.found()) == {"3", "4"}
        scene.prefix, scene.crawl.layout = shorter, layout

        await scene.take(sink, scene.write(22, (LATEST, [post("1")])))
        rebuilt = await (await scene.rebuild(alone=True)).run()
        assert (rebuilt.posts, rebuilt.left) == (1, 0)
        assert set(scene.found()) == {"1"}

        scene.prefix, scene.crawl.layout = longer, other
        assert set(scene.found()) == {"3", "4"}
        rebuilt = await (await scene.rebuild(alone=True)).run()
        assert (rebuilt.posts, rebuilt.deleted, rebuilt.left) == (2, 1, 0)
        assert set(scene.found()) == {"3", "4"}
    finally:
        scene.prefix = longer
        scene.clear()
        scene.prefix, scene.crawl.layout = shorter, layout
    assert set(scene.found()) == {"1"}


async def test_without_an_id_nothing_is_touched(scene: Scene) -> None:
    await scene.take(await scene.indexer(), scene.write(22, (EARLIER, [post("1")])))
    (scene.crawl.layout.output / ".dataset").write_text("nonsense")
    with pytest.raises(TwittomaticError, match="does not hold the id of the dataset"):
        await (await scene.rebuild(alone=True)).run()
    assert set(scene.found()) == {"1"}
