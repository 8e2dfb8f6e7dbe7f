"""Compute the summary of a dataset from its files."""

from __future__ import annotations

from itertools import count

import numpy as np

from twittomatic.dataset.completeness import Completeness, read_completeness
from twittomatic.dataset.graph import Graph, build_graph, read_node_profiles
from twittomatic.dataset.measures import components, reciprocity
from twittomatic.dataset.progress import Progress, no_progress
from twittomatic.dataset.summary.coverage import coverage_of
from twittomatic.dataset.summary.degrees import distribution
from twittomatic.dataset.summary.distrust import cautions
from twittomatic.dataset.summary.page import Size, Structure, Summary
from twittomatic.dataset.summary.people import People
from twittomatic.dataset.summary.posts import Posts, summarize_posts
from twittomatic.errors import StorageError
from twittomatic.storage.paths import Layout


def summarize(layout: Layout, *, seed: int = 1, progress: Progress = no_progress) -> Summary:
    """Summarize a dataset. Needs neither Redis nor the network; a crawl may be running.

    Memory: the mapped graph, some bytes per user, one row per list, and a bounded number of counts.

    Args:
        layout: The dataset's directories.
        seed: Seed of the communities.
        progress: Called with the current step, files done and files in all.

    Raises:
        StorageUnavailable: a directory or the journal cannot be read.
    """
    broken: list[str] = []

    def leave_out(error: StorageError) -> None:
        broken.append(str(error))

    progress("Reading the journal", 0, None)
    lists, timelines = _rows(layout)
    progress("Reading the graph", 0, None)
    graph = build_graph(layout, leave_out)
    progress("Measuring the graph", 0, None)
    people = People(graph, seed)
    structure, self_follows = _structure(graph, people.crawled_graph)
    progress("Reading profiles", 0, None)
    for profile in read_node_profiles(layout, graph, on_defect=leave_out):
        people.add(profile)
    posts = _posts(layout, timelines, progress)
    size = Size(
        users=graph.node_count,
        crawled=int(graph.crawled.sum()),
        edges=graph.edge_count,
        self_follows=self_follows,
    )
    followers, of_posts = coverage_of("followers", lists.values()), coverage_of("posts", timelines.values())
    never_crawled = size.users - int(np.isin(graph.ids, np.array(list(lists), np.int64)).sum())
    return Summary(
        directory=str(layout.output),
        size=size,
        followers=followers,
        timelines=of_posts,
        never_crawled=never_crawled,
        in_degrees=distribution(graph.in_degrees()[graph.crawled]),
        out_degrees=distribution(graph.out_degrees()),
        structure=structure,
        communities=people.communities(),
        top=people.rankings(),
        posts=posts,
        distrust=tuple(cautions(size, followers, of_posts, never_crawled, posts)),
        broken=(*broken, *posts.broken),
    )


def summarize_timelines(layout: Layout, *, progress: Progress = no_progress) -> Posts:
    """Count posts, hashtags, mentions, links and languages of all timelines, in bounded memory.

    Args:
        layout: The dataset's directories.
        progress: Called with the current step, files done and files in all.

    Raises:
        StorageUnavailable: a directory or the journal cannot be read.
    """
    progress("Reading the journal", 0, None)
    _, timelines = _rows(layout)
    return _posts(layout, timelines, progress)


def _posts(layout: Layout, timelines: dict[int, Completeness], progress: Progress) -> Posts:
    total = sum(1 for _ in layout.files("twt"))
    done = count(1)
    progress("Reading posts", 0, total)
    return summarize_posts(layout, timelines, lambda: progress("Reading posts", next(done), total))


def _rows(layout: Layout) -> tuple[dict[int, Completeness], dict[int, Completeness]]:
    """Return the completeness of the lists of followers, and of the timelines, by user id."""
    rows: dict[str, dict[int, Completeness]] = {"followers": {}, "posts": {}}
    for row in read_completeness(layout):
        rows[row.list][row.user_id] = row
    return rows["followers"], rows["posts"]


def _structure(graph: Graph, crawled: Graph) -> tuple[Structure, int]:
    """Return the structure of the graph, and the number of self-follows."""
    weak = components(graph).sizes
    mutual = reciprocity(crawled)
    self_follows = crawled.edge_count - mutual.edges
    ties = crawled.in_degrees() + crawled.out_degrees()
    structure = Structure(
        users=crawled.node_count,
        edges=crawled.edge_count,
        reciprocity=mutual.share if mutual.edges else None,
        weak_components=len(weak),
        largest_weak=int(weak.max(initial=0)),
        isolated=int((ties == 0).sum()),
    )
    return structure, self_follows
