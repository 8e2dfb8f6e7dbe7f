"""Optional libraries: the module, or one sentence with the command that installs it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from twittomatic.dataset.extras import require
from twittomatic.errors import SettingsError


def test_what_is_installed_is_returned() -> None:
    assert require("json", "parquet") is json


@pytest.mark.parametrize("module", ["no_such_library", "no_such_library.part"])
def test_a_missing_library_is_one_sentence_with_the_command(module: str) -> None:
    with pytest.raises(SettingsError) as caught:
        require(module, "parquet")
    assert str(caught.value) == (
        "This needs no_such_library, which is not installed; run: pip install 'twittomatic[parquet]'"
    )


def test_a_library_that_misses_something_else_says_what(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_library.py").write_text("import no_such_library\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "broken_library", raising=False)
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        require("broken_library", "parquet")
