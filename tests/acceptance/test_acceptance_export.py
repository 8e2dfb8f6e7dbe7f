"""Exported tables, read by the programs that researchers use; and what cannot be exported."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest

from support.workspace import Workspace
from twittomatic.storage.formats import member
from twittomatic.storage.paths import Layout

LARGEST = 2**63 - 1
DOCUMENT = Path(__file__).parents[2] / "docs" / "how-to" / "export.md"
Edges = list[tuple[int, int]]


def write(layout: Layout, lists: dict[int, list[int]]) -> None:
    """Write lists of followers with a profile and a post for each user who has one."""
    layout.prepare()
    for number, (user, followers) in enumerate(lists.items(), start=10**18):
        path = layout.file(str(user), "fws")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(member([b"%d" % follower for follower in followers]))
        names = [b'{"id":"%d","username":"u%d"}' % (follower, follower) for follower in followers]
        layout.file(str(user), "usr").write_bytes(member(names))
        text = '=1+1;\\u0000 \\r\\n\\u202e🧵\\ud83e\\uddf5, \\"x\\"'
        post = f'{{"id":"{number}","author_id":"{user}","text":"{text}"}}'
        layout.file(str(user), "twt").write_bytes(member([post.encode()]))


def everyone() -> dict[int, list[int]]:
    """Return lists that are all there: nobody but crawled users is in them."""
    users = [*range(100, 160), *range(10**18, 10**18 + 60), LARGEST]
    return {user: users[place % 7 : place : 2] + [user] * (place == 3) for place, user in enumerate(users)}


def border() -> dict[int, list[int]]:
    """Return lists of five users, whose followers were not crawled themselves."""
    return {user: list(range(1_000 * user, 1_000 * user + 50)) for user in range(1, 6)}


@pytest.fixture(params=[everyone, border])
def edges(request: pytest.FixtureRequest, place: Workspace) -> Edges:
    """The edges of a dataset in `data`."""
    lists = request.param()
    write(Layout(place.directory / "data", place.directory / "tmp"), lists)
    return [(follower, user) for user, followers in lists.items() for follower in followers]


def exported(place: Workspace, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = place.run("export", *arguments)
    assert done.returncode == code, done.stderr
    return done


def facts(frame: Any) -> tuple[int, int, dict[int, int]]:
    """Return count, XOR and groups of the edges in a data frame."""
    follower, followed = (np.asarray(frame[name], np.int64) for name in ("follower", "followed"))
    users, counts = np.unique(followed, return_counts=True)
    xor = int(np.bitwise_xor.reduce(follower * 3 ^ followed)) if len(follower) else 0
    return len(follower), xor, dict(zip(users.tolist(), counts.tolist(), strict=True))


def test_each_program_reads_the_same_edges(place: Workspace, edges: Edges) -> None:
    names = ["edges.parquet", "edges.csv", "edges.csv.gz", "edges.jsonl", "edges.jsonl.gz"]
    exported(place, *names)
    paths = {name: str(place.directory / name) for name in names}
    truth = facts(pd.DataFrame(edges, columns=["follower", "followed"]))
    for path in paths.values():
        query = f"SELECT follower::BIGINT AS follower, followed::BIGINT AS followed FROM '{path}'"
        assert facts(duckdb.execute(query).fetchnumpy()) == truth, path
    assert facts(pl.read_parquet(paths["edges.parquet"])) == truth
    assert facts(pl.read_csv(paths["edges.csv.gz"])) == truth
    assert facts(pl.read_ndjson(paths["edges.jsonl"])) == truth
    assert facts(pd.read_parquet(paths["edges.parquet"])) == truth
    assert facts(pd.read_csv(paths["edges.csv"])) == truth
    assert facts(pd.read_json(paths["edges.jsonl.gz"], lines=True, dtype=False)) == truth
    assert set(pd.read_parquet(paths["edges.parquet"]).dtypes.astype(str)) == {"int64"}


def test_nodes_fit_the_edges(place: Workspace, edges: Edges) -> None:
    exported(place, "nodes.parquet", "edges.parquet", "--dense")
    nodes = pl.read_parquet(place.directory / "nodes.parquet")
    dense = pl.read_parquet(place.directory / "edges.parquet")
    ids = dict(zip(nodes["number"], nodes["id"], strict=True))
    assert sorted((ids[a], ids[b]) for a, b in dense.iter_rows()) == sorted(edges)
    crawled = {followed for _, followed in edges}
    assert set(nodes.filter("crawled")["id"]) >= crawled
    in_degrees = dict(zip(nodes["id"], nodes["in_degree"], strict=True))
    assert sum(in_degrees.values()) == len(edges)
    assert set(nodes["id"]) >= {user for pair in edges for user in pair}


def test_filters(place: Workspace, edges: Edges) -> None:
    crawled = {int(path.stem) for path in place.files("fws")}

    def kept(*arguments: str) -> set[tuple[int, int]]:
        exported(place, "edges.csv", *arguments)
        return set(pd.read_csv(place.directory / "edges.csv").itertuples(index=False, name=None))

    every = set(edges)
    assert kept("--among", "crawled") == {(a, b) for a, b in every if a in crawled}
    assert kept("--mutual") == {(a, b) for a, b in every if (b, a) in every}
    top = kept("--top", "3")
    assert len({user for pair in top for user in pair}) <= 3
    assert top <= every
    assert kept("--min-degree", "1000000") == set()
    assert kept("--complete-only") == set(), "no journal says that a list is complete"


def test_posts_and_profiles_are_one_row_each(place: Workspace, edges: Edges) -> None:
    exported(place, "posts.parquet", "posts.csv", "profiles.csv", "profiles.parquet")
    posts = pd.read_parquet(place.directory / "posts.parquet")
    assert len(posts) == len(place.files("twt"))
    assert set(posts["text"]) == {'=1+1;\0 \r\n\u202e🧵🧵, "x"'}
    assert len((place.directory / "posts.csv").read_text().splitlines()) == len(posts) + 1
    as_csv = pl.read_csv(place.directory / "posts.csv", infer_schema_length=None)
    assert as_csv["id"].to_list() == posts["id"].to_list()
    assert set(as_csv["full_text"]) == {'=1+1;\0 \\n\u202e🧵🧵, "x"'}
    users = duckdb.execute(f"SELECT id FROM '{place.directory}/profiles.csv'").fetchall()
    assert sorted(user for (user,) in users) == sorted({follower for follower, _ in edges})
    assert len(pd.read_parquet(place.directory / "profiles.parquet")) == len(users)


def test_standard_output(place: Workspace, edges: Edges) -> None:
    done = exported(place, "--format", "edges.jsonl", "-")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted((line["follower"], line["followed"]) for line in lines) == sorted(edges)
    assert f"Edges: {len(edges):,}." in done.stderr
    assert "say what to write" in exported(place, "-", code=2).stderr


def test_the_how_to_runs_as_it_is_written(place: Workspace, edges: Edges) -> None:
    blocks = re.findall(r"^```(sh|python)\n(.*?)^```", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE)
    assert {kind for kind, _ in blocks} == {"sh", "python"}
    for kind, text in blocks:
        interpreter = [sys.executable, "-W", "error", "-c"] if kind == "python" else ["bash", "-euc"]
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            [*interpreter, text],
            cwd=place.directory,
            env={**place.environment, "PATH": programs},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, text + done.stderr
    numbered = pl.read_parquet(place.directory / "dense/edges.parquet")
    assert numbered.schema == {"follower": pl.Int32, "followed": pl.Int32}


def test_ids_with_gaps_stay_exact_as_the_how_to_says(place: Workspace) -> None:
    layout = Layout(place.directory / "data", place.directory / "tmp")
    write(layout, {5: [6]})
    post = b'{"id":"%d","in_reply_to_user_id":"%d"}' % (LARGEST, LARGEST - 1)
    layout.file("5", "twt").write_bytes(member([b'{"id":"%d"}' % (LARGEST - 2), post]))
    exported(place, "posts.parquet", "posts.csv")
    wanted = [None, LARGEST - 1]
    for frame in (
        pd.read_parquet(place.directory / "posts.parquet", dtype_backend="numpy_nullable"),
        pd.read_csv(place.directory / "posts.csv", dtype_backend="numpy_nullable"),
    ):
        values = frame["in_reply_to_user_id"]
        assert [None if value is pd.NA else int(value) for value in values] == wanted
    assert pl.read_csv(place.directory / "posts.csv")["in_reply_to_user_id"].to_list() == wanted


def test_columns(place: Workspace, edges: Edges) -> None:
    exported(place, "nodes.csv", "edges.csv", "--columns", "in_degree,id,follower")
    assert (place.directory / "nodes.csv").read_text().startswith("in_degree,id\n")
    assert (place.directory / "edges.csv").read_text().startswith("follower\n")
    done = exported(place, "nodes.csv", "--columns", "id,nmae", code=2)
    assert "there is no column 'nmae'" in done.stderr
    assert "nodes: id, name" in done.stderr


def test_a_broken_file_is_named_and_all_else_is_done(place: Workspace) -> None:
    lists = border()
    layout = Layout(place.directory / "data", place.directory / "tmp")
    write(layout, lists)
    for ext in ("fws", "usr", "twt"):
        path = layout.file("3", ext)
        path.write_bytes(path.read_bytes()[:-5])
    done = exported(place, "edges.csv", "posts.csv", "profiles.csv", code=1)
    for ext in ("fws", "usr", "twt"):
        assert f"3.{ext}: the gzip data is cut off" in done.stderr
    assert "Broken files: 3." in done.stderr
    assert set(pd.read_csv(place.directory / "edges.csv")["followed"]) == {1, 2, 4, 5}
    assert len(pd.read_csv(place.directory / "posts.csv")) == 4
    assert len(pd.read_csv(place.directory / "profiles.csv")) == 200


def test_a_dataset_without_edges(place: Workspace) -> None:
    Layout(place.directory / "data", place.directory / "tmp").prepare()
    tables = ("edges", "nodes", "profiles", "posts")
    exported(place, *(f"{table}{kind}" for table in tables for kind in (".parquet", ".csv")))
    assert len(pl.read_parquet(place.directory / "edges.parquet")) == 0
    assert (place.directory / "edges.csv").read_text() == "follower,followed\n"
    exported(
        place, "edges.csv", "nodes.csv", "--mutual", "--top", "5", "--min-degree", "1", "--among", "crawled"
    )


def test_an_output_that_cannot_be_written_leaves_what_was_there(place: Workspace, edges: Edges) -> None:
    kept = place.write("edges.csv", "mine\n")
    (place.directory / "directory.csv").mkdir()
    for arguments, code, sentence in [
        (["edges.csv", "--format", "people.csv"], 2, "'people' is no table"),
        (["edges.xlsx"], 2, "its extension is unknown. A table can be .parquet"),
        (["directory.csv", "--format", "edges.csv"], 2, "this is not a file that can be written"),
        (["nowhere/edges.csv"], 1, "cannot be written (No such file or directory)"),
        (["/dev/full", "--format", "edges.csv"], 1, "cannot be written (No space left on device)"),
        (["/dev/full", "--format", "edges.parquet"], 1, "cannot be written (No space left on device)"),
        (["edges.csv", "--columns", "x"], 2, "there is no column 'x'"),
        (["edges.csv", "edges.csv"], 2, "the same file is named twice"),
    ]:
        done = exported(place, *arguments, code=code)
        assert sentence in done.stderr
        assert done.stderr.count("\n") <= 2
        assert kept.read_text() == "mine\n"
    exported(place, "edges.csv")
    assert kept.read_text().startswith("follower,followed\n")
    assert list(place.directory.glob(".*.part")) == []


def test_memory_does_not_grow_with_the_dataset(tmp_path: Path) -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("this system does not tell the peak of a process alone")
    ids = np.random.default_rng(1).integers(10**17, 10**18, 50_000).tolist()
    data = gzip.compress(b"".join(b"%d\n" % number for number in ids), 1)
    peaks = []
    for name, lists in (("small", 4), ("large", 40)):
        layout = Layout(tmp_path / name, tmp_path / name / ".tmp")
        layout.prepare()
        (layout.output / "10").mkdir()
        for user in range(1_000, 1_000 + lists):
            layout.file(str(user), "fws").write_bytes(data)
        out = tmp_path / f"{name}.parquet"
        peaks.append(peak_mib(layout.output, out))
        assert len(pl.read_parquet(out)) == 50_000 * lists
    assert peaks[1] <= peaks[0] + 64, "a row group and a batch, whatever the size"
    assert peaks[1] <= 256


def peak_mib(directory: Path, out: Path) -> float:
    """Return the peak memory of a process that exports edges, in MiB."""
    code = """
import re, sys
from pathlib import Path
from twittomatic.dataset.export import Choice, Output, export, parse_format
from twittomatic.storage.paths import Layout
with open(sys.argv[2], "wb") as stream:
    export(Layout(Path(sys.argv[1]), Path()), [Output(parse_format("edges.parquet"), stream)], Choice())
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""
    command = [sys.executable, "-c", code, str(directory), str(out)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout) / 1024
