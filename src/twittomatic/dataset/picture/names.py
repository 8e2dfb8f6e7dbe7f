"""What users are called in a picture."""

from __future__ import annotations

import unicodedata

from twittomatic.dataset.graph import NodeProfile

_LONGEST = 32


def printable(text: str) -> str:
    """Return a name on one line, without control characters and marks of direction."""
    text = "".join(c for c in unicodedata.normalize("NFC", text) if c.isprintable()).strip()
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def label(profile: NodeProfile | None) -> str:
    """Return the name of a user: the screen name if there is one, then the display name, then nothing."""
    if profile is None:
        return ""
    username = printable(profile.username or "")
    return f"@{username}" if username else printable(profile.name or "")
