"""Replacements for damaged files: the proved bytes of a file, the valid lines of a journal file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from twittomatic.errors import CorruptFile
from twittomatic.faultpoint import reach
from twittomatic.model import FileState
from twittomatic.storage.commit import commit
from twittomatic.storage.errors import translate_errors
from twittomatic.storage.formats import member, read_pages, to_ids
from twittomatic.storage.idset import IdSet
from twittomatic.storage.io import checksum, copy_range
from twittomatic.storage.journal import is_line
from twittomatic.storage.order import append_in_order
from twittomatic.storage.part import PartFile
from twittomatic.storage.paths import Layout
from twittomatic.storage.proof import Proof
from twittomatic.storage.quarantine import set_aside
from twittomatic.storage.records import record_id_in
from twittomatic.storage.tail import LONGEST_LINE


def cut(layout: Layout, path: Path, proof: Proof) -> Path:
    """Cut a file down to the bytes that its journal line proves; return where the original was set aside.

    Raises:
        CorruptFile: the file changed meanwhile.
        StorageUnavailable: a file cannot be read, written or moved.
    """

    def write(draft: int) -> None:
        with translate_errors(path), path.open("rb", buffering=0) as source:
            copy_range(source.fileno(), draft, count=proof.entry.bytes, source_offset=proof.offset)
        if f"{checksum(draft, proof.entry.bytes):08x}" != proof.entry.crc32:
            raise CorruptFile(f"{path}: changed during the repair; stop the program that writes it.")

    return _replace(layout, path, write)


def rewrite_journal(layout: Layout, path: Path) -> tuple[int, Path]:
    """Reduce a journal file to its valid lines, ending the last one if only its line end is missing.

    Returns:
        How many lines were dropped, and where the original was set aside.

    Raises:
        StorageUnavailable: a file cannot be read, written or moved.
    """
    dropped = 0

    def write(draft: int) -> None:
        nonlocal dropped
        with translate_errors(path), path.open("rb") as source, open(draft, "wb", closefd=False) as target:
            while line := source.readline(LONGEST_LINE):
                whole = line if line.endswith(b"\n") else line + b"\n"
                if is_line(whole):
                    target.write(whole)
                else:
                    dropped += 1
                while line and not line.endswith(b"\n"):  # the rest of an overlong line
                    line = source.readline(LONGEST_LINE)

    original = _replace(layout, path, write)
    return dropped, original


def draft_in_order(layout: Layout, path: Path) -> tuple[Path, FileState]:
    """Write a draft of a file with each id once, its first record, and timelines sorted newest first.

    Returns:
        The draft and its state; `place` moves it into the dataset.

    Raises:
        CorruptFile: the file is broken.
        StorageUnavailable: a file cannot be read or written.
    """
    with translate_errors(layout.drafts):
        layout.drafts.mkdir(parents=True, exist_ok=True)
    with PartFile.begin(layout.drafts / path.name) as part:
        if path.suffix == ".twt":
            append_in_order(part, path)
        else:
            _append_each_once(part, path)
        return part.path, part.state


def place(layout: Layout, path: Path, draft: Path) -> Path:
    """Replace a file by a draft; return where the file was set aside."""
    original = set_aside(layout, path, keep=True)
    commit(draft, path)
    reach("rewrite.replaced")
    return original


def _append_each_once(part: PartFile, source: Path) -> None:
    seen = IdSet()
    for at, lines in read_pages(source):
        ids = [line.decode() if source.suffix == ".fws" else record_id_in(source, line) for line in lines]
        new = seen.add(to_ids(ids)).tolist()
        kept = [line for line, is_new in zip(lines, new, strict=True) if is_new]
        if kept:
            part.append(member(kept, at=at), len(kept))


def clear_drafts(layout: Layout) -> None:
    """Remove the drafts of a repair that died; none of them was in the dataset.

    Raises:
        StorageUnavailable: a draft cannot be removed.
    """
    with translate_errors(layout.drafts):
        if layout.drafts.is_dir():
            for path in layout.drafts.iterdir():
                path.unlink()
            layout.drafts.rmdir()


def _replace(layout: Layout, path: Path, write: Callable[[int], None]) -> Path:
    """Replace a file by what `write` writes, and set it aside; at every moment one of the two is in place."""
    draft = layout.drafts / path.name
    with _drafting(draft) as descriptor:
        write(descriptor)
        os.fsync(descriptor)
    reach("rewrite.drafted")
    return place(layout, path, draft)


@contextmanager
def _drafting(draft: Path) -> Iterator[int]:
    with translate_errors(draft):
        draft.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
        try:
            yield descriptor
        finally:
            os.close(descriptor)
