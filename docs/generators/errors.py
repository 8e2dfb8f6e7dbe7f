"""The errors, with what a worker does about each and the exit code of a command that ends with it."""

from __future__ import annotations

from collections.abc import Iterator

from generators import docstrings
from twittomatic.cli.commands import exit_code
from twittomatic.cli.exitcodes import INTERRUPTED
from twittomatic.errors import Disposition, Interrupted, TwittomaticError, disposition

_WORKER = {
    Disposition.DELAY: "delays the job; after MAX_ATTEMPTS it is dead",
    Disposition.PAUSE: "gives the job back and pauses the crawl",
    Disposition.ABANDON: "drops the job, which another worker owns",
    Disposition.RELEASE: "gives the job back at once",
    Disposition.BURY: "marks the job dead, with this reason",
    Disposition.STOP: "gives the job back and ends",
}


def markdown() -> str:
    rows = [_row(kind, depth) for depth, kind in _tree(TwittomaticError, 0)]
    return "\n".join(["| error | meaning | a worker | exit code |", "|---|---|---|---|", *rows])


def _tree(kind: type[TwittomaticError], depth: int) -> Iterator[tuple[int, type[TwittomaticError]]]:
    yield depth, kind
    for child in kind.__subclasses__():
        if child.__module__ == kind.__module__:
            yield from _tree(child, depth + 1)


def _row(kind: type[TwittomaticError], depth: int) -> str:
    """Return the row of an error; what follows from one does not depend on its arguments."""
    error = kind.__new__(kind)
    code = INTERRUPTED if issubclass(kind, Interrupted) else exit_code(error)
    meaning = docstrings.cell(docstrings.text(kind, kind.__name__))
    indent = "&nbsp;&nbsp;" * depth
    return f"| {indent}`{kind.__name__}` | {meaning} | {_WORKER[disposition(error)]} | {code} |"
