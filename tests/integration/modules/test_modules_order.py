"""Timelines of servers that do not serve the newest post first: nothing is lost or doubled."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from msgspec.structs import replace
from scripted import Answer, Asked, ScriptedX, page, post, scripted

from support.crawl import LocalCrawl
from twittomatic import faultpoint
from twittomatic.app import control
from twittomatic.model import Phase
from twittomatic.storage.commit import commit, measured
from twittomatic.storage.formats import member, read_pages
from twittomatic.storage.journal import Entry, Journal
from twittomatic.storage.part import PartFile
from twittomatic.storage.verify import verify

STAR = 22
B = 1_700_000_000_000_000_000
NEWEST_FIRST = [B + i for i in range(300, 5, -1)]


def pinned(ids: Sequence[int]) -> list[int]:
    """Put an old post in front."""
    return [B + 5, *ids]


def ascending(ids: Sequence[int]) -> list[int]:
    return sorted(ids)


def shuffled(ids: Sequence[int]) -> list[int]:
    return random.Random(5).sample(ids, len(ids))


def shuffled_pages(ids: Sequence[int]) -> list[int]:
    """Put pages in another order, each of which is in order."""
    pages = [ids[i : i + 100] for i in range(0, len(ids), 100)]
    return [i for one in (*pages[1:], pages[0]) for i in one]


def repeated(ids: Sequence[int]) -> list[int]:
    """Begin each page with the post that ended the one before it."""
    return [i for k, i in enumerate(ids) for _ in range(2 if k % 99 == 98 else 1)]


def edited_in_front(ids: Sequence[int]) -> list[int]:
    """Put a newer version of an older post beside it: its id is greater than those around it."""
    return [*ids[:150], B + 1000, *ids[150:]]


ORDERS = [pinned, ascending, shuffled, shuffled_pages, repeated, edited_in_front]


class Timeline:
    """Answers as a server whose posts are in some order; `heeds` is whether it obeys `since_id`."""

    def __init__(self, ids: Sequence[int], *, heeds: bool = True) -> None:
        self.ids = list(ids)
        self.heeds = heeds
        self.expires: set[int] = set()

    def __call__(self, asked: Asked) -> Answer | None:
        if not asked.path.endswith("/tweets") or "usage" in asked.path:
            return None
        if asked.number in self.expires:
            return Answer(
                status=400,
                body={
                    "title": "Invalid Request",
                    "errors": [
                        {
                            "parameters": {"pagination_token": ["x"]},
                            "message": "The `pagination_token` query parameter value [x] is not valid",
                        }
                    ],
                },
            )
        since = int(asked.query.get("since_id", 0)) if self.heeds else 0
        size, start = int(asked.query["max_results"]), int(asked.query.get("pagination_token", "T0")[1:])
        ids = [i for i in self.ids if i > since]
        more = f"T{start + size}" if start + size < len(ids) else None
        return page([post(i, STAR) for i in ids[start : start + size]], more)


@pytest.fixture
def serve(local: LocalCrawl) -> Iterator[Callable[..., ScriptedX]]:
    with scripted() as x:

        def start(timeline: Timeline) -> ScriptedX:
            x.script = timeline
            local.settings = replace(local.settings, x_api_url=x.url)
            return x

        yield start


def is_in_order(local: LocalCrawl, expected: Sequence[int]) -> None:
    assert local.posts(STAR) == sorted(set(expected), reverse=True)
    entry = local.journal(STAR, "twt")[-1]
    assert (entry.first_id, entry.lines) == (str(max(expected)), len(set(expected))) or (
        entry.module == "update"
    )
    local.check()


@pytest.mark.parametrize("order", ORDERS)
async def test_any_order_is_stored_newest_first_and_updated_without_loss(
    local: LocalCrawl, serve: Any, order: Any
) -> None:
    timeline = Timeline(order(NEWEST_FIRST))
    x = serve(timeline)
    await local.crawl("T", [STAR])
    is_in_order(local, timeline.ids)
    first = local.journal(STAR)[0]
    assert (first.ending, first.received) == ("complete", len(timeline.ids))
    assert first.last_id == str(min(timeline.ids))

    new = [B + 2000 + i for i in range(230, 0, -1)]
    timeline.ids = order([*new, *NEWEST_FIRST])
    await local.crawl("U", [STAR], crawl="updates")
    since = {asked.query["since_id"] for asked in x.asked if "since_id" in asked.query}
    assert since == {first.first_id}
    is_in_order(local, timeline.ids)
    assert local.journal(STAR)[-1].lines == len(set(timeline.ids))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("expires", [2, 3])
async def test_a_restarted_list_loses_nothing_in_any_order(
    local: LocalCrawl, serve: Any, order: Any, expires: int
) -> None:
    timeline = Timeline(order(NEWEST_FIRST))
    timeline.expires = {expires}
    serve(timeline)
    await local.crawl("T", [STAR])
    is_in_order(local, timeline.ids)


async def test_a_server_that_ignores_since_id_doubles_nothing(local: LocalCrawl, serve: Any) -> None:
    timeline = Timeline(NEWEST_FIRST[200:], heeds=False)
    serve(timeline)
    await local.crawl("T", [STAR])
    timeline.ids = [B + 900, *timeline.ids]
    await local.crawl("U", [STAR], crawl="updates")
    is_in_order(local, timeline.ids)


async def test_a_sorted_timeline_keeps_the_times_at_which_its_posts_came(
    local: LocalCrawl, serve: Any
) -> None:
    serve(Timeline(pinned(NEWEST_FIRST)))
    await local.crawl("T", [STAR])
    assert all(at > 0 for at, _ in read_pages(local.layout.file(str(STAR), "twt")))


@pytest.mark.parametrize("repeats", [False, True])
async def test_an_update_sorts_what_an_older_version_left_out_of_order(
    local: LocalCrawl, serve: Any, repeats: bool
) -> None:
    old = [B + 5, *NEWEST_FIRST[100:], *(NEWEST_FIRST[100:150] if repeats else [])]
    stored(local, old)
    assert [*verify(local.layout)]
    x = serve(Timeline(pinned(NEWEST_FIRST)))
    await local.crawl("U", [STAR])
    assert x.asked[-1].query["since_id"] == str(max(old))
    is_in_order(local, [*old, *NEWEST_FIRST])


def stored(local: LocalCrawl, ids: Sequence[int]) -> None:
    """Write a timeline as versions did that kept the network's order."""
    local.layout.prepare()
    part, final = local.layout.part("old", "timeline", "twt"), local.layout.file(str(STAR), "twt")
    with PartFile.begin(part) as file:
        file.append(member([b'{"id":"%d"}' % i for i in ids], at=1_700_000_000), len(ids))
    commit(part, final)
    state = measured(final)
    journal = Journal(local.layout.journal("old"))
    journal.append(
        Entry(
            file=local.layout.relative(final),
            module="timeline",
            user_id=str(STAR),
            lines=state.lines,
            bytes=state.size,
            crc32=f"{state.crc:08x}",
            began_at="2026-01-01T00:00:00Z",
            ended_at="2026-01-01T00:00:01Z",
            ending="complete",
            first_id=str(ids[0]),
            worker="old",
        )
    )
    journal.close()


