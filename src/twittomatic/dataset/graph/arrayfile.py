"""A file of named NumPy arrays that can be mapped into memory, with a table of contents in its footer."""

from __future__ import annotations

import mmap
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import msgspec
import numpy as np
import numpy.typing as npt
from isal import isal_zlib

_MAGIC = b"twarray1"
_ALIGNED = 64  # bytes: a cache line, and more than any number needs
_END = 16  # bytes: length and CRC-32 of the footer, and the magic number
Array = npt.NDArray[Any]


class Section(msgspec.Struct, frozen=True):
    """An array in the file: its type in NumPy's notation, its offset in bytes, and its length."""

    type: str
    offset: int
    count: int


class _Footer(msgspec.Struct):
    about: dict[str, Any]
    arrays: dict[str, Section]


class ArrayWriter:
    """Writes arrays one after the other, each in any number of pieces.

    Args:
        file: An empty file, open for writing.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._arrays: dict[str, Section] = {}
        self._file.write(_MAGIC)

    def begin(self, name: str, kind: str) -> None:
        """Begin an array.

        Args:
            name: Its name in the file.
            kind: Its type in NumPy's notation, such as `<i8`.
        """
        self._file.write(bytes(-self._file.tell() % _ALIGNED))
        self._arrays[name] = Section(kind, self._file.tell(), 0)
        self._name = name

    def append(self, numbers: Array) -> None:
        """Append to the array that was begun last."""
        section = self._arrays[self._name]
        self._file.write(np.ascontiguousarray(numbers, section.type).data)
        self._arrays[self._name] = Section(section.type, section.offset, section.count + len(numbers))

    def add(self, name: str, numbers: Array, kind: str) -> None:
        """Write a whole array."""
        self.begin(name, kind)
        self.append(numbers)

    def mapped(self, name: str) -> Array:
        """Return an array that was written, mapped into memory."""
        section = self._arrays[name]
        if not section.count:
            return np.empty(0, section.type)
        self._file.flush()
        view = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        return np.frombuffer(view, section.type, section.count, section.offset)

    def finish(self, about: Mapping[str, Any]) -> None:
        """Write the footer and sync the file.

        Args:
            about: Metadata, which must be serializable as JSON.
        """
        footer = msgspec.json.encode(_Footer(dict(about), self._arrays))
        end = len(footer).to_bytes(4, "little") + isal_zlib.crc32(footer).to_bytes(4, "little") + _MAGIC
        self._file.write(footer + end)
        self._file.flush()
        os.fsync(self._file.fileno())


class ArrayFile:
    """A file of arrays, mapped into memory: pages are loaded on access, and dropped when memory is short.

    The arrays are read-only, and stay valid when the file is replaced or removed.

    Args:
        path: The file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not a file of arrays, or is truncated.

    Attributes:
        about: Metadata from the writer.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            end = os.pread(file.fileno(), _END, max(0, size - _END))
            length = int.from_bytes(end[:4], "little")
            if len(end) < _END or end[8:] != _MAGIC or length > size - _END:
                raise ValueError(f"{path}: cut off, or not a file of arrays")
            footer = os.pread(file.fileno(), length, size - _END - length)
            if isal_zlib.crc32(footer) != int.from_bytes(end[4:8], "little"):
                raise ValueError(f"{path}: broken")
            contents = msgspec.json.decode(footer, type=_Footer)
            self.about = contents.about
            self._arrays = contents.arrays
            self._map = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)

    def __getitem__(self, name: str) -> Array:
        """Return an array by its name."""
        section = self._arrays[name]
        return np.frombuffer(self._map, section.type, section.count, section.offset)


def release(array: Array) -> None:
    """Let the memory of a mapped array go: the file has it, and it is read again when it is used.

    Whoever streams through a large file does this, so that it does not count as memory of the process.

    Args:
        array: An array of an `ArrayFile`, or a slice of one; of any other array nothing is released.
    """
    owner: Any = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    owner = owner.obj if isinstance(owner, memoryview) else owner
    if isinstance(owner, mmap.mmap) and array.flags.c_contiguous:
        begin = array.ctypes.data - np.frombuffer(owner, np.uint8).ctypes.data
        first = -(-begin // mmap.PAGESIZE) * mmap.PAGESIZE
        last = (begin + array.nbytes) // mmap.PAGESIZE * mmap.PAGESIZE
        if last > first:
            owner.madvise(mmap.MADV_DONTNEED, first, last - first)
