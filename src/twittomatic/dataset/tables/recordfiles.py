"""Read files of records; a broken file is reported and left out as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from twittomatic.errors import CorruptFile, StorageError
from twittomatic.model import NO_JSON
from twittomatic.storage.errors import translate_errors
from twittomatic.storage.formats import read_pages

_T = TypeVar("_T")
_HELD_BYTES = 1 << 20  # a larger file is checked to its end and then read again, to bound memory


def decoded_files(
    paths: Iterable[Path],
    decode: Callable[[bytes], _T],
    on_defect: Callable[[StorageError], None] | None,
) -> Iterator[list[tuple[int, _T]]]:
    """Yield the decoded lines of files in batches of some hundred, each line with its download time.

    Args:
        paths: Files of JSON lines.
        decode: Decodes a line; raises one of `NO_JSON` if the line is invalid.
        on_defect: Called with the error about a file that cannot be read, which is left out as a whole. None
            raises the error.

    Raises:
        CorruptFile: a file is broken; it is named.
        StorageUnavailable: a file cannot be read.
    """
    for path in paths:
        if on_defect is None:
            yield from _decoded(path, decode)
            continue
        try:
            with translate_errors(path):
                is_small = path.stat().st_size <= _HELD_BYTES
            pages: Iterable[list[tuple[int, _T]]]
            if is_small:
                pages = list(_decoded(path, decode))
            else:
                for _ in _decoded(path, decode):
                    pass
                pages = _decoded(path, decode)
            yield from pages
        except StorageError as error:
            if not isinstance(error.__cause__, FileNotFoundError):  # removed since it was listed
                on_defect(error)


def _decoded(path: Path, decode: Callable[[bytes], _T]) -> Iterator[list[tuple[int, _T]]]:
    number = 0
    for came_at, lines in read_pages(path):
        rows = []
        for line in lines:
            number += 1
            try:
                rows.append((came_at, decode(line)))
            except NO_JSON:
                raise CorruptFile(f"{path}: line {number} is not a JSON object.") from None
        yield rows
