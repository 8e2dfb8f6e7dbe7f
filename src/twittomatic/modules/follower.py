"""follower: all followers of a user, with their profiles from the same paid pages."""

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
    """Download a followers list to `.fws` and `.usr`, in the network's order, each id once.

    Raises:
        TwittomaticError: see `twittomatic.errors`; committed pages are kept.
    """
    if await reuse_existing(context, job, "fws", most=context.max_followers):
        return
    job = await continue_existing(context, job, _FILES)
    network = context.network
    spec = ListSpec(
        ask=lambda token, size: network.followers(job.user, token=token, size=size),
        page_size=network.followers_per_page,
        most=context.max_followers,
        split=_split,
        known=_known,
        keyed="fws",
        claimed=lambda counts: counts.followers,
        shortfall=None if network.counts_are_estimates else context.shortfall,
    )
    checkpoint = await Pager(context, job, spec, _FILES).run()
    await finish_job(context, job, checkpoint, _FILES)


def _split(ids: Sequence[str], records: Sequence[bytes]) -> dict[str, Sequence[bytes]]:
    """Leave out unreadable profiles: the analyzer buys them later if SELECT needs them."""
    return {"fws": "\n".join(ids).encode().split(b"\n"), "usr": [record for record in records if record]}


def _known(part: PartFile) -> Sequence[Ids]:
    return list(read_ids(part.path, size=part.state.size))
