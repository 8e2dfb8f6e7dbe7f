"""Fault points: named places after durable steps, where a test can make the process fail or die.

In production no hook is armed, and `reach` costs one comparison. A test arms a hook before it starts the code
under test; the hook receives the name, and may raise, kill the process, or only record it.
"""

from __future__ import annotations

from collections.abc import Callable

_hook: Callable[[str], None] | None = None


def reach(name: str) -> None:
    """Call the armed hook, if any, with the name of the point."""
    if _hook is not None:
        _hook(name)


def arm(hook: Callable[[str], None] | None) -> None:
    """Install `hook` for all points; None removes it."""
    global _hook
    _hook = hook
