"""Documents name what exists, and describe what a script may read."""

import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest

from twittomatic.app.status import document
from twittomatic.state.status import CrawlStatus

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def checked_names(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    pytest.importorskip("sphinx")
    monkeypatch.syspath_prepend(str(DOCS))
    return importlib.import_module("checked_names")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("see `src/twittomatic/nowhere.py`", "no such file: src/twittomatic/nowhere.py"),
        ("see `tests/conftest.py::test_nothing`", "no such test: tests/conftest.py::test_nothing"),
        ("see `twittomatic.nowhere`", "no such module: twittomatic.nowhere"),
        ("```\ntwittomatic crwl -F @name\n```", "no such command: twittomatic crwl"),
        ("twittomatic crawl -F --budget-usb 25 @name", "no such flag: --budget-usb"),
        ("raise BUDGET_USB", "no such setting: BUDGET_USB"),
        ("export TWITTOMATIC_BUDGET_USB=25", "no such setting: TWITTOMATIC_BUDGET_USB"),
    ],
)
def test_a_name_that_leads_nowhere_is_found(checked_names: ModuleType, text: str, problem: str) -> None:
    assert list(checked_names._problems(text)) == [problem]


def test_names_that_exist_are_accepted(checked_names: ModuleType) -> None:
    text = (
        "`src/twittomatic/errors.py`, `tests/unit/test_documents.py::test_names_that_exist_are_accepted`,\n"
        "`twittomatic.storage.formats`, `--budget-usd`, BUDGET_USD, TWITTOMATIC_BUDGET_USD and HTTPS_PROXY:\n"
        "twittomatic crawl -F --max-depth 1 --until-spent @name\n"
    )
    assert list(checked_names._problems(text)) == []


def test_every_key_of_the_status_is_documented() -> None:
    page = (DOCS / "reference" / "commands.md").read_text()
    described = re.findall(r"`(\w+)`", page[page.index("\n## status") : page.index("\n## Each command")])
    assert set(document(CrawlStatus(crawl="any"))) <= set(described)
