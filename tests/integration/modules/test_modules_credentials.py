"""A crawl with user tokens: their own windows, renewed on the way, retired when the network refuses."""

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from support.crawl import Emulate, LocalCrawl
from twittomatic.app.runtime import Runtime
from twittomatic.crawler.worker import Worker
from twittomatic.emulator import GraphWorld
from twittomatic.model import Phase

STAR = 1


def user_token(path: Path, refresh_token: str = "refresh-first") -> str:
    path.touch(mode=0o600)
    tokens = {"client_id": "client", "access_token": "access-dead", "refresh_token": refresh_token}
    path.write_text(json.dumps(tokens))
    return str(path)


@pytest.fixture
def world() -> GraphWorld:
    edges = [(STAR, 100 + i) for i in range(40)] + [(100 + i, STAR) for i in range(40)]
    return GraphWorld(edges, seed=3)


async def test_a_crawl_with_only_a_user_token_renews_it_when_it_expires(
    local: LocalCrawl, emulate: Emulate, world: GraphWorld, tmp_path: Path
) -> None:
    emulator = await emulate(world, time_scale=60.0)
    local.settings = replace(
        local.settings, x_bearer_tokens="", x_user_tokens=user_token(tmp_path / "ada.json")
    )
    progress = await local.crawl("FA", [STAR], max_depth=1)
    assert progress.phase is Phase.FINISHED
    assert emulator.authority.renewals == 1
    assert emulator.report()["violations"] == 0
    assert len(local.journal()) == 2 * 41
    local.check()


async def test_tokens_that_die_all_the_time(
    local: LocalCrawl, emulate: Emulate, world: GraphWorld, tmp_path: Path
) -> None:
    """They live for a tenth of a second, and are renewed as often as it takes."""
    emulator = await emulate(world, time_scale=72_000.0)
    local.settings = replace(
        local.settings, x_bearer_tokens="", x_user_tokens=user_token(tmp_path / "ada.json")
    )
    progress = await local.crawl("FA", [STAR], max_depth=1, concurrency=1)
    assert progress.phase is Phase.FINISHED
    assert emulator.authority.renewals >= 1
    local.check()


async def test_a_refused_user_token_is_retired_and_the_others_continue(
    local: LocalCrawl, emulate: Emulate, world: GraphWorld, tmp_path: Path
) -> None:
    emulator = await emulate(world)
    emulator.authority.renew({"grant_type": "refresh_token", "refresh_token": "refresh-first"})
    local.settings = replace(local.settings, x_user_tokens=user_token(tmp_path / "ada.json"))
    reasons: dict[str, str] = {}

    async def look(parts: Runtime, worker: Worker) -> None:
        while not reasons:
            reasons.update(await parts.account.rejected())

    progress = await local.crawl("FA", [STAR], max_depth=1, during=look)
    assert progress.phase is Phase.FINISHED
    [(name, reason)] = reasons.items()
    assert name.startswith("user-")
    assert "invalid_grant" in reason
    assert "refresh-first" not in reason
    local.check()


async def test_without_anybody_left_the_crawl_pauses(
    local: LocalCrawl, emulate: Emulate, world: GraphWorld, tmp_path: Path
) -> None:
    emulator = await emulate(world)
    emulator.authority.renew({"grant_type": "refresh_token", "refresh_token": "refresh-first"})
    local.settings = replace(
        local.settings, x_bearer_tokens="", x_user_tokens=user_token(tmp_path / "ada.json")
    )
    progress = await local.crawl("F", [STAR])
    assert (progress.phase, progress.paused_by) == (Phase.PAUSED, "network")
    assert "authorize the app again" in progress.reason
