"""Stops that are not limits: the whole crawl pauses at once, with the reason, and resumes without loss."""

from typing import Any

import pytest
from aiohttp import web

from support.crawl import Emulate, LocalCrawl
from twittomatic.emulator import GraphWorld
from twittomatic.emulator.faults.base import NoFaults, RequestInfo
from twittomatic.model import Phase

LISTS = {1: 2500, 2: 1200, 3: 30, 4: 1001, 5: 999, 6: 3000}
STOPS = [
    (
        402,
        {"title": "CreditsDepleted", "detail": "No credits.", "type": "https://api.x.com/2/problems/credits"},
        "No credits",
        "",
    ),
    (402, {"title": "Payment Required", "status": 402, "detail": "credits depleted"}, "credits depleted", ""),
    (
        403,
        {
            "title": "SpendCapReached",
            "detail": "Your account reached its billing cycle spend cap.",
            "reset_date": "2026-12-13",
            "type": "https://api.twitter.com/2/problems/credits",
        },
        "spend cap",
        "2026-12-13T00:00:00Z",
    ),
    (
        429,
        {
            "title": "UsageCapExceeded",
            "detail": "Usage cap exceeded: Monthly product cap",
            "period": "Monthly",
            "type": "https://api.twitter.com/2/problems/usage-capped",
        },
        "Monthly product cap",
        "",
    ),
    (
        403,
        {
            "title": "Client Forbidden",
            "detail": "Attach the app to a project.",
            "reason": "client-not-enrolled",
            "type": "https://api.twitter.com/2/problems/client-forbidden",
        },
        "Attach the app to a project",
        "",
    ),
]


class StopsAfter(NoFaults):
    """Answers some requests for followers, and then the same refusal for ever, until it is lifted."""

    def __init__(self, count: int, status: int, body: dict[str, Any]) -> None:
        self.left = count
        self.refused = 0
        self._status = status
        self._body = body

    async def before(self, info: RequestInfo, request: web.Request) -> web.StreamResponse | None:
        if info.endpoint != "followers":
            return None
        self.left -= 1
        if self.left >= 0:
            return None
        self.refused += 1
        return web.json_response(self._body, status=self._status)


@pytest.mark.parametrize(("status", "body", "said", "until"), STOPS)
async def test_a_stop_pauses_the_crawl_and_nothing_is_lost(
    local: LocalCrawl, emulate: Emulate, status: int, body: dict[str, Any], said: str, until: str
) -> None:
    edges = [(star, 10_000 * star + i) for star, count in LISTS.items() for i in range(count)]
    stop = StopsAfter(5, status, body)
    emulator = await emulate(GraphWorld(edges, seed=1), faults=stop)
    progress = await local.crawl("F", list(LISTS))
    assert (progress.phase, progress.paused_by) == (Phase.PAUSED, "network")
    assert said in progress.reason
    assert progress.until == (until or None)
    assert stop.refused <= 8  # one of each job in flight, and none again
    assert local.spent == emulator.bill.micro_dollars
    stop.left = 10**9
    progress = await local.crawl("F", list(LISTS))
    assert progress.phase is Phase.FINISHED
    for star, count in LISTS.items():
        assert local.followers(star) == [10_000 * star + i for i in range(count)]
    assert emulator.report()["repeated_pages"] == 0
    assert local.spent == emulator.bill.micro_dollars == sum(LISTS.values()) * 10_000
    local.check()
