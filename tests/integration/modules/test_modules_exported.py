"""What is exported while a crawl or an update is at work: nothing half, and nodes that fit the edges."""

from __future__ import annotations

import asyncio
import io
import json
from collections import defaultdict
from datetime import timedelta
from typing import Any

from support.crawl import Emulate, LocalCrawl
from twittomatic.dataset.export import Choice, Output, export, parse_format
from twittomatic.emulator import ChangingWorld, bundled_graph, open_world
from twittomatic.storage.paths import Layout

SEEDS = [2979, 1, 101, 1000, 23, 24, 153]
TABLES = ("edges", "nodes", "posts")


def tables(layout: Layout, *names: str) -> dict[str, list[dict[str, Any]]]:
    """Export tables at this moment, in one command; return their rows."""
    streams = {name: io.BytesIO() for name in names}
    outputs = [Output(parse_format(f"{name}.jsonl"), stream) for name, stream in streams.items()]
    assert export(layout, outputs, Choice()).defects == []
    return {name: [json.loads(line) for line in s.getvalue().splitlines()] for name, s in streams.items()}


Lists = dict[tuple[str, int], list[int]]
"""Ids by table and user, sorted."""


def everything(local: LocalCrawl) -> Lists:
    lists = {("edges", user): sorted(local.followers(user)) for user in SEEDS}
    return lists | {("posts", user): sorted(local.posts(user)) for user in SEEDS}


def by_user(layout: Layout) -> Lists:
    """Export edges and posts at this moment."""
    found = tables(layout, "edges", "posts")
    lists: Lists = defaultdict(list)
    for edge in found["edges"]:
        lists["edges", edge["followed"]].append(edge["follower"])
    for post in found["posts"]:
        lists["posts", post["author_id"]].append(post["id"])
    return {what: sorted(ids) for what, ids in lists.items()}


def graph_file(layout: Layout) -> Lists:
    """Export the follow graph at this moment; its edges are between its nodes."""
    stream = io.BytesIO()
    assert export(layout, [Output(parse_format("graph.json"), stream)], Choice()).defects == []
    graph = json.loads(stream.getvalue())
    nodes = {node["key"] for node in graph["nodes"]}
    lists: Lists = defaultdict(list)
    for edge in graph["edges"]:
        assert {edge["source"], edge["target"]} <= nodes
        lists["edges", int(edge["target"])].append(int(edge["source"]))
    return {what: sorted(ids) for what, ids in lists.items()}


async def test_each_export_during_a_crawl_has_whole_lists(local: LocalCrawl, emulate: Emulate) -> None:
    await emulate(open_world(graph=bundled_graph()))
    local.layout.prepare()
    crawl = asyncio.create_task(local.crawl("TF", SEEDS))
    found, graphs = [], []
    while not crawl.done():
        found.append(await asyncio.to_thread(tables, local.layout, *TABLES))
        found.append(await asyncio.to_thread(tables, local.layout, "edges"))
        graphs.append(await asyncio.to_thread(graph_file, local.layout))
    await crawl
    found.append(tables(local.layout, *TABLES))
    assert found[-1]["edges"]
    for graph in [*graphs, graph_file(local.layout)]:
        assert graph == {(table, user): sorted(local.followers(user)) for table, user in graph}
    for at_once in found:
        lists, timelines = defaultdict(list), defaultdict(list)
        for edge in at_once["edges"]:
            lists[edge["followed"]].append(edge["follower"])
        for post in at_once.get("posts", ()):
            timelines[post["author_id"]].append(post["id"])
        assert {user: sorted(ids) for user, ids in lists.items()} == {
            user: sorted(local.followers(user)) for user in lists
        }
        assert timelines == {user: local.posts(user) for user in timelines}
        if "nodes" in at_once:
            nodes = {node["id"] for node in at_once["nodes"]}
            assert nodes >= {user for edge in at_once["edges"] for user in edge.values()}
            assert sum(node["in_degree"] for node in at_once["nodes"]) == len(at_once["edges"])


async def test_each_export_during_an_update_has_each_list_as_it_was_or_as_it_becomes(
    local: LocalCrawl, emulate: Emulate
) -> None:
    world = ChangingWorld(open_world(graph=bundled_graph()))
    await emulate(world)
    await local.crawl("TF", SEEDS)
    versions = [everything(local)]
    for user in SEEDS:
        for follower in world.sample_ids(300):
            if follower != user and not world.follows(follower, user):
                world.follow(follower, user)
        world.publish(user, 100)

    update = asyncio.create_task(local.crawl("FU", SEEDS, crawl="updates", refresh_older_than=timedelta(0)))
    found = []
    while not update.done():
        found.append(await asyncio.to_thread(graph_file, local.layout))
        found.append(await asyncio.to_thread(by_user, local.layout))
    await update
    found += [graph_file(local.layout), by_user(local.layout)]

    versions.append(everything(local))
    assert all(len(versions[1][what]) > len(ids) for what, ids in versions[0].items())
    for at_once in found:
        for what, ids in at_once.items():
            assert ids in [version[what] for version in versions], what
    assert found[-1] == versions[1]
