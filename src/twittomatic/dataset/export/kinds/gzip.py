"""Compress a text format with gzip, reproducibly: the same rows give the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import BinaryIO, Final, Protocol

from isal import isal_zlib

from twittomatic.dataset.tables.columns import Batch, Column

_GZIP: Final = 31  # zlib's window bits for a gzip header and trailer
_LEVEL: Final = 2


class _Text(Protocol):
    def write(self, batch: Batch) -> None: ...

    def close(self) -> None: ...


_Make = Callable[[BinaryIO, Sequence[Column]], _Text]


def compressed(make: _Make) -> _Make:
    """Return the constructor of a writer that compresses the output of another one."""

    def made(stream: BinaryIO, columns: Sequence[Column]) -> _Text:
        return _Compressed(stream, columns, make)

    return made


class _Compressed:
    """Writes a table through a compressor."""

    def __init__(self, stream: BinaryIO, columns: Sequence[Column], make: _Make) -> None:
        self._compressor = _Compressor(stream)
        self._text = make(self._compressor, columns)  # type: ignore[arg-type]  # only `write` is used

    def write(self, batch: Batch) -> None:
        self._text.write(batch)

    def close(self) -> None:
        self._text.close()
        self._compressor.finish()


class _Compressor:
    """A stream with the one method that writers call."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._gzip = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _GZIP)

    def write(self, data: bytes) -> int:
        self._stream.write(self._gzip.compress(data))
        return len(data)

    def finish(self) -> None:
        self._stream.write(self._gzip.flush())
