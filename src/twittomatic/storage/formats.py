"""The file format of the dataset: gzip members of lines, one member per page, read as a stream."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
from isal import isal_zlib

from twittomatic.errors import CorruptFile
from twittomatic.storage.errors import translate_errors, unavailable

Ids = npt.NDArray[np.uint64]
"""User or post ids, one dimension."""

_GZIP = 31  # zlib's window bits for gzip: header and trailer are checked on reading
_TIME = slice(4, 8)  # MTIME in a member's header: seconds since the epoch, little-endian
_LEVEL = 1  # measured on profiles: smaller than zlib's level 1 at 7 times its speed; 2 saves 1 % more
_READ_BYTES = 64 * 1024  # compressed bytes held at a time
_CHUNK_BYTES = 256 * 1024  # decompressed at a time: its digits stay in the cache while they are parsed
_LONGEST_LINE = 16 * 1024 * 1024  # far longer than any record: a longer line is a gzip bomb, or not ours
_BROKEN = cast("type[Exception]", isal_zlib.error)  # its stub calls it an instance
_POWERS = 10 ** np.arange(19, dtype=np.uint64)


def member(lines: Sequence[bytes], *, at: float = 0) -> bytes:
    """Compress lines into one gzip member, the same bytes for the same lines and time.

    Args:
        lines: Records without line ends; none at all gives an empty member, the file of an empty list.
        at: When the page came, seconds since the epoch, for MTIME in the header (RFC 1952); 0 for unknown.

    Raises:
        ValueError: a record contains a line end.
    """
    text = b"\n".join([*lines, b""])
    if text.count(b"\n") != len(lines):
        raise ValueError("a record holds a line end")
    data = isal_zlib.compress(text, _LEVEL, _GZIP)
    return (
        b"%b%b%b" % (data[: _TIME.start], int(at).to_bytes(4, "little"), data[_TIME.stop :]) if at else data
    )


def read_lines(
    path: Path, *, size: int | None = None, offset: int = 0, first_page: bool = False
) -> Iterator[bytes]:
    """Yield the lines of a file without their ends, in bounded memory.

    Args:
        path: A file of whole gzip members.
        size: Read only `size` bytes, as counted by a checkpoint; None reads the whole file.
        offset: Where to begin: the first byte of a member.
        first_page: Stop after the first member that has a line, whatever follows it.

    Raises:
        CorruptFile: a member is torn or broken, the file is shorter than `size`, or its last line has no end.
        StorageUnavailable: the file cannot be read.
    """
    for _, lines in read_pages(path, size=size, offset=offset, first_page=first_page):
        yield from lines


def read_pages(
    path: Path, *, size: int | None = None, offset: int = 0, first_page: bool = False
) -> Iterator[tuple[int, list[bytes]]]:
    """Yield the lines of a file, some hundred at a time, with the time in their member's header.

    Args:
        path: As for `read_lines`.
        size: As for `read_lines`.
        offset: As for `read_lines`.
        first_page: As for `read_lines`.

    Raises:
        CorruptFile: as for `read_lines`.
        StorageUnavailable: the file cannot be read.
    """
    for at, text in _whole_lines(path, size, offset, first_page=first_page):
        lines = text.split(b"\n")
        del lines[-1]
        yield at, lines


def read_ids(path: Path, *, size: int | None = None) -> Iterator[Ids]:
    """Yield the ids of a file in order, some ten thousand at a time.

    Args:
        path: A file with one decimal id of 1 to 19 ASCII digits on each line, and nothing else.
        size: Read only the first `size` bytes; None reads the whole file.

    Raises:
        CorruptFile: as for `read_lines`, or a line is not an id.
        StorageUnavailable: the file cannot be read.
    """
    for _, text in _whole_lines(path, size):
        try:
            yield parse_ids(text)
        except ValueError:
            raise CorruptFile(f"{path}: a line is not an id of 1 to 19 digits.") from None


def read_text(
    path: Path, *, opened: Callable[[os.stat_result], None] = lambda status: None
) -> Iterator[bytes]:
    """Yield the text of a file in pieces of complete lines, some 100 KB each.

    Args:
        path: A file of whole gzip members.
        opened: Called with the status of the file that is read, once it is open: what replaces it later is
            another file.

    Raises:
        CorruptFile: as for `read_lines`.
        StorageUnavailable: the file cannot be read.
    """
    for _, text in _whole_lines(path, None, opened=opened):
        yield text


def read_short(path: str, most: int) -> tuple[bytes, os.stat_result] | None:
    """Return the whole text of a short file and its status; a fifth of the time that `read_text` takes.

    Args:
        path: As for `read_lines`.
        most: Return None if the file has more bytes.

    Raises:
        CorruptFile: as for `read_lines`.
        StorageUnavailable: the file cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            status = os.fstat(descriptor)
            if status.st_size > most or not stat.S_ISREG(status.st_mode):
                return None
            data = os.read(descriptor, status.st_size)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise unavailable(Path(path), error) from error
    texts: list[bytes] = []
    while True:
        decoder = isal_zlib.decompressobj(_GZIP)
        try:
            texts.append(decoder.decompress(data))
        except _BROKEN:
            raise CorruptFile(f"{path}: the gzip data is broken.") from None
        if not decoder.eof:
            raise CorruptFile(f"{path}: the gzip data is cut off.")
        data = decoder.unused_data
        if not data:
            break
    text = texts[0] if len(texts) == 1 else b"".join(texts)
    if text and not text.endswith(b"\n"):
        raise CorruptFile(f"{path}: the last line has no end.")
    return text, status


