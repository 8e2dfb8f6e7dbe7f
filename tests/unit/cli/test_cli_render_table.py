"""How wide pictures are where the environment does not say, or says nonsense."""

import io

import pytest
from rich.text import Text

from twittomatic.cli.render.table import PAPER_WIDTH, NumberTable, console


@pytest.mark.parametrize("columns", ["0", "1", "19", "-5", "", "wide", "\u00b2"])
@pytest.mark.parametrize("lines", ["0", "1", "24"])
@pytest.mark.parametrize("is_terminal", [False, True])
def test_a_width_that_cannot_be_is_unknown(
    monkeypatch: pytest.MonkeyPatch, columns: str, lines: str, is_terminal: bool
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("LINES", lines)
    monkeypatch.setenv("TTY_COMPATIBLE" if is_terminal else "UNRELATED", "1")
    monkeypatch.setenv("FORCE_COLOR" if is_terminal else "UNRELATED", "1")
    found = console()
    assert found.width >= 80
    assert found.height >= 5
    found.file = io.StringIO()
    found.print(NumberTable(["spent", "dollars"], [[Text("all"), Text("$12.34")]], ["dollars"]))
    assert "$12.34" in found.file.getvalue()


def test_a_width_that_can_be_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "33")
    assert console().width == 33
    monkeypatch.delenv("COLUMNS")
    assert console().width == PAPER_WIDTH