@pytest.mark.parametrize("others", [80, 100])
async def test_an_update_that_another_crawl_overtakes_doubles_nothing(
    local: LocalCrawl, serve: Any, others: int
) -> None:
    """The other one places its posts, all or some of them, while this one asks for the same."""
    old = NEWEST_FIRST[150:]
    stored(local, old)
    x = serve(Timeline(NEWEST_FIRST))
    answer = x.script

    def overtaking(asked: Asked) -> Answer | None:
        if asked.query.get("since_id") == str(old[0]) and "pagination_token" not in asked.query:
            stored(local, NEWEST_FIRST[150 - others :])
        return answer(asked)

    x.script = overtaking
    await local.crawl("U", [STAR])
    is_in_order(local, NEWEST_FIRST)
    assert local.parts() == []


POINTS = [
    "page.committed",
    "part.written",
    "part.synced",
    "order.sorted",
    "order.committed",
    "commit.renamed",
    "commit.directory_synced",
    "journal.written",
    "journal.synced",
    "job.closed",
]


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("module", ["T", "U"])
async def test_an_attempt_that_stops_anywhere_while_it_sorts_changes_nothing_in_the_end(
    local: LocalCrawl, serve: Any, point: str, module: str
) -> None:
    timeline = Timeline(pinned(NEWEST_FIRST[220:]))
    x = serve(timeline)
    if module == "U":
        await local.crawl("T", [STAR], crawl="before")
        timeline.ids = [timeline.ids[0], *shuffled(NEWEST_FIRST[:220]), *timeline.ids[1:]]
    last = {"part.written": 2 if module == "T" else 5, "part.synced": 2 if module == "T" else 5}
    reached = 0

    def fail(name: str) -> None:
        nonlocal reached
        reached += name == point
        if name == point and reached == last.get(point, 1):
            raise RuntimeError(point)

    faultpoint.arm(fail)
    try:
        await local.crawl(module, [STAR])
    finally:
        faultpoint.arm(None)
    assert local.dead, f"{point} was reached {reached} times"
    before = len(x.asked)
    await control.retry_jobs(local.settings, ())
    progress = await local.crawl(module, [STAR])
    assert progress.phase is Phase.FINISHED
    is_in_order(local, timeline.ids)
    assert local.parts() == []
    if point not in {"page.committed"}:
        assert len(x.asked) - before <= 1, "what was read was read again"
