"""timeline: a user's posts, newest first, as far back as the network serves them."""

from __future__ import annotations

from collections.abc import Sequence

from twittomatic.model import MODULES, Job, Module
from twittomatic.modules.context import Context
from twittomatic.modules.finish import finish_job
from twittomatic.modules.pager import ListSpec, Pager
from twittomatic.modules.reuse import continue_existing, reuse_existing
from twittomatic.storage.formats import Ids, read_lines, to_ids
from twittomatic.storage.part import PartFile
from twittomatic.storage.records import record_id_in

_FILES = MODULES[Module.TIMELINE].files


async def run(context: Context, job: Job) -> None:
    """Download a timeline to `.twt`, newest first, each post once, up to the network's ceiling.

    Raises:
        TwittomaticError: see `twittomatic.errors`; committed pages are kept.
    """
    if await reuse_existing(context, job, "twt", most=context.max_posts):
        return
    job = await continue_existing(context, job, _FILES)
    spec = posts(context, job, most=context.max_posts)
    checkpoint = await Pager(context, job, spec, _FILES).run()
    await finish_job(context, job, checkpoint, _FILES)


def posts(context: Context, job: Job, *, most: int | None, since_id: str | None = None) -> ListSpec:
    """Return the spec of a user's posts.

    Args:
        context: The worker's.
        job: The job on that user.
        most: Greatest number of posts to keep, None for all that the network serves.
        since_id: Keep only posts newer than this one; None for all.
    """
    network = context.network
    return ListSpec(
        ask=lambda token, size: network.timeline(job.user, token=token, since_id=since_id, size=size),
        page_size=network.posts_per_page,
        least=network.fewest_posts_per_page,
        most=most,
        ceiling=network.timeline_ceiling,
        grows_in_front=True,
        after=since_id,
        split=_split,
        known=_known,
        keyed="twt",
        claimed=lambda counts: counts.posts if since_id is None else None,
        shortfall=None if network.counts_are_estimates else context.shortfall,
    )


def _split(ids: Sequence[str], records: Sequence[bytes]) -> dict[str, Sequence[bytes]]:
    """Write an unreadable post as an object with only its id, so that the file still lists it."""
    return {
        "twt": [
            record or b'{"id":"%b"}' % number.encode() for number, record in zip(ids, records, strict=True)
        ]
    }


def _known(part: PartFile) -> Sequence[Ids]:
    return [to_ids([record_id_in(part.path, line) for line in read_lines(part.path, size=part.state.size)])]
