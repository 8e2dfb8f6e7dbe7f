"""The Lua scripts, by their heads."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path

from twittomatic.state import scripts


def markdown() -> str:
    folder = Path(scripts.__file__).parent
    return "\n\n".join(
        f"### {path.relative_to(folder).with_suffix('')}\n\n```text\n{_head(path)}\n```"
        for path in sorted(folder.rglob("*.lua"))
    )


def _head(path: Path) -> str:
    lines = [*takewhile(lambda line: line.startswith("--"), path.read_text(encoding="utf-8").splitlines())]
    if not lines:
        raise LookupError(f"{path.name} has no head")
    return "\n".join(line.removeprefix("--").removeprefix(" ") for line in lines)
