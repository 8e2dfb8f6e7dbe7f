"""Lines of a text file, one at a time: UTF-8, or UTF-16 where a byte order mark says so."""

from __future__ import annotations

import codecs
import io
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

_MOST = 512 * 1024 * 1024  # characters: 25 million ids
_LONGEST = 16 * 1024 * 1024  # characters of one line
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


_QUOTES = " \t\"'`“”„«»‘’<>"


class TooLarge(Exception):
    """There is more text than a list of targets has."""


def clean(text: str) -> str:
    """Remove what is pasted along with an id or a name: spaces, quotes, invisible characters."""
    if not text.isascii():
        text = "".join(letter for letter in text if unicodedata.category(letter) != "Cf").strip()
    return text.strip().strip(_QUOTES)


def lines(file: BinaryIO) -> Iterator[tuple[int, str]]:
    """Yield the lines with their numbers, from 1 on, without their ends.

    Only LF and CRLF end a line: what else Unicode takes for a line end may stand in a comment.

    Raises:
        TooLarge: the file, or a line of it, is.
        UnicodeDecodeError: it is no text.
        OSError: it cannot be read.
    """
    for number, line in enumerate(_raw(file), start=1):
        yield number, line.rstrip("\r\n")


def with_ends(file: BinaryIO) -> Iterator[str]:
    """Yield the lines with their ends, as the csv module wants them; otherwise as `lines`."""
    return _raw(file)


def _raw(file: BinaryIO) -> Iterator[str]:
    buffered = file if isinstance(file, io.BufferedReader) else io.BufferedReader(file)  # type: ignore[type-var]
    encoding = "utf-16" if buffered.peek(2)[:2] in _UTF16 else "utf-8-sig"
    text = io.TextIOWrapper(buffered, encoding, newline="\n")
    left = _MOST
    try:
        while line := text.readline(_LONGEST + 1):
            left -= len(line)
            if left < 0 or len(line) > _LONGEST:
                raise TooLarge
            yield line
    finally:
        with suppress(ValueError):  # it is closed already
            text.detach()  # whoever opened the file closes it
