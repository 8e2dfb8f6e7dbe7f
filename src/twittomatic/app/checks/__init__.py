"""What `doctor` checks: Python, the state server and its replicas, files, budget, API, credentials, clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from twittomatic.app.checks.machine import check_disk, check_files, check_python
from twittomatic.app.checks.network import check_api, check_budget, check_limits, check_prices
from twittomatic.app.checks.result import FAILED, OK, WARNING, CheckResult
from twittomatic.app.checks.server import check_replication, check_server
from twittomatic.settings import Settings

__all__ = ["FAILED", "OK", "WARNING", "CheckResult", "checks"]


async def checks(settings: Settings) -> AsyncIterator[CheckResult]:
    """Run every check, and yield each result as soon as it is known. Nothing is bought."""
    yield check_python()
    state = await check_server(settings)
    yield state
    if settings.redis_url and state.verdict != FAILED:
        async for result in check_replication(settings.redis_url):
            yield result
    yield await asyncio.to_thread(check_files, settings)
    yield await asyncio.to_thread(check_disk, settings)
    yield check_budget(settings)
    yield check_prices(settings)
    yield check_limits(settings)
    async for result in check_api(settings):
        yield result
