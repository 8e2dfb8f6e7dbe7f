"""Repair a dataset: bring it back to what its journal proves, and queue what is missing again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from twittomatic.app.connect import connected, process_name
from twittomatic.clock import SystemClock, rfc3339_ms, utc
from twittomatic.crawler.options import CrawlOptions
from twittomatic.errors import CorruptFile, TwittomaticError
from twittomatic.faultpoint import reach
from twittomatic.model import MODULES, Ending, Module, downloads, modules_of
from twittomatic.parsing import UNLIMITED_DEPTH
from twittomatic.settings import Settings
from twittomatic.state.admin import JobAdmin
from twittomatic.state.crawl import CrawlState
from twittomatic.state.embedded.server import Role, state_exists
from twittomatic.state.events import FileRepaired
from twittomatic.state.keys import CrawlKeys
from twittomatic.state.stream import EventStream
from twittomatic.storage.errors import translate_errors
from twittomatic.storage.journal import Entry
from twittomatic.storage.lock import exclusive
from twittomatic.storage.losses import MissingFile, find_missing, placed_files
from twittomatic.storage.paths import Layout
from twittomatic.storage.repair import Repair, Step

_NAMED = 5  # targets that a sentence holds; more go into a file


@dataclass
class _State:
    """The part of the crawl's state that a repair needs."""

    jobs: JobAdmin
    events: EventStream
    modules: str
    max_depth: int
    unfinished: set[str] = field(default_factory=set)


async def repair(
    settings: Settings, layout: Layout, report: Callable[[Step], None], say: Callable[[str], None]
) -> None:
    """Repair a dataset, and queue again what is missing of it.

    Args:
        settings: This process's settings.
        layout: The dataset.
        report: Called with each step once it is done, in a thread.
        say: Called with a sentence on what is missing, and on what was queued, at the end.

    Raises:
        TwittomaticError: a crawl is at work, or something cannot be read or written.
    """
    name = process_name("repair")
    with translate_errors(layout.journals):
        layout.journals.mkdir(exist_ok=True)
    with exclusive(layout.output):
        async with _state_of(settings, name) as state:
            if state:
                await _check_jobs(settings, layout, state, report)
            loop = asyncio.get_running_loop()

            def announce(entries: Sequence[Entry]) -> None:
                if state:
                    asyncio.run_coroutine_threadsafe(_announce(state.events, entries), loop).result()

            work = Repair(
                layout,
                unfinished=state.unfinished if state else (),
                depth=state.max_depth if state else 0,
                now=rfc3339_ms(utc(SystemClock().now())),
                worker=name,
                announce=announce,
            )

            def run() -> None:
                for step in work.run():
                    report(step)

            await asyncio.to_thread(run)
            reach("repair.dataset_done")
            missing = await asyncio.to_thread(find_missing, layout)
            if state:
                missing = await _requeue(settings, state, missing, say)
            sentences = await asyncio.to_thread(_advice, layout, [one for one in missing if not one.outdated])
            for sentence in sentences:
                say(sentence)


@asynccontextmanager
async def _state_of(settings: Settings, name: str) -> AsyncIterator[_State | None]:
    """Yield the state of the crawl, if there is one, once it is sure that no process works on it."""
    if not settings.redis_url and not state_exists(settings.state_directory):
        yield None
        return
    async with connected(settings, Role.VISIT, name) as connection:
        crawl = CrawlState(connection, CrawlKeys(settings.crawl))
        modules, options = await crawl.field("modules"), await crawl.field("options")
        if not modules:
            yield None
            return
        jobs = JobAdmin(connection, CrawlKeys(settings.crawl, modules))
        if working := await jobs.active_processes():
            raise TwittomaticError(
                f"Crawl “{settings.crawl}” is at work ({', '.join(working)}); stop it before you repair."
            )
        deepest = CrawlOptions.read(options).max_depth if options else 0
        # A target of unknown depth counts as the deepest: the users found from it wait in the frontier.
        yield _State(
            jobs=jobs,
            events=EventStream(connection, CrawlKeys(settings.crawl, modules)),
            modules=modules,
            max_depth=deepest if deepest < UNLIMITED_DEPTH else 0,
        )


async def _announce(events: EventStream, entries: Sequence[Entry]) -> None:
    """Send an event to the sinks for each file that was changed or lost."""
    await events.add(
        *[
            FileRepaired(file=entry.file, user_id=entry.user_id, is_gone=entry.ending is Ending.LOST)
            for entry in entries
            if entry.file
        ]
    )


async def _check_jobs(
    settings: Settings, layout: Layout, state: _State, report: Callable[[Step], None]
) -> None:
    """Restart jobs whose part files are gone; note the files that other jobs have yet to commit."""
    async for module, user_id, checkpoint in state.jobs.checkpoints():
        try:
            state.unfinished.update(
                await asyncio.to_thread(placed_files, layout, settings.crawl, module, user_id, checkpoint)
            )
        except CorruptFile:
            if await state.jobs.restart(module, user_id):
                reach("repair.begun_anew")
                sentence = "its part file does not match its checkpoint; the job starts again."
                report(Step(file=f"{module}:{user_id}", sentence=sentence))


async def _requeue(
    settings: Settings, state: _State, missing: Sequence[MissingFile], say: Callable[[str], None]
) -> list[MissingFile]:
    """Queue the missing lists; return those that the crawl has no module for."""
    jobs: dict[tuple[Module, str], MissingFile] = {}
    others = []
    for one in missing:
        module = _module(state.modules, one)
        if module:
            jobs.setdefault((module, one.user_id), one)
        else:
            others.append(one)
    queued, paid = 0, 0.0
    for (module, user_id), one in jobs.items():
        if await state.jobs.queue(module, user_id, one.depth):
            queued += 1
            paid += 0.0 if one.outdated else one.cost_usd
        reach("repair.requeued")
    if queued:
        say(
            f"Queued again: {queued:,} {'job' if queued == 1 else 'jobs'} of crawl “{settings.crawl}”, whose "
            f"lists cost ${paid:,.2f}; the same crawl command downloads them."
        )
    return others


def _module(modules: str, one: MissingFile) -> Module | None:
    """Return the module of a crawl that downloads a file; None when it has none.

    A module that replaces another comes first, and nothing else brings an outdated list up to date.
    """
    able = [module for module in modules_of(modules) if one.ext in MODULES[module].closes]
    able.sort(key=lambda module: MODULES[module].replaces is None)
    if one.outdated:
        able = [module for module in able if MODULES[module].replaces]
    return able[0] if able else None


def _advice(layout: Layout, missing: Sequence[MissingFile]) -> list[str]:
    """Return a sentence for each kind of list that no job will download, with the command that does."""
    sentences = []
    for module, spec in MODULES.items():
        costs = {one.user_id: one.cost_usd for one in missing if downloads(one.ext) is module}
        if not costs:
            continue
        targets = " ".join(costs)
        if len(costs) > _NAMED:
            path = layout.quarantine / f"{spec.list_name}.txt"
            with translate_errors(path):
                layout.quarantine.mkdir(exist_ok=True)
                path.write_text("".join(f"{user_id}\n" for user_id in costs))
            targets = str(path)
        sentences.append(
            f"Missing: the {spec.list_name} of {len(costs):,} {'user' if len(costs) == 1 else 'users'}, "
            f"which cost ${sum(costs.values()):,.2f}; "
            f"`twittomatic crawl -{spec.letter} {targets}` downloads them again."
        )
    return sentences
