"""Write arbitrary texts and values as XML 1.0."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
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
    """Escape a text for XML content and attribute values.

    Characters that XML 1.0 forbids are dropped: control characters, unpaired surrogates, U+FFFE and U+FFFF.
    """
    return text.translate(_TABLE) if _is_special(text) else text


def xml_texts(texts: Sequence[str]) -> Sequence[str]:
    """Escape many texts; faster than `xml_text` on each, since few of them need escaping."""
    return [xml_text(text) for text in texts] if _is_special("".join(texts)) else texts


def elements(
    attributes: Sequence[Attribute], columns: Sequence[Sequence[Value]], opening: str, closing: str
) -> Iterator[str]:
    """Yield the XML elements of each row, without those of missing values; "" endlessly if there are none.

    Args:
        attributes: Attributes, parallel to `columns`.
        columns: Values of each attribute, all of the same length.
        opening: Text before a value, with {} for the name of the attribute.
        closing: Text after a value.
    """
    written = [
        _elements(column, kind, opening.format(xml_text(name)), closing)
        for (name, kind), column in zip(attributes, columns, strict=True)
        if column.count(None) < len(column)
    ]
    return map("".join, zip(*written, strict=True)) if written else repeat("")


def _elements(column: Sequence[Value], kind: Type, before: str, closing: str) -> Iterable[str]:
    write = _WRITTEN[kind]
    if kind in ("long", "boolean"):  # few of them differ, so each is written once
        texts = {value: before + write(value) + closing if value is not None else "" for value in set(column)}
        return map(texts.__getitem__, column)
    if kind == "string" and None not in column:
        return [before + text + closing for text in xml_texts(column)]  # type: ignore[arg-type]
    return [before + write(value) + closing if value is not None else "" for value in column]
