"""From a crawl to a finding: export, analyze and picture say what the files do, with and without a border."""

import csv
import gzip
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from support.workspace import Workspace

EDGES = [(a, b) for a in range(1, 31) for b in (2 * a, 2 * a + 1, a // 2) if b not in (0, a)]
EDGES += [(a, a + 1) for a in range(3, 15) if (a, a + 1) not in EDGES]
GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "notebook.md"
GEXF = "{http://gexf.net/1.3}"


def table(place: Workspace, name: str) -> list[dict[str, str]]:
    with (place.directory / name).open() as lines:
        return list(csv.DictReader(lines))


def summary(place: Workspace) -> Any:
    done = place.run("analyze", "summary", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("depth", ["1", "unlimited"])
def test_what_a_crawl_left_is_in_every_form(place: Workspace, depth: str) -> None:
    place.emulator("--graph", place.graph(EDGES))
    crawled = place.run("crawl", "-F", "-A", "-T", "--max-depth", depth, "--max-posts", "20", "1")
    assert crawled.returncode == 0, crawled.stderr
    edges = {(follower, followed) for followed, follower in place.edges()}
    users = {user for edge in edges for user in edge}

    done = place.run("export", "edges.csv", "nodes.csv", "posts.jsonl.gz", "graph.gexf", "graph.graphml")

    assert done.returncode == 0, done.stderr
    rows = table(place, "edges.csv")
    assert [*rows[0]] == ["follower", "followed"]
    assert sorted((int(row["follower"]), int(row["followed"])) for row in rows) == sorted(edges)
    nodes = table(place, "nodes.csv")
    assert {int(row["id"]) for row in nodes} == users
    found = ET.parse(place.directory / "graph.gexf").iter(f"{GEXF}edge")
    assert {(int(edge.attrib["source"]), int(edge.attrib["target"])) for edge in found} == edges
    with gzip.open(place.directory / "posts.jsonl.gz") as posts:
        count = sum(1 for _ in posts)

    page = summary(place)
    lists = {int(path.stem) for path in place.files("fws")}
    assert (page["size"]["users"], page["size"]["edges"]) == (len(users), len(edges))
    assert (page["size"]["crawled"], page["never_crawled"]) == (len(lists), len(users - lists))
    assert page["posts"]["count"] == count
    kinds = [caution["kind"] for caution in page["distrust"]]
    assert ("border" in kinds) == (depth == "1")
    top = page["top"][0]["users"][0]
    assert top["value"] == max(sum(one == user for _, one in edges) for user in users)

    text, markdown = place.run("analyze", "summary"), place.run("analyze", "summary", "--md")
    assert "What to distrust" in text.stdout
    assert "## What to distrust" in markdown.stdout
    drawn = place.run("picture", "graph.png", "--size", "400")
    assert drawn.returncode == 0, drawn.stderr
    assert (place.directory / "graph.png").read_bytes().startswith(b"\x89PNG")


def test_the_guide_to_notebooks_runs_as_written(place: Workspace) -> None:
    pytest.importorskip("pandas")
    place.emulator("--graph", place.graph(EDGES))
    assert place.run("crawl", "-F", "-A", "--max-depth", "2", "1").returncode == 0
    cells = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert len(cells) == 5

    done = place.run_program("\n".join(cells))

    assert done.returncode == 0, done.stderr
    assert "were found and never crawled" in done.stdout
    assert (place.directory / "graph.html").stat().st_size > 20_000


def test_a_broken_list_is_named_and_the_rest_is_summarized(place: Workspace) -> None:
    place.emulator("--graph", place.graph(EDGES))
    assert place.run("crawl", "-F", "--max-depth", "0", "1").returncode == 0
    [path] = place.files("fws")
    path.write_bytes(path.read_bytes()[:-4])

    done = place.run("analyze", "summary")

    assert done.returncode == 1
    assert f"Left out: {path.relative_to(place.directory)}" in done.stderr
    assert "Size and coverage" in done.stdout


def test_no_dataset_is_one_sentence(place: Workspace) -> None:
    done = place.run("analyze", "summary", "--output-directory", "nowhere")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "there is no such directory" in done.stderr
