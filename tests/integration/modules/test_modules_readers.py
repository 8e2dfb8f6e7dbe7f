"""What docs/how-to/read.md says of other tools is true: each of its commands runs, on all that we write."""

import csv
import json
import os
import re
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from everything import INCLUDES, POST, PROFILE, RETWEET, USER_ID
from reading import read

from support.crawl import Emulate, LocalCrawl
from twittomatic.dataset.export import Choice, Output, export, parse_format
from twittomatic.emulator import bundled_graph, open_world
from twittomatic.model import User
from twittomatic.networks.base import Response
from twittomatic.networks.x import X
from twittomatic.networks.x.fields import POST_FIELDS, USER_FIELDS
from twittomatic.storage.formats import member
from twittomatic.storage.paths import Layout

DOCUMENT = Path(__file__).parents[3] / "docs" / "how-to" / "read.md"
BLOCKS = re.findall(r"^```(sh|python)\n(.*?)^```", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE)
SEEDS = [2979, 1, 834, 101, 1000, 23, 24, 153]  # 834 has no followers

PRINT = """
import json
def each(frame): return [list(map(int, row)) for row in frame.itertuples(index=False)]
print(json.dumps({"edges": each(%s[["follower", "followed"]]), "posts": each(%s[["id"]])}))
"""


def blocks(mark: str) -> str:
    """Return the only block of the document with this in it."""
    [block] = [text for _, text in BLOCKS if mark in text]
    return str(block)


def answer(body: Any) -> Response:
    return Response(status=200, headers={}, body=json.dumps(body).encode())


@pytest.fixture
async def place(local: LocalCrawl, emulate: Emulate, tmp_path: Path) -> Path:
    """A directory with a dataset in `data`: a crawl's, and all the fields that X can send."""
    await emulate(open_world(graph=bundled_graph()))
    await local.crawl("TF", SEEDS, expand_referenced=True)
    local.check()
    x = X(url="http://127.0.0.1:9")
    page = x.decode(
        x.timeline(User("1"), token=None, since_id=None, size=100),
        answer({"data": [POST, RETWEET], "includes": INCLUDES, "meta": {"result_count": 2}}),
    )
    for ext, lines in (
        ("twt", page.records),
        ("usr", [json.dumps(PROFILE).encode()]),
        ("fws", [PROFILE["id"].encode()]),
    ):
        path = local.layout.file(USER_ID, ext)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(member(lines))
    return tmp_path


def lines(place: Path, ext: str, stem: str = "*/*") -> list[Any]:
    text = read(["sh", "-c", f"zcat data/{stem}.{ext}"], place)
    return [json.loads(line) for line in text.splitlines()]


def rows(path: Path) -> list[dict[str, str]]:
    csv.field_size_limit(1_000_000)
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_fields_we_ask_for_are_all_tried() -> None:
    assert set(POST_FIELDS) <= POST.keys()
    assert set(USER_FIELDS) <= PROFILE.keys()


def test_twarc_writes_a_row_for_every_post(place: Path) -> None:
    said = read(["bash", "-euo", "pipefail", "-c", blocks("posts.csv")], place)
    posts = lines(place, "twt")
    assert f"Wrote {len(posts)} rows" in said
    assert "Unexpected" not in said
    written = {row["id"]: row for row in rows(place / "posts.csv")}
    assert written.keys() == {post["id"] for post in posts}
    assert len(posts) > 100, "more than one batch"
    assert any(post.get("note_tweet") for post in posts[:-2]), "the crawl has long posts"
    assert any(
        r["type"] == "retweeted" and "text" in r
        for post in posts[:-2]
        for r in post.get("referenced_tweets", [])
    )
    assert written[POST["id"]]["note_tweet.text"] == POST["note_tweet"]["text"]
    assert written[POST["id"]]["article.plain_text"] == "all"
    assert written[RETWEET["id"]]["attachments.media_source_tweet_id"] == '["5"]'


def test_twarc_writes_a_row_for_every_user(place: Path) -> None:
    said = read(["bash", "-euo", "pipefail", "-c", blocks("profiles.csv")], place)
    users = {user["id"] for user in lines(place, "usr")}
    assert f"Wrote {len(users)} rows" in said
    assert {row["id"] for row in rows(place / "profiles.csv")} == users


@pytest.mark.parametrize("table", ["posts", "profiles"])
def test_our_own_table_has_the_values_of_twarc(place: Path, table: str) -> None:
    read(["bash", "-euo", "pipefail", "-c", blocks(f"{table}.csv")], place)
    expected = {row["id"]: row for row in rows(place / f"{table}.csv")}
    layout = Layout(place / "data", place / "data" / ".tmp")
    with (place / f"ours.{table}.csv").open("wb") as stream:
        export(layout, [Output(parse_format(f"{table}.csv"), stream)], Choice())
    ours = {row["id"]: row for row in rows(place / f"ours.{table}.csv")}
    assert ours.keys() == expected.keys()
    different = {
        (user, column): (value, ours[user].get(column))
        for user, row in expected.items()
        for column, value in row.items()
        if plain(value) != plain(ours[user].get(column, "no such column"))
    }
    assert different == {}


def plain(text: str) -> object:
    """Return a value of a CSV file without what pandas does to it: floats for integers, capitals."""
    if text in ("True", "False"):
        return text.lower()
    if re.fullmatch(r"[0-9]+\.0", text):
        return text[:-2]
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T.*Z", text):
        return datetime.fromisoformat(text)
    return text


def test_one_unknown_column_drops_a_batch_and_is_named(place: Path) -> None:
    known = [{"id": str(100 + i), "text": "t"} for i in range(150)]
    (place / "in.jsonl").write_text(
        "".join(json.dumps(post) + "\n" for post in [*known, {"id": "1", "fresh": 1}])
    )
    said = read(["sh", "-c", "BEARER_TOKEN=none twarc2 csv - out.csv < in.jsonl"], place)
    assert "Unexpected items in data!" in said
    assert '"fresh"' in said
    assert len(rows(place / "out.csv")) == 100


def test_jq_reads_every_post(place: Path) -> None:
    if not shutil.which("jq"):
        (pytest.fail if os.environ.get("CI") else pytest.skip)("jq is missing")
    read(["bash", "-euo", "pipefail", "-c", blocks("posts.tsv")], place)
    ids = [line.split("\t")[0] for line in (place / "posts.tsv").read_text().splitlines()]
    assert ids == [post["id"] for post in lines(place, "twt")]


def test_pandas_and_duckdb_keep_every_id(place: Path) -> None:
    pandas = read(["python", "-c", blocks("import pandas") + PRINT % ("edges", "posts")], place)
    duckdb = read(["python", "-c", blocks("import duckdb") + PRINT % ("edges.df()", "posts.df()")], place)
    edges = sorted(
        [int(line), int(path.stem)]
        for path in place.glob("data/*/*.fws")
        for line in read(["zcat", str(path)], place).split()
    )
    assert [int(PROFILE["id"]), int(USER_ID)] in edges
    for text, posts in ((pandas, lines(place, "twt", "29/2979")), (duckdb, lines(place, "twt"))):
        found = json.loads(text)
        assert sorted(found["edges"]) == edges
        assert sorted(found["posts"]) == sorted([int(post["id"])] for post in posts)
    profiles = json.loads(
        read(["python", "-c", blocks("import duckdb") + "print(profiles.df()['id'].tolist())"], place)
    )
    assert sorted(profiles) == sorted({int(user["id"]) for user in lines(place, "usr")})
