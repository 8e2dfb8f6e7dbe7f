"""Find the user with a screen name in the profiles of a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from twittomatic.errors import CorruptFile
from twittomatic.model import NO_JSON
from twittomatic.storage.errors import translate_errors
from twittomatic.storage.formats import read_lines
from twittomatic.storage.paths import Layout


class _Profile(msgspec.Struct):
    id: Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{1,19}\Z")]
    username: str = ""


_decode = msgspec.json.Decoder(_Profile).decode


def find_user_id(layout: Layout, name: str) -> str | None:
    """Return the id of the user with a screen name, None when no profile has this name.

    The profiles that crawls bought of their targets are searched first, then those of followers, the newest
    file first; the search ends at the first match. A name that no profile has costs reading all of them.

    Args:
        layout: The dataset's directories.
        name: Without @, in any case.

    Raises:
        CorruptFile: a file on the way is broken.
        StorageUnavailable: a file cannot be read.
    """
    wanted = name.lower()
    text = wanted.encode()
    for path in sorted(layout.profiles(), key=_search_order):
        for number, line in enumerate(read_lines(path), start=1):
            if text not in line.lower():  # decoding every profile would take four times as long
                continue
            try:
                profile = _decode(line)
            except NO_JSON:
                raise CorruptFile(f"{path}: line {number} is not a profile.") from None
            if profile.username.lower() == wanted:
                return profile.id
    return None


def _search_order(path: Path) -> tuple[bool, float]:
    with translate_errors(path):
        return path.suffix == ".usr", -path.stat().st_mtime
