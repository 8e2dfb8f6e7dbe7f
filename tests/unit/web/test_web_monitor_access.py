"""The token of the monitor, and who it asks for one."""

from pathlib import Path

import pytest

from twittomatic.errors import SettingsError
from twittomatic.web.monitor.access import Access
from twittomatic.web.token import read_token

SECRET = "a-secret-of-mine"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8"])
def test_on_this_machine_no_token_is_needed_and_there_are_no_buttons(host: str) -> None:
    assert not Access(host, "").has_buttons
    assert Access(host, SECRET).has_buttons


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "crawl.example"])
def test_elsewhere_it_is(host: str) -> None:
    with pytest.raises(SettingsError, match="MONITOR_TOKEN"):
        Access(host, "")
    Access(host, SECRET)


def test_nothing_is_accepted_but_the_token() -> None:
    assert Access("127.0.0.1", SECRET).accepts(SECRET)
    for wrong in ("", "a-secret-of-min", SECRET + "x", "ä"):
        assert not Access("127.0.0.1", SECRET).accepts(wrong)
        assert not Access("127.0.0.1", "").accepts(wrong)


def test_a_token_may_be_in_a_file_that_others_cannot_read(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)
    assert read_token("MONITOR_TOKEN", f"@{path}") == SECRET
    path.chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600") as caught:
        read_token("MONITOR_TOKEN", f"@{path}")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["short", "with a space", "x" * 201, "@/nowhere/at/all", "tab\tin-it-somewhere"]
)
def test_what_is_no_token_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(SettingsError, match="MONITOR_TOKEN") as caught:
        read_token("MONITOR_TOKEN", text)
    assert text.startswith("@") or text not in str(caught.value)
    assert read_token("MONITOR_TOKEN", "") == ""
