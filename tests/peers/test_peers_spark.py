"""Measures on Spark equal those of the embedded engine, on exports of what a crawl left."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from support.graphs import bordered, bundled, odd
from twittomatic.cli.commands import cli
from twittomatic.dataset import Graph
from twittomatic.dataset.measures import components, degrees, pagerank, reciprocity, spark
from twittomatic.dataset.measures.rank import DAMPING
from twittomatic.dataset.measures.spark import SparkGraph, SparkMeasured
from twittomatic.storage.formats import member
from twittomatic.storage.paths import Layout

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore"),  # PySpark's own, of pandas and of sockets
]

GRAPHS = {"bundled": bundled, "bordered": bordered}
FAST = {"spark.sql.shuffle.partitions": "2", "spark.sql.adaptive.enabled": "false"}


def write(graph: Graph, place: Path) -> Path:
    """Make a dataset of a graph, and export it."""
    layout = Layout(place / "data", place / "data" / ".tmp")
    layout.prepare()
    for node in np.flatnonzero(graph.crawled):
        path = layout.file(str(graph.ids[node]), "fws")
        path.parent.mkdir(exist_ok=True)
        followers = graph.ids[graph.followers[graph.indptr[node] : graph.indptr[node + 1]]]
        path.write_bytes(member([b"%d" % user for user in followers]))
    outputs = [str(place / "edges.parquet"), str(place / "nodes.parquet")]
    done = CliRunner().invoke(cli, ["export", *outputs, "--output-directory", str(layout.output)])
    assert done.exit_code == 0, done.output
    return place


def values(graph: Graph, found: SparkMeasured) -> list[Any]:
    """Return the columns of a measure, in the order of the nodes."""
    rows = sorted(found.frame.collect())
    assert [row["id"] for row in rows] == graph.ids.tolist()
    return [list(column) for column in zip(*rows, strict=True)][1:]


@pytest.fixture(scope="module")
def session(has_spark: None) -> Iterator[Any]:
    with spark.session("local[2]", FAST) as session:
        yield session


@pytest.fixture(scope="module", params=GRAPHS)
def case(
    request: pytest.FixtureRequest, session: Any, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Graph, SparkGraph]:
    graph = GRAPHS[request.param]()
    return graph, SparkGraph.read(session, str(write(graph, tmp_path_factory.mktemp("spark"))))


def after(graph: Graph, iterations: int) -> Any:
    """Return PageRank after some steps of Jacobi's method, which Spark takes.

    The embedded engine replaces ranks in place, so that it has other values on its way to the same result.
    """
    n = graph.node_count
    followed = np.repeat(np.arange(n), graph.in_degrees())
    has_followers = graph.in_degrees() > 0
    share = DAMPING / np.maximum(graph.out_degrees(), 1)

    def received(values: Any) -> Any:
        return np.bincount(followed, weights=values[graph.followers], minlength=n)

    fixed = np.where(has_followers, 1 + received(np.where(has_followers, 0.0, share)), 1.0)
    least = 1.0 / fixed.sum()
    ranks = np.where(has_followers, fixed * least, 0.0)
    for _ in range(iterations):
        passed = received(ranks * share)
        least = (1.0 - passed.sum()) / fixed.sum()
        ranks = np.where(has_followers, least * fixed + passed, 0.0)
    return np.where(has_followers, ranks, least)


def test_pagerank_is_equal_to_1e_9(case: tuple[Graph, SparkGraph]) -> None:
    graph, theirs = case
    is_short = graph is bordered()  # Spark takes a second for an iteration

    found = spark.pagerank(theirs, tolerance=1e-10 if is_short else 1e-3)

    scores = np.array(values(graph, found)[0])
    assert np.abs(scores - after(graph, found.facts["iterations"])).max() < 1e-9
    assert np.abs(after(graph, 200) - pagerank(graph).scores).max() < 1e-9
    if is_short:
        assert np.abs(scores - pagerank(graph).scores).max() < 1e-9


def test_components_are_equal(case: tuple[Graph, SparkGraph]) -> None:
    graph, theirs = case

    found = spark.components(theirs)

    ours = components(graph)
    names = values(graph, found)[0]
    assert found.facts["components"] == ours.count
    assert len(set(zip(names, ours.labels.tolist(), strict=True))) == ours.count


def test_degrees_are_equal(case: tuple[Graph, SparkGraph]) -> None:
    graph, theirs = case

    ours = degrees(graph)

    assert values(graph, spark.degrees(theirs)) == [ours.followers.tolist(), ours.following.tolist()]


def test_reciprocity_is_equal(case: tuple[Graph, SparkGraph]) -> None:
    graph, theirs = case

    found = spark.reciprocity(theirs)

    ours = reciprocity(graph)
    assert values(graph, found)[0] == ours.mutual.tolist()
    assert found.facts["share of follows that are mutual"] == pytest.approx(ours.share, abs=1e-12)


def test_crawled_users_only(session: Any, tmp_path: Path) -> None:
    graph = bordered().subgraph(bordered().crawled)

    found = SparkGraph.read(session, str(write(bordered(), tmp_path)), "crawled")

    assert (found.nodes.count(), found.edges.count()) == (graph.node_count, graph.edge_count)
    assert found.border == bordered().node_count - graph.node_count
    assert values(graph, spark.degrees(found))[0] == graph.in_degrees().tolist()


@pytest.mark.parametrize("name", ["users without edges", "a self-follow among others"])
def test_odd_graphs_are_equal(session: Any, tmp_path: Path, name: str) -> None:
    graph = odd()[name]

    theirs = SparkGraph.read(session, str(write(graph, tmp_path)))

    found = spark.pagerank(theirs, tolerance=1e-3)
    ours = after(graph, found.facts["iterations"])
    assert values(graph, found)[0] == pytest.approx(ours.tolist(), abs=1e-9)
    assert spark.components(theirs).facts["components"] == components(graph).count
    assert values(graph, spark.reciprocity(theirs))[0] == reciprocity(graph).mutual.tolist()


def test_the_command_prints_and_writes_the_same(has_spark: None, tmp_path: Path) -> None:
    place = write(bordered(), tmp_path)

    def run(*arguments: str) -> dict[str, Any]:
        data = ["--output-directory", str(place / "data")]
        command = [sys.executable, "-m", "twittomatic", "analyze", "degrees", "--json", *data, *arguments]
        done = subprocess.run(command, capture_output=True, text=True)  # a session of its own, which it stops
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    ours = run()
    theirs = run("--engine", "spark", "--master", "local[2]", "--out", str(tmp_path / "out.csv"))
    again = run("--engine", "spark", "--master", "local[2]", "--parquet", str(place))

    assert theirs == again
    assert [user["id"] for user in theirs["top"][:5]] == [user["id"] for user in ours["top"][:5]]
    for key in ("users", "edges", "border_users", "among"):
        assert theirs[key] == ours[key]
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    assert [int(row["id"]) for row in rows] == bordered().ids.tolist()
    assert [int(row["in_degree"]) for row in rows] == bordered().in_degrees().tolist()
