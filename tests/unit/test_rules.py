"""Rules of the house that no tool knows; see CONTRIBUTING.md."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import twittomatic
from twittomatic import errors
from twittomatic.errors import DISPOSITIONS, Disposition, TwittomaticError, disposition
from twittomatic.state import events

ROOT = Path(__file__).parents[2]
SOURCE = Path(twittomatic.__file__).parent
MOST_LINES = 500
EVERYTHING = ("src", "tests", "benchmarks", "docs")
CODE = {".py", ".lua", ".js", ".css", ".html"}


def files(*directories: str) -> list[Path]:
    return [
        path
        for directory in directories
        for path in sorted((ROOT / directory).rglob("*"))
        if path.suffix in CODE and path.is_file() and "__pycache__" not in path.parts
    ]


def kinds(base: type[Any]) -> Iterator[type[Any]]:
    for kind in base.__subclasses__():
        if kind.__module__.startswith("twittomatic."):
            yield kind
            yield from kinds(kind)


def test_no_file_is_too_long() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in files(*EVERYTHING)}
    assert {path: length for path, length in lengths.items() if length > MOST_LINES} == {}


def test_every_error_has_a_disposition_of_its_own_or_of_its_kind() -> None:
    found = list(kinds(TwittomaticError))
    assert errors.LeaseLost in found
    by_chance = [kind for kind in found if not {*kind.__mro__} & {*DISPOSITIONS} - {Exception}]
    assert by_chance == [], "these are buried as if they were faults of Twittomatic"
    for kind in found:
        error = kind.__new__(kind)
        assert isinstance(disposition(error), Disposition)


def test_every_error_is_drawn_in_the_tree() -> None:
    drawn = set(re.findall(r"^[│├└─ ]*([A-Z]\w+)", str(errors.__doc__), re.MULTILINE))
    ours = {kind.__name__ for kind in kinds(TwittomaticError) if kind.__module__ == errors.__name__}
    assert ours <= drawn


def test_every_event_of_a_script_can_be_read() -> None:
    scripts = [path for path in files("src") if path.suffix == ".lua"]
    written = {
        name
        for path in scripts
        for name in re.findall(r"""["']?type["']?\s*[:=]\s*["']([A-Z]\w+)["']""", path.read_text())
    }
    assert {"CrawlFinished", "JobDied"} <= written
    assert written <= {kind.__name__ for kind in events.Event.__args__}


class _Sleeps(ast.NodeVisitor):
    """Collects calls of `sleep`, but not in loops that check a condition, clocks and slow servers."""

    def __init__(self) -> None:
        self.found: list[int] = []
        self._loops = 0

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        if node.name != "sleep":
            self.generic_visit(node)

    def visit_While(self, node: ast.While) -> None:
        self._loops += 1
        self.generic_visit(node)
        self._loops -= 1

    def visit_Call(self, node: ast.Call) -> None:
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        yields = node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0
        is_asked_for = node.args and isinstance(node.args[0], ast.Name)
        if name == "sleep" and not (self._loops or yields or is_asked_for):
            self.found.append(node.lineno)
        self.generic_visit(node)


def test_no_test_waits_for_a_time() -> None:
    for path in files("tests"):
        if path.suffix == ".py":
            sleeps = _Sleeps()
            sleeps.visit(ast.parse(path.read_text()))
            assert sleeps.found == [], f"{path}: wait for a condition, with a deadline"


def test_no_test_looks_outside_of_the_repository() -> None:
    for path in files("tests"):
        for levels in re.findall(r"__file__\)\.parents\[(\d+)\]", path.read_text()):
            assert int(levels) < len(path.relative_to(ROOT).parts), path


def test_only_the_state_speaks_to_redis() -> None:
    """Elsewhere no command is sent, and no client is imported: functions of `state/` do both."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        if (SOURCE / "state") in path.parents:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(
                    func=ast.Attribute(attr="call" | "run", value=ast.Attribute() | ast.Name() as of)
                ):
                    name = of.attr if isinstance(of, ast.Attribute) else of.id
                    is_found = name.endswith("connection")
                case ast.Import(names=names):
                    is_found = any(name.name.partition(".")[0] == "redis" for name in names)
                case ast.ImportFrom(module=str(module)):
                    is_found = module.partition(".")[0] == "redis"
                case ast.Attribute(attr="redis"):
                    is_found = True
                case _:
                    is_found = False
            if is_found:
                found.append(f"{path.relative_to(SOURCE)}:{node.lineno}")  # type: ignore[attr-defined]
    assert found == []
