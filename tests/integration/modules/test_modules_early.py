"""Lists that end too early: never `complete`, continued at their token, never doubled."""

import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from scripted import Answer, Asked, ScriptedX, page, post, profile, scripted

from support.crawl import LocalCrawl
from twittomatic import faultpoint
from twittomatic.app import control
from twittomatic.app.runtime import Runtime
from twittomatic.model import Phase
from twittomatic.modules import finish, pager
from twittomatic.networks.base import Counts

STAR = 23
EXPIRED = Answer(
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


def users(first: int, count: int) -> list[dict[str, Any]]:
    return [profile(first + i) for i in range(count)]


def posts(first: int, count: int) -> list[dict[str, Any]]:
    return [post(first - i, STAR) for i in range(count)]


class Pages:
    """Serves the pages of one list by their tokens; `None` is the first one."""

    def __init__(self, pages: dict[str | None, Answer]) -> None:
        self.pages = pages
        self.asked: list[str | None] = []

    def __call__(self, asked: Asked) -> Answer | None:
        if not asked.path.endswith(("/followers", f"{STAR}/tweets")):
            return None
        token = asked.query.get("pagination_token")
        self.asked.append(token)
        return self.pages[token]


@pytest.fixture
def x(local: LocalCrawl) -> Iterator[ScriptedX]:
    with scripted() as x:
        local.settings = replace(local.settings, x_api_url=x.url)
        yield x


async def crawl(local: LocalCrawl, modules: str, *, claimed: int | None = None, **changes: Any) -> Any:
    """Crawl the star whose profile claims so many followers and posts."""
    local.before = None
    if claimed is not None:

        async def know(parts: Runtime) -> None:
            await parts.counts.keep({str(STAR): Counts(followers=claimed, posts=claimed)}, time.time())

        local.before = know
    progress = await local.crawl(modules, [STAR], **changes)
    assert progress.phase is Phase.FINISHED
    local.check()
    return progress


def ending(local: LocalCrawl, ext: str = "fws") -> tuple[str, int]:
    entry = local.journal(STAR, ext)[-1]
    return entry.ending, entry.lines


async def test_a_list_that_ends_far_too_early_is_asked_again_and_short(
    local: LocalCrawl, x: ScriptedX
) -> None:
    script = x.script = Pages({None: page(users(1000, 1000), "A"), "A": page(users(2000, 300))})
    await crawl(local, "F", claimed=52_000)
    assert script.asked == [None, "A", "A"]
    assert ending(local) == ("short", 1300)
    assert local.journal(STAR, "fws")[-1].claimed == 52_000
    assert local.early == {"follower:23": ("short", 1300, 52_000, False)}
    assert local.followers(STAR) == [*range(1000, 2300)]

    await crawl(local, "F", claimed=52_000, crawl="other")
    assert script.asked == [None, "A", "A"], "its end cost money, so it is kept as it is"
    assert local.early == {"follower:23": ("short", 1300, 52_000, False)}, "and this crawl says so too"
    await crawl(local, "F", claimed=52_000, crawl="other", refresh_older_than=timedelta(0))
    assert script.asked[3:] == [None, "A", "A"]


@pytest.mark.parametrize(
    ("claimed", "shortfall", "short"),
    [
        (None, 0.5, False),
        (600, 0.5, False),
        (601, 0.5, True),
        (601, 0.6, False),
        (601, 1.0, False),
        (319, 0.0, False),
        (320, 0.0, True),
    ],
)
async def test_shortfall_bounds_how_much_may_be_missing(
    local: LocalCrawl, x: ScriptedX, claimed: int | None, shortfall: float, short: bool
) -> None:
    x.script = Pages({None: page(users(1000, 300))})
    await crawl(local, "F", claimed=claimed, shortfall=shortfall)
    assert ending(local) == ("short" if short else "complete", 300)


async def test_an_end_that_was_a_slip_is_made_good_at_once(local: LocalCrawl, x: ScriptedX) -> None:
    script = Pages({None: page(users(1000, 1000), "A"), "A": page([])})

    def slips(asked: Asked) -> Answer | None:
        answer = script(asked)
        if asked.query.get("pagination_token") == "A":
            script.pages["A"] = page(users(2000, 900))
        return answer

    x.script = slips
    await crawl(local, "F", claimed=2000, shortfall=0.2)
    assert ending(local) == ("complete", 1900)
    assert local.early == {}


async def test_a_free_end_is_requested_again_by_later_crawls_and_continued(
    local: LocalCrawl, x: ScriptedX
) -> None:
    script = x.script = Pages({None: page(users(1000, 1000), "A"), "A": page([])})
    await crawl(local, "F", claimed=2000, shortfall=0.2)
    assert script.asked == [None, "A", "A"]
    assert ending(local) == ("short", 1000)
    assert local.early == {"follower:23": ("short", 1000, 2000, True)}
    before = local.spent
    script.pages = {"A": page(users(2000, 900), "B"), "B": page(users(2900, 50))}
    await crawl(local, "F", claimed=2000, crawl="other", shortfall=0.2)
    assert script.asked[3:] == ["A", "B"]
    assert local.followers(STAR) == [*range(1000, 2950)]
    assert ending(local) == ("complete", 1950)
    assert local.spent - before == 950 * 10_000
    assert local.early == {}
    assert local.parts() == []


async def test_an_empty_first_page_is_asked_again_by_later_crawls(local: LocalCrawl, x: ScriptedX) -> None:
    script = x.script = Pages({None: page([])})
    await crawl(local, "F", claimed=52_000)
    assert (ending(local), local.spent) == (("short", 0), 0)
    script.pages = {None: page(users(1000, 30))}
    await crawl(local, "F", claimed=30, crawl="other")
    assert ending(local) == ("complete", 30)


async def test_a_timeline_is_short_below_the_ceiling_only(local: LocalCrawl, x: ScriptedX) -> None:
    pages = {None: page(posts(10_000, 100), "T1")}
    pages |= {f"T{k}": page(posts(10_000 - 100 * k, 100), f"T{k + 1}") for k in range(1, 16)}
    x.script = Pages({**pages, "T16": page(posts(8_400, 100))})
    await crawl(local, "T", claimed=31_000)
    assert ending(local, "twt") == ("complete", 1700), "of the 3,200 that are served more than half are there"
    x.script = Pages({None: page(posts(10_000, 100))})
    await crawl(local, "T", claimed=31_000, crawl="other", refresh_older_than=timedelta(0))
    assert ending(local, "twt") == ("complete", 1700), "a longer timeline is not replaced"
    assert local.early["timeline:23"] == ("short", 100, 31_000, False)


def with_empty_pages(count: int, more: Sequence[Answer]) -> dict[str | None, Answer]:
    """Return a page of followers, then empty ones that lead on, then `more`."""
    empty = {f"E{k}": page([], f"E{k + 1}") for k in range(count)}
    return {None: page(users(1000, 1000), "E0"), **empty, f"E{count}": more[0]}


async def test_empty_pages_that_lead_on_are_followed(local: LocalCrawl, x: ScriptedX) -> None:
    script = x.script = Pages(with_empty_pages(60, [page(users(2000, 500))]))
    await crawl(local, "F")
    assert len(script.asked) == 62
    assert ending(local) == ("complete", 1500)
    assert local.spent == 1500 * 10_000


@pytest.mark.parametrize("crawl_name", ["test", "other"])
@pytest.mark.parametrize("bound", ["_EMPTY_PAGES", "_EMPTY_S"])
async def test_a_run_of_empty_pages_is_bounded_and_the_next_crawl_continues(
    local: LocalCrawl, x: ScriptedX, monkeypatch: pytest.MonkeyPatch, crawl_name: str, bound: str
) -> None:
    script = x.script = Pages(with_empty_pages(25, [page(users(2000, 500))]))
    monkeypatch.setattr(pager, bound, 10 if bound == "_EMPTY_PAGES" else 0.0)
    await crawl(local, "F")
    count = len(script.asked)
    assert count == (11 if bound == "_EMPTY_PAGES" else 2)
    assert ending(local) == ("stalled", 1000)
    assert local.early == {"follower:23": ("stalled", 1000, None, True)}
    monkeypatch.setattr(pager, "_EMPTY_PAGES", 100)
    monkeypatch.setattr(pager, "_EMPTY_S", 3600.0)
    local.again = True
    await crawl(local, "F", crawl=crawl_name)
    assert len(script.asked) == 27, "no page is asked for twice"
    assert script.asked[count] == f"E{count - 1}"
    assert local.followers(STAR) == [*range(1000, 2500)]
    assert ending(local) == ("complete", 1500)
    assert local.early == {}


async def test_pages_that_lead_in_a_circle_stall(local: LocalCrawl, x: ScriptedX) -> None:
    script = x.script = Pages({None: page(users(1000, 100), "A"), "A": page([], "B"), "B": page([], "A")})
    await crawl(local, "F")
    assert ending(local) == ("stalled", 100)
    assert len(script.asked) < 10


async def test_a_continued_list_pays_one_page_to_check_that_nothing_changed(
    local: LocalCrawl, x: ScriptedX
) -> None:
    same = {f"A{k}": page(users(1000, 100), f"A{k + 1}") for k in range(100)}
    script = x.script = Pages({None: page(users(1000, 100), "A0"), **same})
    await crawl(local, "F")
    count = len(script.asked)
    assert ending(local) == ("stalled", 100)
    local.again = True
    await crawl(local, "F")
    assert len(script.asked) == count + 1
    assert ending(local) == ("stalled", 100)


async def test_a_token_that_expired_meanwhile_buys_nothing_again(local: LocalCrawl, x: ScriptedX) -> None:
    script = x.script = Pages({None: page(users(1000, 1000), "A"), "A": page([])})
    await crawl(local, "F", claimed=3000)
    script.pages["A"] = EXPIRED
    local.again = True
    await crawl(local, "F", claimed=3000)
    assert script.asked == [None, "A", "A", "A"]
    assert ending(local) == ("short", 1000)
    assert local.early == {"follower:23": ("short", 1000, 3000, False)}


async def test_an_update_keeps_what_is_known_of_the_older_end(
    local: LocalCrawl, x: ScriptedX, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pager, "_EMPTY_PAGES", 1)
    script = x.script = Pages(
        {None: page(posts(500, 100), "A"), "A": page([], "B"), "B": page(posts(400, 50))}
    )
    await crawl(local, "T")
    assert ending(local, "twt") == ("stalled", 100)
    script.pages[None] = page(posts(510, 10))
    await crawl(local, "U", crawl="updates")
    assert ending(local, "twt") == ("stalled", 110)
    await crawl(local, "T", crawl="other")
    assert script.asked == [None, "A", None, "B"]
    assert local.posts(STAR) == [*range(510, 350, -1)]
    assert ending(local, "twt") == ("complete", 160)


async def test_a_token_that_the_journal_cannot_keep_is_not_kept(
    local: LocalCrawl, x: ScriptedX, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pager, "_EMPTY_PAGES", 1)
    monkeypatch.setattr(finish, "LONGEST_TOKEN", 3)
    x.script = Pages({None: page(users(1000, 100), "A"), "A": page([], "LONG")})
    await crawl(local, "F")
    assert ending(local) == ("stalled", 100)
    assert local.journal(STAR, "fws")[-1].token is None
    assert local.early["follower:23"][3] is False


@pytest.mark.parametrize(
    "point",
    [
        "part.taken_over",
        "page.fetched",
        "part.synced",
        "page.committed",
        "commit.renamed",
        "journal.written",
        "journal.synced",
        "job.closed",
    ],
)
@pytest.mark.parametrize("time_", [1, 2])
async def test_a_resumption_that_stops_anywhere_loses_and_doubles_nothing(
    local: LocalCrawl, x: ScriptedX, point: str, time_: int
) -> None:
    script = x.script = Pages({None: page(users(1000, 1000), "A"), "A": page([])})
    await crawl(local, "F", claimed=5000)
    script.pages = {"A": page(users(2000, 900), "B"), "B": page(users(2900, 1000))}
    reached = 0

    def fail(name: str) -> None:
        nonlocal reached
        reached += name == point
        if name == point and reached == time_:
            raise RuntimeError(point)

    faultpoint.arm(fail)
    try:
        await local.crawl("F", [STAR], crawl="other")
    finally:
        faultpoint.arm(None)
    if reached >= time_:
        assert local.dead
        assert len(local.followers(STAR)) in {1000, 2900}, "the old list, or the new one"
        await control.retry_jobs(replace(local.settings, crawl="other"), ())
        await local.crawl("F", [STAR], crawl="other")
    assert local.followers(STAR) == [*range(1000, 3900)]
    assert ending(local) == ("complete", 2900)
    assert None not in script.asked[3:], "the list is never begun anew"
    assert local.parts() == []
    local.check()


@pytest.mark.parametrize("claimed", [None, 60], ids=["unclaimed", "claimed"])
@pytest.mark.parametrize("module", ["F", "T"])
async def test_a_refresh_that_ends_too_early_replaces_no_longer_list(
    local: LocalCrawl, x: ScriptedX, module: str, claimed: int | None
) -> None:
    ext, records = ("fws", users(100, 60)) if module == "F" else ("twt", posts(10**18, 60))
    script = x.script = Pages({None: page(records)})
    assert (await crawl(local, module, claimed=claimed)).phase is Phase.FINISHED
    before = local.lines(STAR, ext)
    assert len(before) == 60
    for answer in (page([]), page(records[:9])):
        script.pages = {None: answer}
        await crawl(local, module, claimed=claimed, refresh_older_than=timedelta(0))
        assert local.lines(STAR, ext) == before
        assert local.journal(STAR)[-1].ending == "short"
        local.check()
