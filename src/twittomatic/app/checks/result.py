"""What a check found."""

from __future__ import annotations

from typing import NamedTuple

OK, WARNING, FAILED = "ok", "warning", "FAILED"


class CheckResult(NamedTuple):
    """The result of one check: its subject, its verdict, and one sentence."""

    what: str
    verdict: str
    sentence: str
