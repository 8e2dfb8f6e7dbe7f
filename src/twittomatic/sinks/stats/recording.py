"""A recording: a gzip file of Graphite lines, grown by synced members, readable wherever it is cut."""

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
_LONGEST_LINE = 64 * 1024
_MOST_HELD = 64  # chunks of a member whose checksum is still to come: beyond it is not one that we wrote
_LONGEST_MEMBER = 1 << 20  # compressed; ten seconds of a crawl are a hundredth of it
_BROKEN = cast("type[Exception]", isal_zlib.error)  # its stub calls it an instance


class Reader:
    """Reads a recording from its beginning, as far as it can be read.

    Attributes:
        path: Of the file.
        size: Its bytes.
        read: Bytes read so far.
        whole: Bytes up to the end of the last whole member so far.
        flaw: Why it ended before its end, when it did: what follows the name of a file in a sentence.
        is_cut: Whether it was only cut off there, and is right up to it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = self.read = self.whole = 0
        self.flaw = ""
        self.is_cut = False

    def lines(self) -> Iterator[bytes]:
        """Yield the whole lines without their ends, also of a member that is cut off.

        Raises:
            StorageUnavailable: the file cannot be read.
            CorruptFile: it is no gzip file at all.
        """
        for text in self.texts():
            lines = text.split(b"\n")
            del lines[-1]
            yield from lines

    def texts(self) -> Iterator[bytes]:
        """Yield pieces that end with a line; otherwise as `lines`."""
        rest = b""
        for text in self._decompressed():
            cut = text.rfind(b"\n") + 1
            if cut:
                yield rest + text[:cut]
                rest = b""
            rest += text[cut:]
            if len(rest) > _LONGEST_LINE:
                self.flaw = "holds a line that no recording has"
                return
        if rest and not self.flaw:
            self.flaw, self.is_cut = "is cut off in the middle of a line", True

    def _decompressed(self) -> Iterator[bytes]:
        """Yield the text of a member when its checksum has shown that it is right, or when the file ends."""
        decoder, held = isal_zlib.decompressobj(_GZIP), [b""]
        with translate_errors(self.path), self.path.open("rb", buffering=0) as file:
            self.size = os.fstat(file.fileno()).st_size
            while data := file.read(_READ_BYTES):
                if self.read == 0 and not data.startswith(_MAGIC[: len(data)]):
                    raise CorruptFile(f"{self.path}: is no recording; a recording is a gzip file.")
                self.read += len(data)
                while data:
                    try:
                        held.append(decoder.decompress(data, _CHUNK_BYTES))
                    except _BROKEN:
                        self.flaw = "is damaged"
                        return
                    data = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
                    if decoder.eof or len(held) > _MOST_HELD:
                        yield b"".join(held)
                        held = [b""]
                    if decoder.eof:
                        decoder, self.whole = isal_zlib.decompressobj(_GZIP), self.read - len(data)
        if self.whole < self.read:
            self.flaw, self.is_cut = "is cut off in the middle of a gzip member", True
            yield b"".join(held)


class Recording:
    """A recording that this process alone writes; use `open`. Its calls block.

    Attributes:
        path: Of the file.
        size: Its bytes, all synced.
        cut: How many bytes of a torn member `open` cut off.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.size = self.cut = 0
        self._descriptor = descriptor

    @classmethod
    def open(cls, path: Path) -> Self:
        """Begin a file, or go on with one: a member that a crash tore at its end is cut off.

        Raises:
            StorageUnavailable: it cannot be written, or another process records into it.
            CorruptFile: it is something else, or damaged before its end; it is not changed.
        """
        with translate_errors(path):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o644)
        recording = cls(path, descriptor)
        try:
            with translate_errors(path):
                recording._claim()
                recording._go_on()
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
        """Add a member; when this returns it survives a power failure.

        Raises:
            StorageUnavailable: the volume is full or gone; what stood before stands.
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
        """Let go of the file."""
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

    def _go_on(self) -> None:
        """Find the end of what is whole, and cut off a torn member behind it."""
        reader = Reader(self.path)
        first = b""
        for text in reader.texts():
            first = first or text.partition(b"\n")[0]
        torn = reader.size - reader.whole
        if reader.size and timestamp(first) is None:
            raise CorruptFile(f"{self.path}: is no recording; it was not changed, name another file.")
        if torn > _LONGEST_MEMBER or (reader.flaw and not torn):
            raise CorruptFile(f"{self.path}: {reader.flaw}; it was not changed, name another file.")
        self.size, self.cut = reader.whole, torn
        if self.cut:
            os.ftruncate(self._descriptor, self.size)
            os.fsync(self._descriptor)
