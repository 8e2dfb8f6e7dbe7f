"""What need not be bought again: a list that stands in the dataset, whole and young enough."""

from __future__ import annotations

import asyncio

from twittomatic.model import Checkpoint, Job
from twittomatic.modules.context import Context


async def kept(context: Context, job: Job, extension: str, *, most: int | None) -> bool:
    """Complete a job without a request where its file holds all that it would download.

    A job that has begun goes on: its pages are paid, and its file is older than they.

    Args:
        context: Of the worker.
        job: Held by the caller.
        extension: Of the file, without the dot.
        most: Records that would be kept, None for all.

    Returns:
        Whether the job is complete.
    """
    if job.checkpoint != Checkpoint():
        return False
    final, refresh = context.layout.file(job.user_id, extension), context.refresh_older_than
    since = None if refresh is None else context.clock.now() - refresh
    if not await asyncio.to_thread(context.known_files.is_whole, final, most=most, since=since):
        return False
    follows = context.follows(job.module)
    await context.jobs.complete(job, follows=follows, counters={f"kept:{job.module}": 1})
    return True
