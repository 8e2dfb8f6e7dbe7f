"""update: the posts that are newer than a timeline's newest one, in front of it."""

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
    """Bring a timeline up to date: whole, or not at all. A user without one gets it as `timeline` does.

    MAX_POSTS does not cut an update, which would leave a gap between the new posts and the old ones.

    Raises:
        TwittomaticError: see `twittomatic.errors`; what was committed stands.
    """
    final = context.layout.file(job.user_id, "twt")
    newest = await asyncio.to_thread(_newest, final)
    if not _goes_on(job.checkpoint, newest):
        job = msgspec.structs.replace(job, checkpoint=Checkpoint())
    if newest is None:
        listing = posts(context, job, most=context.max_posts)
        checkpoint = await Pager(context, job, listing, _FILES).run()
        await finish_job(context, job, checkpoint, _FILES)
        return
    checkpoint = job.checkpoint
    if checkpoint.ended is None:
        begun = msgspec.structs.replace(job, checkpoint=msgspec.structs.replace(checkpoint, since_id=newest))
        listing = posts(context, job, most=None, since_id=newest)
        checkpoint = await Pager(context, begun, listing, _FILES).run()
    else:
        checkpoint = await _reclaim(context, job, checkpoint, final)
        newest = await asyncio.to_thread(_newest, final)
    state: FileState | None
    if newest == checkpoint.first_id:  # placed by an attempt that died
        state = await asyncio.to_thread(measured, final)
    else:
        if _has_news(checkpoint):
            checkpoint = await in_order(context, job, checkpoint)
        try:
            async with or_lease_lost(context, job, checkpoint):
                state = await to_thread_shielded(_commit, context, checkpoint, final)
        except _OvertakenError:  # it has these posts already, or else they are asked for again
            await asyncio.to_thread(remove_parts, context, checkpoint.part, _FILES)
            await run(context, msgspec.structs.replace(job, checkpoint=Checkpoint()))
            return
    await _complete(context, job, checkpoint, final, state)


def _goes_on(checkpoint: Checkpoint, newest: str | None) -> bool:
    """Tell whether a list that was begun can still be placed: the timeline before which it comes is there.

    Where that was replaced or removed meanwhile, the new posts alone would pass for all of them.
    """
    placed = (
        checkpoint.ended is not None and checkpoint.first_id is not None and checkpoint.first_id == newest
    )
    return placed or checkpoint.since_id == newest


def _newest(final: Path) -> str | None:
    """Return the greatest id in a timeline, None when there is no timeline or no post in it."""
    return order_at_front(final).newest


async def _reclaim(context: Context, job: Job, checkpoint: Checkpoint, final: Path) -> Checkpoint:
    """Take the part file of an attempt that was given up, so that it can place no more should it wake up."""
    mine = msgspec.structs.replace(checkpoint, ended_at=context.moment())
    if _has_news(checkpoint):
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


def _has_news(checkpoint: Checkpoint) -> bool:
    """Tell whether a list that has ended holds posts to be placed; one that broke off would leave a gap."""
    return checkpoint.ended is not Ending.UNAVAILABLE and any(one.lines for one in checkpoint.files.values())


class _OvertakenError(Exception):
    """Another crawl replaced the timeline while this one asked for what is newer."""


def _commit(context: Context, checkpoint: Checkpoint, final: Path) -> FileState | None:
    """Put the new posts in front of the old ones; None when nothing is new, and the file stays as it is.

    The compressed bytes of the old ones are copied, unless they are out of order and to be sorted.

    Raises:
        _OvertakenError: the timeline is not the one before which the new posts come.
    """
    if not _has_news(checkpoint):
        remove_parts(context, checkpoint.part, _FILES)
        return None
    new = checkpoint.files["twt"]
    part = context.layout.part(context.crawl, checkpoint.part, "twt")
    with PartFile.take_over(part, part, new) as file:
        there, order = _identity(final), order_at_front(final)
        if order.newest != checkpoint.since_id:
            raise _OvertakenError
        if order.kept:
            state = prepend(file, final, context.known_files.state(final))
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


def _of_both(context: Context, checkpoint: Checkpoint, final: Path) -> Checkpoint:
    """Return why the list of new and old posts ends where it does: an update does not mend what was cut.

    Where the old ones can be gone on with, they still can, unless the new ones ended too early: between them
    posts may be missing then, for which the token does not ask.
    """
    before, now = context.known_files.ending(final), checkpoint.ended or Ending.COMPLETE
    early = context.known_files.early(final) if now not in EARLY else None
    return msgspec.structs.replace(
        checkpoint,
        ended=now if now in EARLY or before not in (Ending.CUT, *EARLY, Ending.UNAVAILABLE) else before,
        token=early.token if early else None,
        claimed=early.claimed if early else checkpoint.claimed,
    )


async def _complete(
    context: Context, job: Job, checkpoint: Checkpoint, final: Path, state: FileState | None
) -> None:
    """Write the journal line, which without a file says when nothing was new, and complete the job."""
    file = context.layout.relative(final)
    early = early_end(job, checkpoint, state.lines) if state else None
    if state:
        checkpoint = await asyncio.to_thread(_of_both, context, checkpoint, final)
    line = journal_entry(context, job, checkpoint, file if state else None, state or FileState())
    await asyncio.to_thread(context.journal.append, line)
    if state:
        context.known_files.learn(line)
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
