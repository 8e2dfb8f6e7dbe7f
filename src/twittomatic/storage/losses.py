"""Lost bytes: files to be downloaded again, and checkpoints whose part files are gone."""

from __future__ import annotations

import msgspec

from twittomatic.errors import CorruptFile
from twittomatic.model import MODULES, Checkpoint, Ending, Module
from twittomatic.storage.commit import begins_with, holds
from twittomatic.storage.defects import is_file
from twittomatic.storage.journal import Entry, age, read_journal
from twittomatic.storage.paths import Layout


class MissingFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file to be downloaded again.

    Attributes:
        user_id: Its target.
        ext: Its extension.
        depth: Hops of the target from a seed.
        cost_usd: Dollars that it cost; for profiles, what their list cost, since they came with it.
        outdated: Whether the file exists, but is a timeline whose newest posts are lost.
    """

    user_id: str
    ext: str
    depth: int
    cost_usd: float
    outdated: bool


def find_missing(layout: Layout) -> list[MissingFile]:
    """Return the files that a repair found lost and that nothing has replaced since, sorted by file.

    A list is replaced by a newer file, or by a journal line that says that the network no longer has it.
    """
    newest: dict[str, Entry] = {}
    bought: dict[str, Entry] = {}
    closed: dict[tuple[str, str], str] = {}
    for entry in read_journal(layout):
        if entry.file is None:
            for ext in MODULES[entry.module].closes:
                key = entry.user_id, ext
                closed[key] = max(closed.get(key, ""), age(entry)[0])
            continue
        for entries in (newest, bought) if entry.repaired_at is None else (newest,):
            if entry.file not in entries or age(entry) >= age(entries[entry.file]):
                entries[entry.file] = entry
    return [
        MissingFile(
            user_id=entry.user_id,
            ext=file.rpartition(".")[2],
            depth=entry.depth,
            cost_usd=_cost(file, bought),
            outdated=entry.ending is not Ending.LOST,
        )
        for file, entry in sorted(newest.items())
        if _is_open(layout, file, entry, bought.get(file))
        and age(entry)[0] > closed.get((entry.user_id, file[-3:]), "")
    ]


def _cost(file: str, bought: dict[str, Entry]) -> float:
    entry = bought.get(file.replace(".usr", ".fws"))
    return entry.cost_usd if entry else 0.0


def _is_open(layout: Layout, file: str, entry: Entry, bought: Entry | None) -> bool:
    if entry.repaired_at is None:
        return False
    if entry.ending is Ending.LOST:
        return not is_file(layout.output / file)
    # A repair that sorted posts lost none of them, and repeats the time of the newest line.
    return file.endswith(".twt") and bought is not None and age(bought)[0] > entry.ended_at.rstrip("Z")


def placed_files(
    layout: Layout, crawl: str, module: Module, user_id: str, checkpoint: Checkpoint
) -> list[str]:
    """Return the files that a job has placed in the dataset and that may not have a journal line yet.

    Args:
        layout: The dataset.
        crawl: The crawl's name.
        module: The job's module.
        user_id: The job's target.
        checkpoint: The job's newest one.

    Raises:
        CorruptFile: bytes that the checkpoint counts on are gone: the job cannot continue.
        StorageUnavailable: a file cannot be read.
    """
    placed = []
    for ext, state in checkpoint.files.items():
        part, final = layout.part(crawl, checkpoint.part, ext), layout.file(user_id, ext)
        if state.size == 0 or begins_with(part, state):
            continue
        # An update puts its posts in front of the older ones, so other bytes follow them in the file.
        is_there = begins_with if MODULES[module].replaces else holds
        if checkpoint.ended is None or not is_there(final, state):
            raise CorruptFile(f"{part}: not what the checkpoint counts on.")
        placed.append(layout.relative(final))
    return placed
