"""Defects of one dataset file, found by its newest journal line and its records."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from enum import Enum, auto
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from twittomatic.errors import CorruptFile, StorageError
from twittomatic.model import NO_JSON, Ending
from twittomatic.storage.errors import translate_errors
from twittomatic.storage.formats import Ids, read_ids, read_lines, to_ids
from twittomatic.storage.idset import IdSet
from twittomatic.storage.index import Line
from twittomatic.storage.io import checksum
from twittomatic.storage.journal import Entry
from twittomatic.storage.paths import Layout
from twittomatic.storage.records import decimal_id

_BATCH_LINES = 1000


class DefectKind(Enum):
    """Kind of a defect, by what a repair does about it."""

    UNPROVED = auto()  # the journal does not prove the bytes of the file
    STRANGERS = auto()  # profiles that do not belong to the list beside them
    DISORDER = auto()  # an id twice, or posts that are not newest first
    COUNT = auto()  # the bytes are proved, but not the number of lines
    BROKEN = auto()  # the file cannot be read


class Defect(NamedTuple):
    """One defect of a file."""

    kind: DefectKind
    sentence: str


def may_be_transient(found: Collection[Defect]) -> bool:
    """Return whether a commit in progress explains all defects: a file precedes its journal line."""
    kinds = {one.kind for one in found}
    if DefectKind.UNPROVED in kinds:
        kinds.discard(DefectKind.COUNT)
    return kinds <= {DefectKind.UNPROVED, DefectKind.STRANGERS}


def find_defects(layout: Layout, path: Path, entry: Entry | Line | None) -> Iterator[Defect]:
    """Yield the defects of an existing file.

    Args:
        layout: The dataset.
        path: The file.
        entry: Its newest journal line, None if there is none.
    """
    if entry is None:
        yield Defect(DefectKind.UNPROVED, "has no line in the journal.")
    elif entry.ending is Ending.LOST:
        yield Defect(DefectKind.UNPROVED, "exists, though the journal says that it is lost.")
        entry = None
    try:
        if entry is not None:
            yield from _of_bytes(path, entry)
        yield from record_defects(layout, path, entry)
    except StorageError as error:
        yield Defect(DefectKind.BROKEN, str(error).removeprefix(f"{path}: "))


def _of_bytes(path: Path, entry: Entry | Line) -> Iterator[Defect]:
    with translate_errors(path):
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            size = os.fstat(descriptor).st_size
            crc = f"{checksum(descriptor, size):08x}"
        finally:
            os.close(descriptor)
    if size != entry.bytes:
        yield Defect(DefectKind.UNPROVED, f"has {size} bytes, the journal says {entry.bytes}.")
    elif crc != entry.crc32:
        yield Defect(DefectKind.UNPROVED, f"its CRC-32 is {crc}, the journal says {entry.crc32}.")


def record_defects(layout: Layout, path: Path, entry: Entry | Line | None) -> Iterator[Defect]:
    """Yield the defects of a file's records.

    Raises:
        CorruptFile: the records cannot be read.
        StorageUnavailable: the file cannot be read.
    """
    ext = path.suffix[1:]
    followers = _followers(layout, path) if ext == "usr" else None
    seen = IdSet()
    lines = repeated = rising = strangers = 0
    newer = np.empty(0, np.uint64)
    for ids in _ids(path, ext):
        lines += len(ids)
        repeated += int(np.count_nonzero(~seen.add(ids)))
        if ext == "twt":
            ordered = np.concatenate([newer, ids])
            rising += int(np.count_nonzero(ordered[1:] > ordered[:-1]))
            newer = ids[-1:]
        if followers is not None:
            strangers += int(np.count_nonzero(~followers.contains(ids)))
    if entry is not None and lines != entry.lines:
        yield Defect(DefectKind.COUNT, f"has {lines} lines, the journal says {entry.lines}.")
    if repeated:
        yield Defect(DefectKind.DISORDER, f"{repeated} lines repeat an id.")
    if rising:
        yield Defect(DefectKind.DISORDER, f"{rising} posts are newer than the one before them.")
    if ext == "usr" and not is_file(layout.file(path.stem, "fws")):
        yield Defect(DefectKind.STRANGERS, f"profiles of followers, but there is no {path.stem}.fws.")
    elif strangers:
        yield Defect(
            DefectKind.STRANGERS, f"{strangers} profiles are of users who are not in {path.stem}.fws."
        )


def _followers(layout: Layout, profiles: Path) -> IdSet | None:
    """Read the list beside a file of profiles; None if it is broken, which is a defect of the list."""
    followers = IdSet()
    path = layout.file(profiles.stem, "fws")
    if is_file(path):
        try:
            for ids in read_ids(path):
                followers.add(ids)
        except StorageError:
            return None
    return followers


def _ids(path: Path, ext: str) -> Iterator[Ids]:
    """Yield the ids of a dataset file in order; raise CorruptFile at an invalid record."""
    if ext == "fws":
        yield from read_ids(path)
        return
    lines = enumerate(read_lines(path), start=1)
    while batch := [_id_of(path, number, line) for number, line in islice(lines, _BATCH_LINES)]:
        yield to_ids(batch)


def _id_of(path: Path, number: int, line: bytes) -> str:
    try:
        return decimal_id(line)
    except NO_JSON:
        raise CorruptFile(f"{path}: line {number} is not a JSON object with a decimal id.") from None


def is_file(path: Path) -> bool:
    """Return whether a path is a file; False if that cannot be seen."""
    try:
        return path.is_file()
    except OSError:  # in a directory without permission
        return False
