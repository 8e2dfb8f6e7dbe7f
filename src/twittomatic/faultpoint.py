"""Named places at durable boundaries where a test may make the process die or fail.

In production nothing is armed and `reach` costs one comparison. A test arms a hook before it starts
the code under test; the hook gets the name, and may raise, kill the process, or only take notes.
"""

from __future__ import annotations

from collections.abc import Callable

_hook: Callable[[str], None] | None = None


def reach(name: str) -> None:
    """Tell an armed hook that the execution has come to `name`."""
    if _hook is not None:
        _hook(name)


def arm(hook: Callable[[str], None] | None) -> None:
    """Install `hook` for every point, or remove it with None."""
    global _hook
    _hook = hook
