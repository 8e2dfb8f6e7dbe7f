"""The programs in the guides run as they are written, on a dataset with ids of 19 digits."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path

import pytest
from programs import HERE, INSTALLED, Peer, need, run

from twittomatic.dataset.export import Choice, Output, export, parse_format
from twittomatic.storage.formats import member
from twittomatic.storage.paths import Layout

GUIDES = HERE.parents[1] / "docs" / "how-to"
IDS = [7, 12, 2**53 + 1, 2**53 + 2, 1234567890123456789, 1234567890123456790, 2**63 - 1]
FOLLOWED = {2**53 + 1: [7, 2**53 + 2, 2**63 - 1], 2**53 + 2: [2**53 + 1, 12], 1234567890123456790: IDS[:5]}


def blocks(guide: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (GUIDES / guide).read_text(), re.DOTALL | re.MULTILINE)


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """A directory with what the guides export."""
    layout = Layout(tmp_path / "data", tmp_path / "data" / ".tmp")
    layout.prepare()
    profiles = [b'{"id":"%d","username":"user,_\'%d"}' % (user_id, user_id % 100) for user_id in IDS]
    for user_id, followers in FOLLOWED.items():
        path = layout.file(str(user_id), "fws")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(member([b"%d" % follower for follower in followers]))
        path.with_suffix(".usr").write_bytes(member(profiles))
    names = ("nodes.csv", "edges.csv", "nodes.parquet", "graph.graphml")
    with ExitStack() as files:
        outputs = [
            Output(parse_format(name), files.enter_context((tmp_path / name).open("wb"))) for name in names
        ]
        export(layout, outputs, Choice(measures=("pagerank", "community")))
    return tmp_path


def test_r(rscript: Peer, exported: Path) -> None:
    of_tables, of_graph = blocks("r.md", "r")
    (exported / "tables.R").write_text(of_tables)
    told = rscript([exported / "tables.R"])
    assert f"{len(IDS)} users, {sum(map(len, FOLLOWED.values()))} edges" in told
    ranked = [line.split()[1] for line in told.splitlines()[2:]]
    assert set(ranked) == set(map(str, FOLLOWED)), told  # exact, although R has no such numbers
    (exported / "graph.R").write_text(of_graph)
    assert rscript([exported / "graph.R"]).strip()


def test_ladybug(exported: Path) -> None:
    place = INSTALLED / "ladybug"
    need((place / "installed").exists(), "LadybugDB: tests/peers/ladybug/install brings it")
    (program,) = blocks("graph-databases.md", "python")
    (exported / "load.py").write_text(program)
    told = run([place / "venv" / "bin" / "python", "load.py"], exported).splitlines()
    assert told[-1] == f"{sum(map(len, FOLLOWED.values()))} edges"
    assert told[0].endswith(" 1")
