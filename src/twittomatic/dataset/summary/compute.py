"""Compute the summary of a dataset from its files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from twittomatic.dataset.completeness import Completeness
from twittomatic.dataset.dataset import Dataset
from twittomatic.dataset.graph import Graph
from twittomatic.dataset.measures import components, reciprocity
from twittomatic.dataset.summary.coverage import cover
from twittomatic.dataset.summary.degrees import distribute
from twittomatic.dataset.summary.distrust import cautions
from twittomatic.dataset.summary.page import Size, Structure, Summary
from twittomatic.dataset.summary.people import People
from twittomatic.dataset.summary.posts import Posts, summarize_posts
from twittomatic.storage.paths import Layout

Progress = Callable[[str, int], None]
"""Called with what begins and its number of steps, 0 if that is not known; and after a step with "" and 1."""


def summarize(directory: Path, *, seed: int = 1, progress: Progress = lambda text, steps: None) -> Summary:
    """Return the summary of a dataset. Needs neither Redis nor the network; a crawl may be running.

    Memory: the graph, some bytes a user, a row per list, and counts whose number is bounded.

    Args:
        directory: The dataset's directory.
        seed: Seed of the communities.
        progress: Is told what is being done.

    Raises:
        SettingsError: there is no such directory.
        CorruptFile: a list of followers is broken.
        StorageUnavailable: a file cannot be read.
    """
    dataset = Dataset(directory)
    layout = Layout(directory, directory / ".tmp")
    progress("Reading the journal", 0)
    lists, timelines = _rows(dataset)
    progress("Reading the graph", 0)
    graph = dataset.graph()
    progress("Measuring the graph", 0)
    people = People(graph, seed)
    structure, self_follows = _structure(graph, people.crawled_graph)
    progress("Reading profiles", 0)
    broken: list[str] = []
    for profile in dataset.node_profiles(graph, on_defect=lambda error: broken.append(str(error))):
        people.add(profile)
    posts = _posts(layout, timelines, progress)
    size = Size(
        users=graph.node_count,
        crawled=int(graph.crawled.sum()),
        edges=graph.edge_count,
        self_follows=self_follows,
    )
    followers, of_posts = cover("followers", lists.values()), cover("posts", timelines.values())
    never_crawled = size.users - int(np.isin(graph.ids, np.array(list(lists), np.int64)).sum())
    return Summary(
        directory=str(directory),
        size=size,
        followers=followers,
        timelines=of_posts,
        never_crawled=never_crawled,
        in_degrees=distribute(graph.in_degrees()[graph.crawled]),
        out_degrees=distribute(graph.out_degrees()),
        structure=structure,
        communities=people.communities(),
        top=people.rankings(),
        posts=posts,
        distrust=tuple(cautions(size, followers, of_posts, never_crawled, posts)),
        broken=(*broken, *posts.broken),
    )


def summarize_timelines(directory: Path, *, progress: Progress = lambda text, steps: None) -> Posts:
    """Return what the timelines of a dataset are about, in bounded memory.

    Args:
        directory: The dataset's directory.
        progress: Is told what is being done.

    Raises:
        SettingsError: there is no such directory.
        StorageUnavailable: a file cannot be read.
    """
    dataset = Dataset(directory)
    progress("Reading the journal", 0)
    _, timelines = _rows(dataset)
    return _posts(Layout(directory, directory / ".tmp"), timelines, progress)


def _posts(layout: Layout, timelines: dict[int, Completeness], progress: Progress) -> Posts:
    progress("Reading posts", sum(1 for _ in layout.files("twt")))
    return summarize_posts(layout, timelines, lambda: progress("", 1))


def _rows(dataset: Dataset) -> tuple[dict[int, Completeness], dict[int, Completeness]]:
    """Return the rows of the completeness of lists of followers, and of timelines, by user id."""
    rows: dict[str, dict[int, Completeness]] = {"followers": {}, "posts": {}}
    for row in dataset.completeness():
        rows[row.list][row.user_id] = row
    return rows["followers"], rows["posts"]


def _structure(graph: Graph, crawled: Graph) -> tuple[Structure, int]:
    """Return how the graph hangs together, and the number of self-follows."""
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
