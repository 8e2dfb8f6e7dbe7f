"""Texts and values of any content as XML 1.0 can have them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from typing import Any

from twittomatic.dataset.export.network import Attribute, Type, Value

# https://www.w3.org/TR/xml/#charsets: with any of these, even as a reference, a file is not well-formed.
_FORBIDDEN = [*range(9), 11, 12, *range(14, 32), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF]
_QUOTED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
# In an attribute a parser turns tabs and line ends into spaces unless they are references. Some take the line
# ends of XML 1.1, U+0085 and U+2028, for such.
_REFERENCES = {c: f"&#{ord(c)};" for c in "\t\n\r\x85\u2028"}
_TABLE = str.maketrans(dict.fromkeys(map(chr, _FORBIDDEN)) | _QUOTED | _REFERENCES)
_is_special = re.compile('[\x00-\x1f&<>"\x85\u2028\ud800-\udfff\ufffe\uffff]').search  # few texts are

_WRITTEN: dict[Type, Callable[[Any], str]] = {
    "string": lambda value: xml_text(value),
    "long": str,
    "double": repr,  # the shortest text that is read as the same number
    "boolean": lambda value: "true" if value else "false",
}


def xml_text(text: str) -> str:
    """Return a text as it is written between tags or quotation marks.

    Characters that XML 1.0 forbids are dropped: control characters, unpaired surrogates, U+FFFE and U+FFFF.
    """
    return text.translate(_TABLE) if _is_special(text) else text


def elements(
    attributes: Sequence[Attribute], columns: Sequence[Sequence[Value]], opening: str, closing: str
) -> Iterator[str]:
    """Yield the elements of each row, unknown values having none; without columns, yield "" endlessly.

    Args:
        attributes: Of the columns, parallel to them.
        columns: Values, all of the same length.
        opening: What is before a value, with {} for the name of its attribute.
        closing: What is behind it.
    """
    written = [
        [before + write(value) + closing if value is not None else "" for value in column]
        for (name, kind), column in zip(attributes, columns, strict=True)
        for before, write in [(opening.format(xml_text(name)), _WRITTEN[kind])]
    ]
    return map("".join, zip(*written, strict=True)) if written else repeat("")
