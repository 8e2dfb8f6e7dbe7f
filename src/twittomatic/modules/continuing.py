"""Continue a list in the dataset that ended too early, at the pagination token that the journal keeps."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from twittomatic.errors import CorruptFile
from twittomatic.model import Checkpoint, Job
from twittomatic.modules.context import Context
from twittomatic.modules.pager import new_stem
from twittomatic.modules.threads import to_its_end
from twittomatic.storage.journal import Entry
from twittomatic.storage.ordering import order_of
from twittomatic.storage.part import PartFile


async def continued(context: Context, job: Job, extensions: Sequence[str]) -> Job:
    """Return a job that begins where its list in the dataset ended, or the job as it is.

    What is there is copied into part files, and the new file replaces the old one when it is whole, so no
    record is bought or written twice. A list that is older than REFRESH_OLDER_THAN is bought anew.

    Args:
        context: Of the worker.
        job: Held by the caller; its file was found to lack records.
        extensions: The files of its list, the list itself last.

    Raises:
        LeaseLost: the job is somebody else's.
        StorageUnavailable: the files cannot be read or copied.
    """
    if job.checkpoint != Checkpoint():
        return job
    final = context.layout.file(job.user_id, extensions[-1])
    entry = await asyncio.to_thread(context.known_files.unfinished, final, since=context.oldest())
    if entry is None:
        return job
    try:
        checkpoint = await to_its_end(_copied, context, job, entry, extensions)
    except CorruptFile:  # which `verify` names; the list is bought anew
        return job
    await context.jobs.commit(job, checkpoint, {})
    return msgspec.structs.replace(job, checkpoint=checkpoint)


def _copied(context: Context, job: Job, entry: Entry, extensions: Sequence[str]) -> Checkpoint:
    stem, files = new_stem(job), {}
    for ext in extensions:
        final = context.layout.file(job.user_id, ext)
        part = context.layout.part(context.crawl, stem, ext)
        with PartFile.take_over(part, final, context.known_files.state(final)) as file:
            files[ext] = file.state
    checkpoint = Checkpoint(
        part=stem,
        files=files,
        token=entry.token,
        began_at=context.now(),
        claimed=entry.claimed,
        first_id=entry.first_id,
        last_id=entry.last_id,
        continues=entry.ending,
    )
    if "twt" not in extensions:
        return checkpoint
    order = order_of(context.layout.file(job.user_id, "twt"))
    return msgspec.structs.replace(
        checkpoint, first_id=order.newest, last_id=order.oldest, unordered=not order.kept
    )
