"""What a check of `doctor` found."""

from __future__ import annotations

from typing import NamedTuple

OK, WARNING, FAILED = "ok", "warning", "FAILED"


class Finding(NamedTuple):
    """What one check found, in a sentence."""

    what: str
    verdict: str
    sentence: str
