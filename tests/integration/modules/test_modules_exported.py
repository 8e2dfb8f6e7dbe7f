"""What is exported while a crawl is at work: whole lists, whole timelines, and nodes that fit the edges."""

from __future__ import annotations

import asyncio
import io
import json
from collections import defaultdict
from typing import Any

from support.crawl import Emulate, LocalCrawl
from twittomatic.dataset.export import Choice, Output, export, parse_format
from twittomatic.emulator import bundled_graph, open_world
from twittomatic.storage.paths import Layout

SEEDS = [2979, 1, 101, 1000, 23, 24, 153]
TABLES = ("edges", "nodes", "posts")


def tables(layout: Layout, *names: str) -> dict[str, list[dict[str, Any]]]:
    """Export tables at this moment, in one command; return their rows."""
    streams = {name: io.BytesIO() for name in names}
    outputs = [Output(parse_format(f"{name}.jsonl"), stream) for name, stream in streams.items()]
    assert export(layout, outputs, Choice()).defects == []
    return {name: [json.loads(line) for line in s.getvalue().splitlines()] for name, s in streams.items()}


async def test_each_export_during_a_crawl_has_whole_lists(local: LocalCrawl, emulate: Emulate) -> None:
    await emulate(open_world(graph=bundled_graph()))
    local.layout.prepare()
    crawl = asyncio.create_task(local.crawl("TF", SEEDS))
    found = []
    while not crawl.done():
        found.append(await asyncio.to_thread(tables, local.layout, *TABLES))
        found.append(await asyncio.to_thread(tables, local.layout, "edges"))
    await crawl
    found.append(tables(local.layout, *TABLES))
    assert found[-1]["edges"]
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
