"""Holds the dataset against its journal, byte by byte and record by record."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np

from twittomatic.errors import CorruptFile, StorageError
from twittomatic.model import NO_JSON, Ending
from twittomatic.storage.copying import checksum
from twittomatic.storage.failures import guarded
from twittomatic.storage.formats import Ids, read_ids, read_lines, to_ids
from twittomatic.storage.idset import IdSet
from twittomatic.storage.journal import Entry, latest, read_journal
from twittomatic.storage.paths import EXTENSIONS, Layout

_BATCH_LINES = 1000
NOBODYS = "profiles of nobody who follows:"
"""How the sentence about a file of profiles begins that does not belong to the list beside it."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is not as it was committed.

    Attributes:
        file: Path relative to OUTPUT_DIRECTORY.
        sentence: What is wrong with it, printable, on one line.
    """

    file: str
    sentence: str


class _Record(msgspec.Struct):
    id: Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{1,19}\Z")]


_decode = msgspec.json.Decoder(_Record).decode


def verify(layout: Layout) -> Iterator[Problem]:
    """Yield every problem of a dataset, as it is found; whatever stands there, it does not fail.

    Every file: size, CRC-32 and lines as its newest journal line says, gzip whole, records valid, no id
    twice. Timelines: newest first. Profiles: beside a list, and of those on it only. The journal: every line
    an entry, every file there. Nothing beside the files that a reader would take for one of them.
    The memory it takes grows with the ids of the largest file, 8 bytes each, not with its bytes.

    Args:
        layout: The dataset; nothing in it is changed.
    """
    torn: list[Problem] = []

    def note(path: Path, number: int, sentence: str) -> None:
        torn.append(problem(layout, path, f"line {number}: {sentence}" if number else sentence))

    newest = latest(read_journal(layout, note))
    yield from torn
    unlisted: set[str] = set()
    for ext in EXTENSIONS:
        try:
            for path in layout.files(ext):
                entry = newest.pop(layout.relative(path), None)
                for sentence in trouble(layout, path, entry):
                    yield problem(layout, path, sentence)
        except StorageError as error:
            unlisted.add(str(error))
    try:
        for path in layout.strays():
            yield problem(layout, path, "is no file of the dataset, though a reader may take it for one.")
    except StorageError as error:
        unlisted.add(str(error))
    for sentence in sorted(unlisted):
        yield problem(layout, layout.output, sentence)
    for file, entry in sorted(newest.items()):
        if entry.ending is not Ending.LOST and not is_file(layout.output / file):
            yield Problem(file=file, sentence="missing, though the journal has a line for it.")


def trouble(layout: Layout, path: Path, entry: Entry | None) -> Iterator[str]:
    """Yield what is wrong with a file that is there, a sentence each.

    Args:
        layout: The dataset.
        path: Of the file.
        entry: Its newest journal line.
    """
    if entry is None:
        yield "has no line in the journal."
    elif entry.ending is Ending.LOST:
        yield "is there, though the journal says that it is lost."
        entry = None
    try:
        if entry is not None:
            yield from _of_bytes(path, entry)
        yield from of_records(layout, path, entry)
    except StorageError as error:
        yield str(error).removeprefix(f"{path}: ")


def _of_bytes(path: Path, entry: Entry) -> Iterator[str]:
    with guarded(path), path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        crc = f"{checksum(file.fileno(), size):08x}"
    if size != entry.bytes:
        yield f"has {size} bytes, the journal says {entry.bytes}."
    elif crc != entry.crc32:
        yield f"its CRC-32 is {crc}, the journal says {entry.crc32}."


def of_records(layout: Layout, path: Path, entry: Entry | None) -> Iterator[str]:
    """Yield what is wrong with the records of a file.

    Raises:
        CorruptFile: they cannot be read.
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
        yield f"has {lines} lines, the journal says {entry.lines}."
    if repeated:
        yield f"{repeated} lines repeat an id."
    if rising:
        yield f"{rising} posts are newer than the one before them."
    if ext == "usr" and not is_file(layout.file(path.stem, "fws")):
        yield f"{NOBODYS} there is no {path.stem}.fws."
    elif strangers:
        yield f"{NOBODYS} {strangers} are not in {path.stem}.fws."


def _followers(layout: Layout, profiles: Path) -> IdSet | None:
    """Read the ids beside a file of profiles; None where they are broken, which is a problem of that file."""
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
    """Yield the ids of a dataset file in order; raises CorruptFile at a record that is not valid."""
    if ext == "fws":
        yield from read_ids(path)
        return
    lines = enumerate(read_lines(path), start=1)
    while batch := [_id_of(path, number, line) for number, line in islice(lines, _BATCH_LINES)]:
        yield to_ids(batch)


def _id_of(path: Path, number: int, line: bytes) -> str:
    try:
        line.decode()  # the decoder below skips what it is not asked for
        return _decode(line).id
    except NO_JSON:
        raise CorruptFile(f"{path}: line {number} is not a JSON object with a decimal id.") from None


def is_file(path: Path) -> bool:
    """Tell whether a file can be seen there."""
    try:
        return path.is_file()
    except OSError:  # in a directory that is forbidden
        return False


def problem(layout: Layout, path: Path, sentence: str) -> Problem:
    """Say what is wrong with a file, whatever its name holds."""
    return Problem(file=printable(layout.relative(path)), sentence=printable(sentence))


def printable(text: str) -> str:
    """Escape what a hostile name or line could do to a terminal or to one line per problem."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
