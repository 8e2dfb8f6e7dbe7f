"""Settings: whatever a configuration file holds, one sentence says what is wrong."""

from pathlib import Path

import pytest

from twittomatic.errors import SettingsError
from twittomatic.settings import load

DIGITS = "9" * 5000


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f"max_posts = {DIGITS}", "it holds a number too long"),
        (f"[prices]\nuser = {DIGITS}", "it holds a number too long"),
        ("max_posts = 0x" + "f" * 5000, "max_posts: give a text, a number"),
        ("[limits]\nfollowers = 0x" + "f" * 5000, r"\[limits\] followers: give a number"),
        ("select = " + "[" * 5000, "lists too deep"),
        ("max_posts = ", "not valid TOML"),
    ],
)
def test_a_file_beyond_what_python_reads(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "odd.toml"
    path.write_text(content)
    with pytest.raises(SettingsError, match=said) as caught:
        load({}, {}, path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 400
