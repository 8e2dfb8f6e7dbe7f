"""`sink`: the example of the documentation, installed as a separate distribution, beside real crawls."""

import re
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from spawner import COMMAND

from support.workspace import Workspace, wait_for

EDGES = [(user, user % 7 + 1) for user in range(1, 30)] + [(1, user) for user in range(2, 30)]
CRAWL = ("crawl", "-F", "-A", "--max-depth", "1", "1")
GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "write-a-sink.md"


def example() -> str:
    found = re.search(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert found
    return found[1]


def install(place: Workspace, name: str, code: str, entry: str) -> None:
    """Put a distribution on the path, as `pip install` leaves it."""
    site = place.directory / "site"
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (site / f"{name}.py").write_text(code)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[twittomatic.sinks]\n{entry}\n")
    place.program = f"import sys; sys.path.insert(0, {str(site)!r}); {COMMAND}"


@pytest.fixture
def installed(place: Workspace) -> Any:
    install(place, "my_package", example(), "edges = my_package:Edges")
    return place


def stored(place: Workspace) -> set[tuple[int, int]]:
    """Return the edges in the sink's table, as pairs of follower and followed."""
    if not (place.directory / "edges.db").exists():
        return set()
    with closing(sqlite3.connect(place.directory / "edges.db")) as database:
        rows = database.execute("SELECT followed, follower FROM edges").fetchall()
    return {(int(followed), int(follower)) for followed, follower in rows}


def shown(place: Workspace) -> Any:
    return {one["name"]: one for one in place.status()["sinks"]}["edges"]


def test_an_installed_sink_is_fed_taken_over_shown_and_rebuilt(installed: Any) -> None:
    place = installed
    place.emulator("--graph", place.graph(EDGES))
    first = place.start("sink", "edges")
    wait_for(lambda: "Waiting" in place.said(first), place, first)
    done = place.run(*CRAWL)
    assert done.returncode == 0, done.stderr
    wanted = set(place.edges())
    assert wanted == {(a, b) for a, b in EDGES if a != b}
    wait_for(lambda: stored(place) == wanted, place, first)

    second = place.start("sink", "edges")
    wait_for(lambda: "Standing by" in place.said(second), place, second)
    wait_for(lambda: not shown(place)["lag"], place, first)
    assert shown(place)["running"]
    assert shown(place)["process"].startswith("edges@")
    refused = place.run("sink", "edges", "--rebuild")
    assert refused.returncode == 1
    assert "Another process feeds edges; end it before the rebuild." in refused.stderr
    first.send_signal(signal.SIGKILL)
    first.wait()
    wait_for(lambda: "follows crawl" in place.said(second), place, second)
    second.send_signal(signal.SIGTERM)
    assert second.wait() == 130, place.said(second)

    (place.directory / "edges.db").unlink()
    done = place.run("sink", "edges", "--rebuild")
    assert done.returncode == 0, done.stderr
    assert f"edges has read {len(wanted)} records" in done.stdout
    assert stored(place) == wanted
    assert not shown(place)["lag"]
    assert list((place.directory / "logs").glob("default.edges*.jsonl"))


def test_a_sink_is_rebuilt_from_a_dataset_without_a_crawl(installed: Any) -> None:
    place = installed
    place.emulator("--graph", place.graph(EDGES))
    assert place.run(*CRAWL).returncode == 0
    wanted = set(place.edges())
    place.set(state_directory=place.directory / "elsewhere")
    done = place.run("sink", "edges", "--rebuild")
    assert done.returncode == 0, done.stderr
    assert stored(place) == wanted
    assert not (place.directory / "elsewhere").exists()


def test_a_sink_that_cannot_be_opened_says_why(installed: Any) -> None:
    place = installed
    done = place.run("sink", "edge")
    assert (done.returncode, done.stderr) == (2, "Error: There is no sink 'edge'; installed: edges.\n")
    done = place.run("sink", "indexer")
    assert (done.returncode, done.stderr) == (
        2,
        "Error: 'indexer' has its own command: `twittomatic indexer`.\n",
    )
    install(place, "another", "def other(context): return object()", "edges = another:other")
    done = place.run("sink", "edges")
    assert done.returncode == 2
    assert done.stderr == (
        "Error: sink: several distributions register “edges”: another:other of another 1.0 and "
        "my_package:Edges of my_package 1.0; uninstall all but one.\n"
    )


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import nothing_of_that_name", "ModuleNotFoundError: No module named 'nothing_of_that_name'"),
        ("class Bad: pass", "TypeError: Bad() takes no arguments"),
        ("def Bad(context): return object()", "is named None; its attribute `name` must be"),
        (
            "class Bad:\n    name = 'bad'\n    def __init__(self, context): pass",
            "lacks is_new, begin, handle, close; let its class inherit from `twittomatic.sinks.Sink`.",
        ),
    ],
)
def test_a_broken_sink_is_one_sentence(place: Workspace, code: str, said: str) -> None:
    install(place, "broken", code, "bad = broken:Bad")
    done = place.run("sink", "bad")
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("handle", "said"),
    [
        ("raise KeyError('row')", " failed in handle (KeyError: 'row'); report it to its author."),
        ("return 'three'", " returned 'three' from handle, which returns the number of records."),
    ],
)
def test_a_sink_that_fails_ends_with_one_sentence_and_loses_no_event(
    place: Workspace, handle: str, said: str
) -> None:
    code = (
        "from twittomatic.sinks import Sink\n\nclass Bad(Sink):\n    name = 'bad'\n\n"
        "    def __init__(self, context):\n        pass\n\n"
        f"    async def handle(self, events, skip):\n        {handle}\n"
    )
    install(place, "broken", code, "bad = broken:Bad")
    place.emulator("--graph", place.graph(EDGES))
    assert place.run(*CRAWL).returncode == 0
    before = place.run("sink", "bad")
    assert (before.returncode, before.stderr) == (
        1,
        f"Error: The sink 'bad' (broken:Bad of broken 1.0){said}\n",
    )
    [sink] = place.status()["sinks"]
    assert sink["lag"] > 0  # nothing was acknowledged
    assert place.run("verify").returncode == 0
