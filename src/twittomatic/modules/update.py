"""update: downloads posts newer than a timeline's newest one and puts them in front of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from twittomatic.errors import CorruptFile
from twittomatic.faultpoint import reach
from twittomatic.model import EARLY, MODULES, Checkpoint, Ending, FileState, Job, Module
from twittomatic.modules.context import Context
from twittomatic.modules.finish import (
    committed_event,
    early_end,
    finish_job,
    in_order,
    journal_entry,
    or_lease_lost,
)
from twittomatic.modules.pager import Pager, new_stem, remove_parts
from twittomatic.modules.threads import to_thread_shielded
from twittomatic.modules.timeline import posts
from twittomatic.state.events import Event, TargetClosed
from twittomatic.storage.commit import commit, measured, prepend
from twittomatic.storage.errors import translate_errors
from twittomatic.storage.order import append_in_order, order_at_front
from twittomatic.storage.part import PartFile

_FILES = MODULES[Module.UPDATE].files


async def run(context: Context, job: Job) -> None:
    """Bring a timeline completely up to date, or leave it; download it as `timeline` does if there is none.

    MAX_POSTS does not cut an update, because that would leave a gap between the new posts and the old ones.

    Raises:
        TwittomaticError: see `twittomatic.errors`; committed pages are kept.
    """
    final = context.layout.file(job.user_id, "twt")
    newest = await asyncio.to_thread(_newest, final)
    if not _can_continue(job.checkpoint, newest):
        job = msgspec.structs.replace(job, checkpoint=Checkpoint())
    if newest is None:
        spec = posts(context, job, most=context.max_posts)
        checkpoint = await Pager(context, job, spec, _FILES).run()
        await finish_job(context, job, checkpoint, _FILES)
        return
    checkpoint = job.checkpoint
    if checkpoint.ended is None:
        begun = msgspec.structs.replace(job, checkpoint=msgspec.structs.replace(checkpoint, since_id=newest))
        spec = posts(context, job, most=None, since_id=newest)
        checkpoint = await Pager(context, begun, spec, _FILES).run()
    else:
        checkpoint = await _reclaim(context, job, checkpoint, final)
        newest = await asyncio.to_thread(_newest, final)
    state: FileState | None
    if newest == checkpoint.first_id:  # an attempt that died had placed it
        state = await asyncio.to_thread(measured, final)
    else:
        if _has_new_posts(checkpoint):
            checkpoint = await in_order(context, job, checkpoint)
        try:
            async with or_lease_lost(context, job, checkpoint):
                state = await to_thread_shielded(_commit, context, checkpoint, final)
        except _OvertakenError:  # the new file has these posts already, or they are requested again
            await asyncio.to_thread(remove_parts, context, checkpoint.part, _FILES)
            await run(context, msgspec.structs.replace(job, checkpoint=Checkpoint()))
            return
    await _complete(context, job, checkpoint, final, state)


def _can_continue(checkpoint: Checkpoint, newest: str | None) -> bool:
    """Return whether a list that was begun can still be placed: the timeline that it precedes is unchanged.

    If that was replaced or removed meanwhile, the new posts alone would be taken for the whole timeline.
    """
    placed = (
        checkpoint.ended is not None and checkpoint.first_id is not None and checkpoint.first_id == newest
    )
    return placed or checkpoint.since_id == newest


def _newest(final: Path) -> str | None:
    """Return the greatest id in a timeline, None if there is no timeline or no post in it."""
    return order_at_front(final).newest


async def _reclaim(context: Context, job: Job, checkpoint: Checkpoint, final: Path) -> Checkpoint:
    """Copy the part file of an earlier attempt, so that the attempt cannot place it if it wakes up."""
    mine = msgspec.structs.replace(checkpoint, ended_at=context.journal_time())
    if _has_new_posts(checkpoint):
        mine = msgspec.structs.replace(mine, part=new_stem(job))
        before, after = (context.layout.part(context.crawl, one.part, "twt") for one in (checkpoint, mine))
        try:
            await to_thread_shielded(_take_over, after, before, checkpoint.files["twt"])
        except CorruptFile:
            if await asyncio.to_thread(_newest, final) != checkpoint.first_id:
                raise
            mine = msgspec.structs.replace(mine, part=checkpoint.part)
    await context.jobs.commit(job, mine, {})
    if mine.part != checkpoint.part:
        await asyncio.to_thread(remove_parts, context, checkpoint.part, _FILES)
    return mine


def _take_over(path: Path, predecessor: Path, state: FileState) -> None:
    PartFile.take_over(path, predecessor, state).close()


def _has_new_posts(checkpoint: Checkpoint) -> bool:
    """Return whether an ended list has posts to be placed; one that broke off would leave a gap."""
    return checkpoint.ended is not Ending.UNAVAILABLE and any(one.lines for one in checkpoint.files.values())


class _OvertakenError(Exception):
    """Another crawl replaced the timeline while this one requested newer posts."""


def _commit(context: Context, checkpoint: Checkpoint, final: Path) -> FileState | None:
    """Put the new posts in front of the old ones; return None if there are none, and the file is unchanged.

    The compressed bytes of the old posts are copied, unless they are out of order and have to be sorted.

    Raises:
        _OvertakenError: the timeline is no longer the one that the new posts precede.
    """
    if not _has_new_posts(checkpoint):
        remove_parts(context, checkpoint.part, _FILES)
        return None
    new = checkpoint.files["twt"]
    part = context.layout.part(context.crawl, checkpoint.part, "twt")
    with PartFile.take_over(part, part, new) as file:
        there, order = _identity(final), order_at_front(final)
        if order.newest != checkpoint.since_id:
            raise _OvertakenError
        if order.kept:
            state = prepend(file, final, context.complete_lists.state(final))
        else:
            state = append_in_order(file, final)
    if _identity(final) != there:
        raise _OvertakenError
    commit(part, final, size=state.size)
    return state


def _identity(path: Path) -> tuple[int, int, int]:
    with translate_errors(path):
        status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _combined_ending(context: Context, checkpoint: Checkpoint, final: Path) -> Checkpoint:
    """Return the checkpoint with the ending of the combined list: an update does not complete a cut list.

    If the old list could be continued, it still can, unless the new posts ended too early: then posts may be
    missing between the two, and the old token does not lead to them.
    """
    before, now = context.complete_lists.ending(final), checkpoint.ended or Ending.COMPLETE
    early = context.complete_lists.early(final) if now not in EARLY else None
    return msgspec.structs.replace(
        checkpoint,
        ended=now if now in EARLY or before not in (Ending.CUT, *EARLY, Ending.UNAVAILABLE) else before,
        token=early.token if early else None,
        claimed=early.claimed if early else checkpoint.claimed,
    )


async def _complete(
    context: Context, job: Job, checkpoint: Checkpoint, final: Path, state: FileState | None
) -> None:
    """Write the journal line and complete the job; a line without a file says when nothing was new."""
    file = context.layout.relative(final)
    early = early_end(job, checkpoint, state.lines) if state else None
    if state:
        checkpoint = await asyncio.to_thread(_combined_ending, context, checkpoint, final)
    line = journal_entry(context, job, checkpoint, file if state else None, state or FileState())
    await asyncio.to_thread(context.journal.append, line)
    if state:
        context.complete_lists.learn(line)
    reach("job.closed")
    events: list[Event] = []
    if state:
        events.append(committed_event(job, checkpoint, file, state, new=checkpoint.files["twt"]))
    elif checkpoint.reason:
        events.append(TargetClosed(module=job.module, user_id=job.user_id, reason=checkpoint.reason))
    await context.jobs.complete(
        job,
        early=early,
        events=events,
        counters={f"files:{job.module}": len(events)},
    )
