"""Pause policy: an error that stops every worker pauses the crawl, any other stops one worker."""

from __future__ import annotations

from twittomatic.clock import rfc3339
from twittomatic.errors import CrawlMustPause, NoCredentialLeft
from twittomatic.state.account import Account
from twittomatic.state.crawl import CrawlState


class PausePolicy:
    """Pauses the crawl for a worker that the network stops.

    Args:
        crawl: The crawl.
        account: Account that knows the rejected credentials.
        worker: Name of the worker's process.
        options: Options of the crawl that it works with, as JSON. A crawl that was resumed with others, such
            as another account, is not paused for an error met with these.
        leads: Whether that process is also the master, without which the crawl cannot continue.
    """

    def __init__(
        self, crawl: CrawlState, account: Account, worker: str, options: str, *, leads: bool = False
    ) -> None:
        self._crawl = crawl
        self._account = account
        self._worker = worker
        self._options = options
        self._leads = leads

    async def pause(self, error: CrawlMustPause) -> bool:
        """Pause the crawl and return True, or return False if only this worker must stop.

        A rejected credential stops only workers that have no other one. Rejections are recorded before this
        check, so if all workers are rejected at once, the last to check pauses the crawl.
        """
        if isinstance(error, NoCredentialLeft) and not self._leads and await self._others_can_continue():
            return False
        until = rfc3339(error.until) if error.until else ""
        phase = await self._crawl.pause(str(error), until=until, by="network", options=self._options)
        return phase != "other"

    async def _others_can_continue(self) -> bool:
        rejected = await self._account.rejected()  # of this process's account, and read before the workers
        workers = (await self._crawl.status()).workers
        return any(
            {*worker.credentials} - {*rejected} for name, worker in workers.items() if name != self._worker
        )
