"""Whether the bytes are there that a job's checkpoint counts on."""

from __future__ import annotations

from twittomatic.errors import CorruptFile
from twittomatic.model import Checkpoint, Module
from twittomatic.storage.commit import begins_with, holds
from twittomatic.storage.paths import Layout


def placed_files(
    layout: Layout, crawl: str, module: Module, user_id: str, checkpoint: Checkpoint
) -> list[str]:
    """Return the files that a job has placed in the dataset and that may have no journal line yet.

    Args:
        layout: Of the dataset.
        crawl: Whose job it is.
        module: Of the job.
        user_id: Its target.
        checkpoint: Where the job stands.

    Raises:
        CorruptFile: bytes that the checkpoint counts on are gone: the job cannot go on from there.
        StorageUnavailable: a file cannot be read.
    """
    placed = []
    for ext, state in checkpoint.files.items():
        part, final = layout.part(crawl, checkpoint.part, ext), layout.file(user_id, ext)
        if state.size == 0 or begins_with(part, state):
            continue
        # An update puts its posts in front of older ones, so the file goes on behind them.
        is_there = begins_with if module is Module.UPDATE else holds
        if checkpoint.ended is None or not is_there(final, state):
            raise CorruptFile(f"{part}: not what the checkpoint counts on.")
        placed.append(layout.relative(final))
    return placed
