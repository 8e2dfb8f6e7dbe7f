"""The Lua scripts, in folders by subject; each makes one atomic change. `lib/` is what they share.

A line `-- use FOLDER/NAME` is replaced by the text of `FOLDER/NAME.lua`.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def source(name: str) -> str:
    """Return the text of a script, such as `jobs/commit`, with the scripts that it uses inserted."""
    text = files(__package__).joinpath(f"{name}.lua").read_text(encoding="utf-8")
    return "\n".join(
        source(line.removeprefix("-- use ").strip()) if line.startswith("-- use ") else line
        for line in text.splitlines()
    )
