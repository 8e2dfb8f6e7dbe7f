"""`indexer` beside a crawl: real processes, a real server, kills; what is searched is what stands on disk."""

import gzip
import json
import signal
import socket
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from armed import killed_at
from searching import Searching

from support.workspace import Workspace, wait_for

EDGES = [(1, 2), (2, 3), (3, 4), (4, 5)]


@pytest.fixture
def indexed(place: Workspace, search_server: Searching) -> Iterator[Any]:
    """A place with a separate index for its posts."""
    place.emulator("--graph", place.graph(EDGES))
    place.index = f"a{uuid.uuid4().hex[:12]}"
    place.set(elasticsearch_url=search_server.url(), elasticsearch_index=place.index, max_posts=4)
    place.write("seeds.txt", "1\n2\n3\n4\n5\n")
    yield place
    names = search_server.ask("GET", f"/{place.index}-*/_alias")[1]
    search_server.ask("DELETE", "/" + ",".join(names))  # type: ignore[arg-type]


def on_disk(place: Workspace) -> dict[str, str]:
    posts = {}
    for path in place.files("twt"):
        with gzip.open(path, "rt") as lines:
            posts |= {post["id"]: path.stem for post in map(json.loads, lines)}
    return posts


def searched(place: Workspace, server: Searching) -> dict[str, str]:
    """Return what a search finds right now, id and author, without a refresh."""
    status, answer = server.ask("POST", f"/{place.index}/_search", {"size": 1_000})
    assert status in (200, 404, 503), answer  # 503 in the moment in which its first index comes
    hits = answer["hits"]["hits"] if status == 200 else []  # type: ignore[index]
    return {hit["_id"]: hit["_source"]["author_id"] for hit in hits}


def test_a_crawl_is_searched_though_the_indexer_is_killed_and_then_rebuilt(
    indexed: Any, search_server: Searching
) -> None:
    place = indexed
    master = place.start("master", "-T", "--stream", "seeds.txt", "--budget-usd", "5")
    wait_for(lambda: "leads" in place.said(master), place, master)
    first = place.start("indexer")
    wait_for(lambda: "first event" in place.said(first), place, first)
    worker = place.start("worker", "w")
    wait_for(lambda: searched(place, search_server), place, first, worker)
    first.send_signal(signal.SIGKILL)
    first.wait()
    second = place.start("indexer")
    wait_for(lambda: "follows crawl" in place.said(second), place, second)
    assert worker.wait() == master.wait() == 0, [place.said(worker), place.said(master)]

    posts = on_disk(place)
    assert len(posts) > 5
    wait_for(lambda: searched(place, search_server) == posts, place, second)
    second.send_signal(signal.SIGTERM)
    assert second.wait() == 130, place.said(second)

    place.files("twt")[0].unlink()
    done = place.run("indexer", "--rebuild")
    assert done.returncode == 0, done.stderr
    assert f"“{place.index}” has {len(on_disk(place))} posts of 4 timelines now" in done.stdout
    assert searched(place, search_server) == on_disk(place)

    said = place.said(first) + place.said(second) + done.stdout + done.stderr
    logs = "".join(path.read_text() for path in (place.directory / "logs").iterdir())
    assert "s3cret" not in said + logs


def test_killed_at_any_point_it_continues_and_indexes_each_post_once(
    indexed: Any, search_server: Searching
) -> None:
    place = indexed
    done = place.run("crawl", "-T", "seeds.txt", "--budget-usd", "5")
    assert done.returncode == 0, done.stderr
    for point in ("indexer.sent", "indexer.fed", "indexer.deleted"):
        killed_at(place, point, "indexer")
    last = place.start("indexer")
    posts = on_disk(place)
    wait_for(lambda: searched(place, search_server) == posts, place, last)


def test_a_wrong_password_ends_it_with_one_sentence(indexed: Any, search_server: Searching) -> None:
    indexed.set(elasticsearch_url=search_server.url(password="wr0ng"))
    for more in ((), ("--rebuild",)):
        (indexed.directory / "data" / "journal").mkdir(parents=True, exist_ok=True)
        done = indexed.run("indexer", *more)
        assert done.returncode == 2
        assert done.stderr.startswith("Error: ELASTICSEARCH_URL: http://127.0.0.1:")
        assert "wr0ng" not in done.stderr + done.stdout


def test_a_server_that_is_not_there_is_waited_for_and_named(place: Workspace) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # who does not listen refuses
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        place.set(elasticsearch_url=url)
        waiting = place.start("indexer")
        log = place.directory / "logs" / "default.indexer.jsonl"
        sentence = f"Waiting: {url} cannot be reached"
        wait_for(lambda: log.exists() and sentence in log.read_text(), place, waiting)
        waiting.send_signal(signal.SIGTERM)
        assert waiting.wait() == 130
    assert sentence in place.said(waiting)
