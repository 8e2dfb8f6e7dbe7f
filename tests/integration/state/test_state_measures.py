"""The measures of a crawl and its status, read from the real server."""

from typing import Any

import msgspec
import pytest

from support.state import LedCrawl
from twittomatic.clock import rfc3339, utc
from twittomatic.crawler.options import CrawlOptions
from twittomatic.model import Checkpoint, HeldJob, Module, Phase, WorkerReport
from twittomatic.networks.base import Limit
from twittomatic.sinks.stats.measures import MEASURES, node
from twittomatic.state.account import Account
from twittomatic.state.connection import Connection
from twittomatic.state.keys import NetworkKeys
from twittomatic.state.permits import Permit
from twittomatic.state.status import CrawlStatus, JobCounts, read_status

OPTIONS = CrawlOptions(
    modules="TFA", traversal="bfs", max_depth=9, select="", priority="", max_followers=None, max_posts=None,
    expand_referenced=False, budget_usd=25, lease_s=30, max_attempts=6,
)  # fmt: skip


@pytest.fixture
async def busy(led: LedCrawl, connection: Connection) -> Any:
    """A crawl with a job done in part, a request paid, a window opened, and a worker that says so."""
    options = msgspec.structs.replace(OPTIONS, account=f"x@{led.keys.crawl}")
    await connection.call("HSET", led.keys.crawl_hash, "options", options.written())
    jobs = led.worker("w.1@host.77-abcdef")
    first, _ = await led.lease_new(jobs, (1, 2))
    await led.frontier.discover(["3", "4", "5"], 1)
    await jobs.commit(first, Checkpoint(part="a"), {"pages:follower": 1, "records:follower": 40})
    assert jobs.counted == {"pages:follower": 1, "records:follower": 40}
    money = Account(connection, NetworkKeys(options.account), budget=options.budget, horizon_s=60)
    permit = await money.acquire(
        "followers",
        {"app-12345678": Limit(requests=15, window_s=900)},
        price=10_000,
        wanted=100,
        fields=[f"module:{led.keys.crawl}:follower"],
    )
    assert isinstance(permit, Permit)
    await money.settle(permit, 400_000)
    await money.acquire("users", {"app-12345678": Limit(requests=9, window_s=900)}, price=10, wanted=5)
    report = WorkerReport(
        seen_at=await moment(connection),
        jobs=tuple(HeldJob(module=Module.FOLLOWER, user_id=user_id) for user_id in ("1", "2")),
        fetched=40,
        requests=1,
        credentials=("app-12345678",),
    )
    await jobs.heartbeat([], report)
    return led


async def moment(connection: Connection, earlier_s: int = 0) -> str:
    seconds, _ = await connection.call("TIME")
    return rfc3339(utc(int(seconds) - earlier_s))


async def read(led: LedCrawl) -> CrawlStatus:
    return await read_status(led.connection, led.keys.crawl, windows=True)


async def test_everything_is_seen(busy: Any) -> None:
    status = await read(busy)
    values = {measure.name: dict(measure.read(status)) for measure in MEASURES}
    assert status.phase is Phase.RUNNING
    assert values["fetched"] == {("timeline",): 0, ("follower",): 40, ("analyzer",): 0}
    assert values["requests"][("follower",)] == 1
    assert values["included"] == {(): 5}
    assert values["spent"] == {("timeline",): 0, ("follower",): 0.4, ("analyzer",): 0}
    assert values["account_spent"] == {(): 0.4}
    assert values["account_reserved"] == {(): 0.00005}
    assert values["budget"] == {(): 25}
    assert values["ready"] == {("timeline",): 0, ("follower",): 0, ("analyzer",): 0}
    assert values["ongoing"] == {("timeline",): 0, ("follower",): 2, ("analyzer",): 0}
    assert values["frontier"] == {(): 3}
    assert values["seen"] == {(): 5}
    assert values["window_left"] == {
        ("app-12345678", "followers"): 14,
        ("app-12345678", "users"): 8,
    }
    assert values["window_limit"][("app-12345678", "users")] == 9
    assert values["phase"] == {("idle",): 0, ("running",): 1, ("paused",): 0, ("finished",): 0}
    assert values["masters"] == values["workers"] == {(): 1}
    assert values["worker_ongoing"] == {("w.1@host",): 2}
    assert values["worker_fetched"] == {("w.1@host",): 40}
    assert values["worker_requests"] == {("w.1@host",): 1}


async def test_a_silent_worker_is_not_live(busy: Any, connection: Connection) -> None:
    gone = {"seen_at": await moment(connection, earlier_s=120), "lease_s": 30}
    await connection.call("HSET", busy.keys.workers, "gone", msgspec.json.encode(gone))
    status = await read(busy)
    assert list(status.workers) == ["gone", "w.1@host.77-abcdef"]
    assert list(status.live_workers) == ["w.1@host.77-abcdef"]


async def test_a_window_that_opened_again_is_whole(busy: Any, connection: Connection) -> None:
    keys = NetworkKeys(f"x@{busy.keys.crawl}")
    await connection.call("HSET", f"{keys.windows}app-12345678:followers", "reset", 1)
    window = next(one for one in (await read(busy)).windows if one.endpoint == "followers")
    assert (window.left, window.opens_in_s) == (15, 0)


async def test_there_is_nothing_before_a_crawl_begins(connection: Connection) -> None:
    assert not (await read_status(connection, "nobody-began-this")).is_begun


async def test_a_stream_that_no_worker_ever_read_has_nothing_leased(led: LedCrawl) -> None:
    await led.call("HSET", led.keys.crawl_hash, "options", OPTIONS.written())
    await led.call("XADD", led.keys.jobs("update"), "*", "u", "1", "d", "0")
    status = await read(led)
    assert status.jobs[Module.UPDATE] == JobCounts(ready=1)


def test_each_measure_is_declared_once_and_has_its_names() -> None:
    assert len({measure.name for measure in MEASURES}) == len(MEASURES)
    assert len({measure.prometheus for measure in MEASURES}) == len(MEASURES)
    for measure in MEASURES:
        assert measure.help.endswith(".")
        assert measure.name == node(measure.name)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("plain-name_1", "plain-name_1"),
        ("a.b/c d", "a_b_c_d"),
        ("../../etc", "______etc"),
        ("x 1 1700000000\ntwittomatic.y 2", "x_1_1700000000_twittomatic_y_2"),
        ("größe;tag=1", "gr__e_tag_1"),
        ("", "_"),
        ("x" * 500, "x" * 100),
    ],
)
def test_a_name_becomes_one_safe_node(name: str, safe: str) -> None:
    assert node(name) == safe
