"""Exit codes of the commands."""

from __future__ import annotations

from typing import Final

FINISHED: Final = 0
FAILED: Final = 1
"""Also: the crawl is finished, but some jobs are dead, or some lists ended too early."""
USAGE: Final = 2
PAUSED: Final = 3
INTERRUPTED: Final = 130
