"""What need not be bought again: a list that stands in the dataset, whole and young enough."""

from __future__ import annotations

import asyncio
from pathlib import Path

from twittomatic.model import Checkpoint, Job
from twittomatic.modules.context import Context
from twittomatic.state.early import EarlyEnd


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
    final = context.layout.file(job.user_id, extension)
    if not await asyncio.to_thread(context.known_files.is_whole, final, most=most, since=context.oldest()):
        return False
    await context.jobs.complete(
        job,
        follows=context.follows(job.module),
        early=await asyncio.to_thread(_early_end, context, job, final, most),
        counters={f"kept:{job.module}": 1},
    )
    return True


def _early_end(context: Context, job: Job, final: Path, most: int | None) -> EarlyEnd | None:
    """Return how a list that is kept ended too early, which is as true of this crawl as of the one before."""
    entry = context.known_files.early(final)
    if entry is None or (most is not None and entry.lines >= most):
        return None
    return EarlyEnd(ending=entry.ending, lines=entry.lines, claimed=entry.claimed, depth=job.depth)
