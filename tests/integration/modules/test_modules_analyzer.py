"""The module analyzer: selected users reach the frontier once each, and only missing profiles are bought."""

import json

import pytest
from msgspec.structs import replace
from scripted import Answer, Asked, page, profile, scripted

from support.crawl import Emulate, LocalCrawl
from twittomatic.emulator import GraphWorld
from twittomatic.errors import SettingsError
from twittomatic.model import Phase
from twittomatic.modules.selection import Selection
from twittomatic.networks.x import X
from twittomatic.storage.formats import member, read_pages

STAR = 1
FOLLOWERS = list(range(10, 260))


@pytest.fixture
async def world(emulate: Emulate) -> GraphWorld:
    world = GraphWorld([(STAR, user_id) for user_id in FOLLOWERS] + [(2, 10), (2, 11), (2, 999)], seed=5)
    await emulate(world)
    return world


async def test_without_select_all_followers_wait_in_the_frontier(
    local: LocalCrawl, world: GraphWorld
) -> None:
    progress = await local.crawl("FA", [STAR, 2])
    assert progress.phase is Phase.FINISHED
    assert local.waiting == {*map(str, FOLLOWERS), "999"}
    assert local.seen == len(FOLLOWERS) + 3
    assert progress.counters["pages:follower"] == 2
    assert "pages:analyzer" not in progress.counters
    local.check()


async def test_select_reads_the_profiles_that_were_bought(local: LocalCrawl, world: GraphWorld) -> None:
    select = "followers_count >= 1 && !protected && id != '11'"
    await local.crawl("FA", [STAR, 2], select=select)
    profiles = {
        profile["id"]: profile for user in (STAR, 2) for profile in map(json.loads, local.lines(user, "usr"))
    }
    expected = {
        user_id
        for user_id, profile in profiles.items()
        if profile["public_metrics"]["followers_count"] >= 1 and user_id != "11"
    }
    assert local.waiting == expected
    assert local.spent == (len(FOLLOWERS) + 3) * 10_000
    local.check()


async def test_only_missing_users_are_looked_up_and_kept(
    local: LocalCrawl, world: GraphWorld, emulate: Emulate
) -> None:
    await local.crawl("F", [STAR])
    path = local.layout.file(str(STAR), "usr")
    kept = [line.encode() for line in local.lines(STAR, "usr")][:100]
    path.write_bytes(member(kept))
    spent = local.spent
    progress = await local.crawl("A", [STAR], crawl="analysis", select="true")
    assert local.waiting == set(map(str, FOLLOWERS))
    assert local.spent - spent == (len(FOLLOWERS) - 100) * 10_000
    assert progress.counters["pages:analyzer"] == 2
    assert [int(json.loads(line)["id"]) for line in local.lines(STAR, "usr")] == FOLLOWERS
    local.check()


async def test_a_profile_from_another_followers_page_is_not_bought(
    local: LocalCrawl, emulate: Emulate
) -> None:
    """Two users with followers in common; the profiles of the one's were lost."""
    edges = [(1, 10 + i) for i in range(30)] + [(2, 30 + i) for i in range(30)]
    emulator = await emulate(GraphWorld(edges, seed=1))
    await local.crawl("F", [1, 2])
    local.layout.file("1", "usr").unlink()
    path = local.layout.file("2", "usr")
    written = path.read_bytes()
    path.write_bytes(member([line.encode() for line in local.lines(2, "usr")], at=1000))
    await local.crawl("A", [1], crawl="later", select="followers_count >= 0")
    assert emulator.report()["returned"]["user"] == 20
    assert {json.loads(line)["id"] for line in local.lines(1, "usr")} == {str(10 + i) for i in range(30)}
    pages = [(at == 1000, len(lines)) for at, lines in read_pages(local.layout.file("1", "usr"))]
    assert pages == [(True, 10), (False, 20)], "each came with its own page"
    path.write_bytes(written)
    assert local.waiting == {str(10 + i) for i in range(30)}
    local.check()


