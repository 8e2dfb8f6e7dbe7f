"""The module follower: contents of `.fws`, `.usr` and the journal after every kind of list."""

import json
from datetime import datetime
from typing import Any

import pytest

from support.crawl import Emulate, LocalCrawl, MakePage, Script
from twittomatic.emulator import GraphWorld
from twittomatic.model import Phase
from twittomatic.storage.formats import read_pages

STAR = 1


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001, 2345])
async def test_a_list_of_any_length_is_whole(local: LocalCrawl, emulate: Emulate, count: int) -> None:
    world = GraphWorld([(STAR, 10 + i) for i in range(count)] or [(2, STAR)], seed=1)
    emulator = await emulate(world)
    progress = await local.crawl("F", [STAR])
    assert progress.phase is Phase.FINISHED
    assert local.followers(STAR) == list(world.all_followers(STAR))
    profiles = [json.loads(line) for line in local.lines(STAR, "usr")]
    assert [int(profile["id"]) for profile in profiles] == local.followers(STAR)
    entries = local.journal(STAR)
    assert {entry.file for entry in entries} == {"1/1.usr", "1/1.fws"}
    assert {(entry.lines, entry.ending, entry.reason) for entry in entries} == {(count, "complete", None)}
    began, ended = (
        int(datetime.fromisoformat(moment).timestamp())
        for moment in (entries[0].began_at, entries[0].ended_at)
    )
    for ext in ("usr", "fws"):
        assert all(began <= at <= ended for at, _ in read_pages(local.layout.file(str(STAR), ext)))
    assert sum(entry.requests for entry in entries) == max(1, -(-count // 1000))
    assert sum(entry.cost_usd for entry in entries) == pytest.approx(count * 0.01)
    assert local.spent == count * 10_000
    assert emulator.report()["repeated_pages"] == 0
    local.check()


@pytest.mark.parametrize("status", ["protected", "suspended", "deleted"])
async def test_a_user_who_cannot_be_read_is_a_result(
    local: LocalCrawl, emulate: Emulate, status: Any
) -> None:
    await emulate(GraphWorld([(STAR, 2), (2, STAR)], seed=1, statuses={STAR: status}))
    progress = await local.crawl("TFA", [STAR, 2])
    assert progress.phase is Phase.FINISHED
    assert not local.exists(STAR, "fws")
    assert not local.exists(STAR, "usr")
    assert not local.exists(STAR, "twt")
    closed = local.journal(STAR)
    assert {(entry.module, entry.file, entry.ending, entry.reason) for entry in closed} == {
        ("follower", None, "unavailable", status),
        ("timeline", None, "unavailable", status),
    }
    assert local.exists(2, "fws")
    assert local.parts() == []
    local.check()


async def test_ids_of_every_length(local: LocalCrawl, emulate: Emulate) -> None:
    ids = [int("9" + "1" * digits) for digits in range(18)] + [7, 2**63 - 1]
    world = GraphWorld([(STAR, user_id) for user_id in ids], seed=1)
    await emulate(world)
    await local.crawl("FA", [STAR], max_depth=1)
    assert local.followers(STAR) == ids
    assert local.seen == len(ids) + 1
    for user_id in ids:
        assert local.layout.file(str(user_id), "fws").exists()
    local.check()


async def test_short_and_empty_pages_in_the_middle(local: LocalCrawl, script: Script, page: MakePage) -> None:
    asked = await script(
        {"": page([5, 4], "a"), "a": page([], "b"), "b": page([3], "c"), "c": page([], "d"), "d": page([2])}
    )
    await local.crawl("F", [STAR])
    assert local.followers(STAR) == [5, 4, 3, 2]
    assert [token for token in asked if token] == ["a", "b", "c", "d"]
    local.check()


async def test_a_user_on_two_pages_is_written_once(local: LocalCrawl, script: Script, page: MakePage) -> None:
    await script({"": page([5, 4, 5], "a"), "a": page([4, 3], "b"), "b": page([5, 3, 1])})
    await local.crawl("F", [STAR])
    assert local.followers(STAR) == [5, 4, 3, 1]
    [entry] = local.journal(STAR, "fws")
    assert (entry.lines, entry.received) == (4, 8)
    local.check()


async def test_an_expired_token_restarts_the_list(local: LocalCrawl, script: Script, page: MakePage) -> None:
    expired = (400, {"errors": [{"parameters": {"pagination_token": ["a"]}, "message": "bad"}]})
    asked = await script({"": page([5, 4], "a"), "a": [expired, page([3])]})
    await local.crawl("F", [STAR])
    assert local.followers(STAR) == [5, 4, 3]
    assert asked.count("") == 2 + asked.count("check")
    local.check()


async def test_a_network_that_repeats_itself_ends_the_list(
    local: LocalCrawl, script: Script, page: MakePage
) -> None:
    await script({"": page([5], "a"), "a": page([4], "a")})
    await local.crawl("F", [STAR])
    assert local.followers(STAR) == [5, 4]
    assert {entry.ending for entry in local.journal(STAR)} == {"stalled"}


@pytest.mark.parametrize(("most", "ending"), [(1, "cut"), (1000, "cut"), (1001, "cut"), (1500, "complete")])
async def test_max_followers_cuts_exactly(
    local: LocalCrawl, emulate: Emulate, most: int, ending: str
) -> None:
    world = GraphWorld([(STAR, 10 + i) for i in range(1500)], seed=1)
    await emulate(world)
    await local.crawl("F", [STAR], max_followers=most)
    assert local.followers(STAR) == list(world.all_followers(STAR))[:most]
    assert {entry.ending for entry in local.journal(STAR)} == {ending}
    assert local.spent == most * 10_000
    local.check()


async def test_a_user_who_becomes_protected_midway_keeps_what_was_bought(
    local: LocalCrawl, script: Script, page: MakePage
) -> None:
    gone = {
        "errors": [
            {
                "title": "Authorization Error",
                "detail": "Sorry, you are not authorized to see the user with id: [1].",
                "resource_id": "1",
                "parameter": "id",
                "resource_type": "user",
                "type": "https://api.twitter.com/2/problems/not-authorized-for-resource",
            }
        ]
    }
    await script({"": page([5, 4], "a"), "a": (200, gone)})
    await local.crawl("F", [STAR])
    assert local.followers(STAR) == [5, 4]
    assert {(entry.ending, entry.reason) for entry in local.journal(STAR)} == {("unavailable", "protected")}
    local.check()
