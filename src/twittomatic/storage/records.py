"""The id of a record. A record is a post or a profile: a JSON object on one line, as the network wrote it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from twittomatic.errors import CorruptFile
from twittomatic.model import NO_JSON


class _Record(msgspec.Struct):
    id: str


class _Strict(msgspec.Struct):
    id: Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{1,19}\Z")]


_decode = msgspec.json.Decoder(_Record).decode
_decode_strict = msgspec.json.Decoder(_Strict).decode


def record_id(line: bytes) -> str:
    """Return the id of a record; the rest of the line is not looked at, except for its JSON syntax.

    Raises:
        Exception: one of `twittomatic.model.NO_JSON`, when the line is not a JSON object with an id.
    """
    return _decode(line).id


def decimal_id(line: bytes) -> str:
    """Return the id of a record that is valid as a whole: UTF-8, and an id of 1 to 19 digits.

    Raises:
        Exception: one of `twittomatic.model.NO_JSON`, when it is not.
    """
    line.decode()  # the decoder does not check strings that it skips
    return _decode_strict(line).id


def record_id_in(path: Path, line: bytes) -> str:
    """Return the id of a record that is a line of a file.

    Raises:
        CorruptFile: the line is not a JSON object with an id.
    """
    try:
        return _decode(line).id
    except NO_JSON:
        raise CorruptFile(f"{path}: a line is not a JSON object with an id.") from None