def to_ids(texts: Iterable[str]) -> Ids:
    """Return decimal ids as numbers, parallel to `texts`.

    Raises:
        ValueError: a text is not an id of 1 to 19 digits.
    """
    return parse_ids("".join([f"{text}\n" for text in texts]).encode())


def parse_ids(text: bytes) -> Ids:
    """Return the ids in complete lines of text; fastest on pieces of some 256 KB, which the cache holds.

    It goes column by column: the last digit of every id, the last but one, and so on.

    Raises:
        ValueError: a line is not an id of 1 to 19 digits.
    """
    if not text:
        return np.empty(0, np.uint64)
    digits = np.frombuffer(text, np.uint8) - np.uint8(ord("0"))  # anything below "0" wraps round to above 9
    ends = np.flatnonzero(digits == np.uint8((ord("\n") - ord("0")) % 256))
    lengths = ends.copy()
    lengths[1:] -= ends[:-1] + 1  # `np.diff(ends, prepend=-1) - 1` takes a tenth of a short file's check
    if np.count_nonzero(digits <= 9) + len(ends) != len(digits):
        raise ValueError("not decimal")
    shortest, longest = int(lengths.min()), int(lengths.max())
    if shortest < 1 or longest > 19:
        raise ValueError("not 1 to 19 digits")
    ids = np.zeros(len(ends), np.uint64)
    for column in range(longest):
        rows = slice(None) if column < shortest else np.flatnonzero(lengths > column)
        ids[rows] += digits[ends[rows] - 1 - column] * _POWERS[column]
    return ids


def _whole_lines(
    path: Path,
    size: int | None,
    offset: int = 0,
    *,
    first_page: bool = False,
    opened: Callable[[os.stat_result], None] = lambda status: None,
) -> Iterator[tuple[int, bytes]]:
    """Yield the text of a file in pieces of complete lines, with the time of the member they end in."""
    rest: list[bytes] = []
    pending = 0
    for at, text in _decompressed(path, _compressed(path, size, offset, opened), size, first_page=first_page):
        cut = text.rfind(b"\n") + 1
        if cut:
            yield at, b"".join([*rest, text[:cut]])
            rest, pending = [], 0
        if cut < len(text):
            rest.append(text[cut:])
            pending += len(text) - cut
        if pending > _LONGEST_LINE:
            raise CorruptFile(f"{path}: a line is longer than {_LONGEST_LINE} bytes.")
    if rest:
        raise CorruptFile(f"{path}: the last line has no end.")


def _decompressed(
    path: Path, pieces: Iterator[bytes], size: int | None, *, first_page: bool
) -> Iterator[tuple[int, bytes]]:
    decoder = isal_zlib.decompressobj(_GZIP)
    header = b""  # of this member, up to and including its time
    is_empty = True  # no line was found so far
    within = size is None  # inside a member: a whole file has at least one, a checkpoint may count none
    for data in pieces:
        while data:
            within = True
            header += data[: _TIME.stop - len(header)]
            try:
                text = decoder.decompress(data, _CHUNK_BYTES)
            except _BROKEN:
                raise CorruptFile(f"{path}: the gzip data is broken.") from None
            data = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
            if text:
                is_empty = False
                yield int.from_bytes(header[_TIME], "little"), text
            if decoder.eof:
                if first_page and not is_empty:
                    return
                decoder = isal_zlib.decompressobj(_GZIP)
                header, within = b"", False
    if within:
        raise CorruptFile(f"{path}: the gzip data is cut off.")


def _at_once(path: str, flags: int) -> int:
    """Open without blocking: a pipe in place of the file would wait for a writer."""
    return os.open(path, flags | os.O_NONBLOCK)


def _compressed(
    path: Path, size: int | None, offset: int, opened: Callable[[os.stat_result], None]
) -> Iterator[bytes]:
    with translate_errors(path), open(path, "rb", buffering=0, opener=_at_once) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise CorruptFile(f"{path}: is no regular file.")
        opened(status)
        file.seek(offset)
        left = size
        while left is None or left > 0:
            data = file.read(_READ_BYTES if left is None else min(left, _READ_BYTES))
            if not data:
                break
            if left is not None:
                left -= len(data)
            yield data
    if left:
        raise CorruptFile(f"{path}: shorter than the {size} bytes that count.")
