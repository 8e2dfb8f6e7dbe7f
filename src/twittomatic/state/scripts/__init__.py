"""The Lua scripts, each one atomic change. A line `-- use NAME` is replaced by the text of `NAME.lua`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def source(name: str) -> str:
    """Return the text of a script with what it uses put in place."""
    text = files(__package__).joinpath(f"{name}.lua").read_text(encoding="utf-8")
    return "\n".join(
        source(line.removeprefix("-- use ").strip()) if line.startswith("-- use ") else line
        for line in text.splitlines()
    )
