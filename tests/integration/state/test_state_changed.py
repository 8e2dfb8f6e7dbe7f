"""Another program changed a key: each operation either works or says so in one sentence, and never loops."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from support.state import LedCrawl
from twittomatic.errors import LeadershipLost, LeaseLost, StateError
from twittomatic.model import Checkpoint, Module
from twittomatic.networks.base import Limit
from twittomatic.state.account import Account
from twittomatic.state.admin import JobAdmin
from twittomatic.state.keys import NetworkKeys
from twittomatic.state.permits import Delivery, Permit
from twittomatic.state.status import read_status

GARBAGE = ("\ufffd\x00garbage", '{"a":', "")
LIMITS = {"app": Limit(requests=100, window_s=900)}
SENTENCE = r"^Redis (holds something that Twittomatic did not write|has lost) "


async def change(led: LedCrawl, key: str, kind: str, garbage: str) -> None:
    """Put something into a key that no version of this program writes."""
    if garbage == "another type":
        await led.call("DEL", key)
        await (led.call("LPUSH", key, "x") if kind == "string" else led.call("SET", key, "x"))
    elif kind == "hash":
        for field in await led.call("HKEYS", key):
            await led.call("HSET", key, field, garbage)
    elif kind == "list":
        await led.call("LPUSH", key, garbage)
    elif kind == "zset":
        await led.call("ZADD", key, 0, garbage)
    elif kind == "stream":
        await led.call("XADD", key, "*", "garbage", garbage)
    elif kind == "string":
        await led.call("SET", key, garbage)


async def works_or_says_so(operation: Callable[[], Awaitable[Any]]) -> bool:
    """Return whether an operation noticed the change."""
    [error] = await asyncio.gather(operation(), return_exceptions=True)
    if not isinstance(error, BaseException) or isinstance(error, LeadershipLost | LeaseLost):
        return isinstance(error, BaseException)
    with pytest.raises(StateError, match=SENTENCE):
        raise error
    return True


@pytest.mark.parametrize("garbage", ["another type", *GARBAGE])
async def test_a_crawl_whose_keys_another_program_changed(led: LedCrawl, garbage: str) -> None:
    jobs, admin = led.worker(), JobAdmin(led.connection, led.keys)
    done, held, *_ = await led.lease_new(jobs, range(1, 6))
    await jobs.commit(held, Checkpoint(part="a"), {"pages:follower": 1})
    await jobs.release(done, "dead", reason="so")
    keys = sorted(await led.call("KEYS", f"tw:{{{led.keys.crawl}}}:*"))
    saved = {key: await led.call("TYPE", key) for key in keys}
    noticed = set()
    for key, kind in saved.items():
        copy = f"{key}-copy"
        await led.call("COPY", key, copy, "REPLACE")
        await change(led, key, kind, garbage)
        for operation in (
            led.crawl.status,
            led.feed,
            admin.dead,
            lambda: admin.job(Module.FOLLOWER, "2"),
            lambda: admin.checkpoints_of(["2"], [Module.FOLLOWER]),
            led.frontier.sizes,
            led.frontier.seen,
            lambda: jobs.commit(held, Checkpoint(part="b"), {"pages:follower": 1}),
        ):
            if await works_or_says_so(operation):
                noticed.add(key)
        await led.call("RENAME", copy, key)
    assert len(noticed) > len(saved) / 4


async def test_a_begun_job_that_another_program_changed_is_not_waited_for(led: LedCrawl) -> None:
    [job] = await led.lease_new(led.worker())
    await led.worker().release(job, "ready")
    await led.call("DEL", f"{led.keys.job}{job.name}")
    await led.call("SET", f"{led.keys.job}{job.name}", "x")
    late = led.worker("late")
    for _ in range(2):  # the second time the entry is pending already
        with pytest.raises(StateError, match=SENTENCE):
            await late.lease(Module.FOLLOWER, 1)


@pytest.mark.parametrize("garbage", ["another type", *GARBAGE])
async def test_an_account_whose_keys_another_program_changed(
    led: LedCrawl, account: Callable[..., Account], keys: NetworkKeys, garbage: str
) -> None:
    money = account(10_000_000)
    await money.open()
    permit = await money.acquire("followers", LIMITS, price=10_000, wanted=1000)
    assert isinstance(permit, Permit)
    delivery = Delivery(day="2026-08-22", resource="user", ids=["5", "10"], unit_price=10_000)
    await money.settle(permit, 20_000, None, delivery)
    await money.reject("other", "401")
    assert isinstance(await money.acquire("followers", LIMITS, price=10_000, wanted=1), Permit)
    noticed = set()
    for key in sorted(await led.call("KEYS", f"tw:{{net:{keys.account}}}:*")):
        copy, kind = f"{key}-copy", await led.call("TYPE", key)
        await led.call("COPY", key, copy, "REPLACE")
        await change(led, key, kind, garbage)
        for operation in (
            lambda: money.acquire("followers", LIMITS, price=10_000, wanted=1000),
            lambda: money.settle(permit, 20_000, None, delivery),
            lambda: money.exhaust(permit, None, 1.0),
            money.totals,
            money.left,
            money.rejected,
            lambda: read_status(led.connection, led.keys.crawl, account=keys.account, windows=True),
        ):
            if await works_or_says_so(operation):
                noticed.add(key)
        await led.call("RENAME", copy, key)
    assert keys.ledger in noticed
