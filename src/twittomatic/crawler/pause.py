"""What stops everybody pauses the crawl; what stops one worker alone stops that worker."""

from __future__ import annotations

from twittomatic.clock import rfc3339
from twittomatic.errors import CrawlMustPause, NoCredentialLeft
from twittomatic.state.account import Money
from twittomatic.state.crawl import CrawlState


class PausePolicy:
    """Pauses the crawl for a worker that the network stops.

    Args:
        crawl: The crawl.
        money: Knows the refused credentials.
        worker: Name of the worker's process.
        leads: Whether the master is in it too: then the crawl does not go on without it.
    """

    def __init__(self, crawl: CrawlState, money: Money, worker: str, *, leads: bool = False) -> None:
        self._crawl = crawl
        self._money = money
        self._worker = worker
        self._leads = leads

    async def pause(self, error: CrawlMustPause) -> bool:
        """Pause the crawl, and return True; False where only this worker is to leave.

        Refused credentials stop the worker that has no others, and not those that do. A refusal is written
        down before this is asked, so of workers that meet it in one moment the last to ask pauses the crawl.
        """
        if isinstance(error, NoCredentialLeft) and not self._leads and await self._others_go_on():
            return False
        await self._crawl.pause(str(error), until=rfc3339(error.until) if error.until else "", by="network")
        return True

    async def _others_go_on(self) -> bool:
        rejected = await self._money.rejected()  # of this process' account, and before the workers are read
        workers = (await self._crawl.status()).workers
        return any(
            {*worker.credentials} - {*rejected} for name, worker in workers.items() if name != self._worker
        )
