"""Read a text file line by line: UTF-8, or UTF-16 if a byte order mark says so."""

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
    """The text is longer than any list of targets."""


def clean(text: str) -> str:
    """Remove spaces, quotes and invisible characters that were pasted along with an id or a name."""
    if not text.isascii():
        text = "".join(letter for letter in text if unicodedata.category(letter) != "Cf").strip()
    return text.strip().strip(_QUOTES)


def lines(file: BinaryIO) -> Iterator[tuple[int, str]]:
    """Yield each line with its number, from 1, and without its line ending.

    Only LF and CRLF end a line, since the other line separators of Unicode may occur in a comment.

    Raises:
        TooLarge: the file, or a line of it, is.
        UnicodeDecodeError: it is no text.
        OSError: it cannot be read.
    """
    for number, line in enumerate(_raw(file), start=1):
        yield number, line.rstrip("\r\n")


def with_ends(file: BinaryIO) -> Iterator[str]:
    """Yield the lines with their line endings, as the csv module expects them; otherwise like `lines`."""
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
            text.detach()  # the caller closes the file
