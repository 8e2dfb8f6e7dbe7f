"""Sanitize text from the network for display: printable, short, without possible secrets."""

from __future__ import annotations

import re

_LONGEST = 160
_CONSIDERED = 4096  # the rest of a text is ignored

# Bearer tokens, and pagination tokens with them, are long runs of these characters; X's own words of that
# length are lower-case with hyphens, and the longest id has 19 digits.
_SECRET = re.compile(r"(?i:\bbearer\s+\S+)|(?=[a-z_-]*[A-Z0-9%+=~])[A-Za-z0-9_%+=~-]{20,}")


def printable(text: str) -> str:
    """Return text on one line, at most 160 characters long, with possible tokens replaced by `***`."""
    hidden = _SECRET.sub("***", text[:_CONSIDERED])
    clean = "".join(c if c.isprintable() else " " for c in hidden)
    line = " ".join(clean.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
