"""follower: everybody who follows a user, with their profiles from the same paid pages."""

from __future__ import annotations

from collections.abc import Sequence

from twittomatic.model import MODULES, Job, Module
from twittomatic.modules.context import Context
from twittomatic.modules.finish import finish_job
from twittomatic.modules.pager import ListSpec, Pager
from twittomatic.modules.reuse import continue_existing, reuse_existing
from twittomatic.storage.formats import Ids, read_ids
from twittomatic.storage.part import PartFile

_FILES = MODULES[Module.FOLLOWER].files


async def run(context: Context, job: Job) -> None:
    """Download a followers list to `.fws` and `.usr`, in the network's order, no id twice.

    Raises:
        TwittomaticError: see `twittomatic.errors`; what was committed stands.
    """
    if await reuse_existing(context, job, "fws", most=context.max_followers):
        return
    job = await continue_existing(context, job, _FILES)
    network = context.network
    listing = ListSpec(
        ask=lambda token, size: network.followers(job.user, token=token, size=size),
        page_size=network.followers_per_page,
        most=context.max_followers,
        split=_split,
        known=_known,
        keyed="fws",
        claimed=lambda counts: counts.followers,
        shortfall=None if network.counts_are_estimates else context.shortfall,
    )
    checkpoint = await Pager(context, job, listing, _FILES).run()
    await finish_job(context, job, checkpoint, _FILES)


def _split(ids: Sequence[str], records: Sequence[bytes]) -> dict[str, Sequence[bytes]]:
    """Leave a profile out that cannot be read: the analyzer then buys it where SELECT needs it."""
    return {"fws": "\n".join(ids).encode().split(b"\n"), "usr": [record for record in records if record]}


def _known(part: PartFile) -> Sequence[Ids]:
    return list(read_ids(part.path, size=part.state.size))
