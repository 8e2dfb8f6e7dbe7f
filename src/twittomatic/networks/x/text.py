"""Makes text from the network fit to be shown: printable, short, without anything that may be a secret."""

from __future__ import annotations

import re

_LONGEST = 160
_CONSIDERED = 4096  # more of a text is not even looked at

# Bearer tokens, and pagination tokens with them, are long runs of these characters; X's own words of that
# length are lower-case with hyphens, and the longest id has 19 digits.
_SECRET = re.compile(r"(?i:\bbearer\s+\S+)|(?=[a-z_-]*[A-Z0-9%+=~])[A-Za-z0-9_%+=~-]{20,}")


def printable(text: str) -> str:
    """Return text as part of one line: at most 160 characters, what could be a token as `***`."""
    hidden = _SECRET.sub("***", text[:_CONSIDERED])
    clean = "".join(c if c.isprintable() else " " for c in hidden)
    line = " ".join(clean.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