async def test_an_analysis_without_a_list_is_done_at_once(local: LocalCrawl, world: GraphWorld) -> None:
    progress = await local.crawl("A", [STAR])
    assert progress.phase is Phase.FINISHED
    assert local.waiting == set()


async def test_depth_bounds_the_crawl_and_the_rest_waits(local: LocalCrawl, emulate: Emulate) -> None:
    await emulate(GraphWorld([(1, 2), (2, 3), (3, 4), (4, 5), (5, 1)], seed=1))
    await local.crawl("FA", [1], max_depth=2)
    assert [user for user in range(1, 6) if local.exists(user, "fws")] == [1, 2, 3]
    assert local.waiting == {"4"}
    await local.crawl("FA", [1], max_depth=9)
    assert all(local.exists(user, "fws") for user in range(1, 6))
    assert local.waiting == set()
    local.check()


@pytest.mark.parametrize("traversal", ["bfs", "dfs", "priority"])
async def test_every_order_reaches_each_user_once(
    local: LocalCrawl, emulate: Emulate, traversal: str
) -> None:
    edges = [(a, b) for a in range(1, 40) for b in (2 * a, 2 * a + 1, a // 2) if b and b != a]
    emulator = await emulate(GraphWorld(edges, seed=1))
    await local.crawl(
        "FA",
        [1],
        max_depth=100,
        traversal=traversal,
        priority="followers_count * 2 - listed_count",
        concurrency=1,
    )
    users = {user for edge in edges for user in edge}
    assert {user for user in users if local.exists(user, "fws")} == users
    assert emulator.report()["requests"]["followers"] == len(users)
    depths = [entry.depth for entry in local.journal(ext="fws")]
    if traversal == "bfs":
        assert depths == sorted(depths)
    if traversal == "dfs":
        assert depths.index(4) < 12, "breadth first comes there after all 15 that are nearer"
    local.check()


@pytest.mark.parametrize(
    ("select", "said"),
    [
        ("followers_count >", "line 1, column"),
        ("folowers_count > 3", "column 1: a profile has no field 'folowers_count'"),
        ("followers_count", "not true or false"),
        ("followers_count > 'a'", "cannot be evaluated"),
        ("name.matches('(')", "cannot be evaluated"),
        ("__import__('os').system('id')", "SELECT"),
    ],
)
def test_a_bad_expression_is_refused_with_the_place_of_the_fault(select: str, said: str) -> None:
    with pytest.raises(SettingsError, match="SELECT") as caught:
        Selection(select, "", X(url="http://localhost"))
    assert said in str(caught.value)


def test_a_field_that_a_profile_lacks_is_no_error() -> None:
    selection = Selection("location.contains('Pisa')", "1 / followers_count", X(url="http://localhost"))
    assert selection.score(b'{"id":"1"}') is None
    assert selection.score(b'{"id":"1","location":"Pisa, Italy"}') == float("-inf")


async def test_profiles_that_come_twice_or_of_strangers_are_not_kept(local: LocalCrawl) -> None:
    def script(asked: Asked) -> Answer | None:
        if asked.path.endswith("/followers"):
            return page([profile(user_id) for user_id in (10, 11, 12, 13)])
        if asked.path == "/2/users":
            return Answer(body={"data": [profile(user_id) for user_id in (12, 999, 12, 10, 11, 12)]})
        return None

    with scripted(script) as x:
        local.settings = replace(local.settings, x_api_url=x.url)
        await local.crawl("F", [STAR])
        path = local.layout.file(str(STAR), "usr")
        path.write_bytes(member([local.lines(STAR, "usr")[0].encode()]))
        await local.crawl("A", [STAR], crawl="analysis", select="true")
        assert x.asked[-1].query["ids"] == "11,12,13"
    assert [json.loads(line)["id"] for line in local.lines(STAR, "usr")] == ["10", "11", "12"]
    assert local.waiting == {"10", "11", "12"}
    local.check()
