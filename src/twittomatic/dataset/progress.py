"""How long computations on a dataset report their progress."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Progress: TypeAlias = Callable[[str, int, int | None], None]
"""Called with the current step, how much of it is done, and how much there is; None if that is unknown."""


def no_progress(step: str, done: int, total: int | None) -> None:
    """Ignore progress."""
