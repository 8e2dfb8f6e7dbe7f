"""The functions at which acceptance tests send signals are named in text, which no refactoring follows."""

import re
from importlib import import_module
from operator import attrgetter
from pathlib import Path

import pytest

_TESTS = Path(__file__).parents[1] / "acceptance"
_MOMENT = re.compile(r'"((?:[a-z_]+\.)+[a-z_]+):((?:[A-Z]\w*\.)?[a-z_]\w*)"')
MOMENTS = sorted({name for path in _TESTS.glob("test_*.py") for name in _MOMENT.findall(path.read_text())})


@pytest.mark.parametrize(("module", "name"), MOMENTS)
def test_a_function_named_in_text_exists(module: str, name: str) -> None:
    assert callable(attrgetter(name)(import_module(f"twittomatic.{module}")))


def test_there_are_some() -> None:
    assert len(MOMENTS) > 10
