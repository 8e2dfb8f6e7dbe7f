"""A recording: a gzip file of Graphite lines, appended in synced members, readable after any truncation."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from isal import isal_zlib

from twittomatic.errors import CorruptFile, StorageUnavailable
from twittomatic.sinks.stats.graphite import timestamp
from twittomatic.storage.errors import translate_errors
from twittomatic.storage.formats import member
from twittomatic.storage.io import sync_directory, write_all

_GZIP, _MAGIC = 31, b"\x1f\x8b"
_READ_BYTES, _CHUNK_BYTES = 64 * 1024, 256 * 1024
_MAX_LINE = 64 * 1024
_MAX_HELD = 64  # chunks of a member before its checksum: our own members are shorter
_MAX_MEMBER = 1 << 20  # bytes, compressed; ten seconds of a crawl are a hundredth of it
_BROKEN = cast("type[Exception]", isal_zlib.error)  # its stub calls it an instance


class Reader:
    """Reads a recording from its beginning, as far as it is readable.

    Attributes:
        path: The file.
        size: The file's size in bytes.
        read: Bytes read so far.
        whole: Bytes up to the end of the last complete member so far.
        flaw: Why reading stopped before the end, as a predicate of the file's name; empty if it did not.
        is_cut: Whether the file is merely truncated there, and intact up to that point.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = self.read = self.whole = 0
        self.flaw = ""
        self.is_cut = False

    def lines(self) -> Iterator[bytes]:
        """Yield complete lines without line ends, including those of a truncated member.

        Raises:
            StorageUnavailable: The file cannot be read.
            CorruptFile: It is not a gzip file.
        """
        for text in self.texts():
            lines = text.split(b"\n")
            del lines[-1]
            yield from lines

    def texts(self) -> Iterator[bytes]:
        """Yield chunks that end at a line end; otherwise like `lines`."""
        rest = b""
        for text in self._decompressed():
            cut = text.rfind(b"\n") + 1
            if cut:
                yield rest + text[:cut]
                rest = b""
            rest += text[cut:]
            if len(rest) > _MAX_LINE:
                self.flaw = "holds a line that no recording has"
                return
        if rest and not self.flaw:
            self.flaw, self.is_cut = "is cut off in the middle of a line", True

    def _decompressed(self) -> Iterator[bytes]:
        """Yield the text of a member once its checksum has been verified, or when the file ends."""
        decoder, held = isal_zlib.decompressobj(_GZIP), [b""]
        with translate_errors(self.path), self.path.open("rb", buffering=0) as file:
            self.size = os.fstat(file.fileno()).st_size
            while data := file.read(_READ_BYTES):
                if self.read == 0 and not data.startswith(_MAGIC[: len(data)]):
                    raise CorruptFile(f"{self.path}: is not a recording; a recording is a gzip file.")
                self.read += len(data)
                while data:
                    try:
                        held.append(decoder.decompress(data, _CHUNK_BYTES))
                    except _BROKEN:
                        self.flaw = "is damaged"
                        return
                    data = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
                    if decoder.eof or len(held) > _MAX_HELD:
                        yield b"".join(held)
                        held = [b""]
                    if decoder.eof:
                        decoder, self.whole = isal_zlib.decompressobj(_GZIP), self.read - len(data)
        if self.whole < self.read:
            self.flaw, self.is_cut = "is cut off in the middle of a gzip member", True
            yield b"".join(held)


class Recording:
    """A recording open for appending by this process alone; made by `open`. Calls block.

    Attributes:
        path: The file.
        size: The file's size in bytes, all synced.
        cut: The number of bytes of a torn member that `open` removed.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.size = self.cut = 0
        self._descriptor = descriptor

    @classmethod
    def open(cls, path: Path) -> Self:
        """Create a recording or continue one; a member torn by a crash is removed from its end.

        Raises:
            StorageUnavailable: The file cannot be written, or another process records into it.
            CorruptFile: The file is not a recording, or damaged before its end; it is not changed.
        """
        with translate_errors(path):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o644)
        recording = cls(path, descriptor)
        try:
            with translate_errors(path):
                recording._claim()
                recording._recover()
                sync_directory(path.parent)
        except BaseException:
            recording.close()
            raise
        return recording

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def append(self, lines: Sequence[bytes]) -> None:
        """Append a member durably.

        Raises:
            StorageUnavailable: The volume is full or gone; the earlier content is intact.
        """
        data = member(lines)
        with translate_errors(self.path):
            try:
                write_all(self._descriptor, data, self.size)
                os.fsync(self._descriptor)
            except OSError:
                os.ftruncate(self._descriptor, self.size)
                raise
        self.size += len(data)

    def close(self) -> None:
        """Close the file, and release its lock."""
        os.close(self._descriptor)

    def _claim(self) -> None:
        if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            raise StorageUnavailable(f"{self.path}: is not a regular file; name another one.")
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StorageUnavailable(
                f"{self.path}: another process records into it; name another file."
            ) from None

    def _recover(self) -> None:
        """Find the end of the last complete member, and remove a torn one after it."""
        reader = Reader(self.path)
        first = b""
        for text in reader.texts():
            first = first or text.partition(b"\n")[0]
        torn = reader.size - reader.whole
        if reader.size and timestamp(first) is None:
            raise CorruptFile(f"{self.path}: is not a recording; it was not changed, name another file.")
        if torn > _MAX_MEMBER or (reader.flaw and not torn):
            raise CorruptFile(f"{self.path}: {reader.flaw}; it was not changed, name another file.")
        self.size, self.cut = reader.whole, torn
        if self.cut:
            os.ftruncate(self._descriptor, self.size)
            os.fsync(self._descriptor)
