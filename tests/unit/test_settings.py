"""Settings: whatever a configuration file holds, one sentence says what is wrong."""

from pathlib import Path

import pytest

from twittomatic.errors import SettingsError
from twittomatic.fetch.credentials import Credentials
from twittomatic.settings import CONFIG_FILE, OPTIONS, load

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


@pytest.mark.parametrize(
    "key", [option.key for option in OPTIONS if option.key.endswith("_directory")] + ["x_user_tokens"]
)
@pytest.mark.parametrize("source", ["flag", "environment", "file"])
def test_a_home_that_nobody_has_is_named_with_its_setting(tmp_path: Path, key: str, source: str) -> None:
    config = tmp_path / "c.toml"
    config.write_text(f'{key} = "~nosuchuser/x"\n' if source == "file" else "")
    with pytest.raises(
        SettingsError, match=f"(?i){key.replace('_', '[_-]')}.* the home directory"
    ) as refused:
        settings = load(
            {key: "~nosuchuser/x"} if source == "flag" else {},
            {f"TWITTOMATIC_{key.upper()}": "~nosuchuser/x"} if source == "environment" else {},
            config,
        )
        Credentials.load(settings.x_bearer_tokens, settings.x_user_tokens)
    assert not str(refused.value).endswith("..")


def test_a_home_that_nobody_has_in_a_file_of_tokens() -> None:
    with pytest.raises(SettingsError, match=r"X_BEARER_TOKENS: .* the home directory"):
        Credentials.load("@~nosuchuser/tokens", "")


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_bytes(b"\xef\xbb\xbfmax_depth = 3\r\n")
    assert load({}, {}, config).max_depth == 3


def test_a_link_to_nothing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / CONFIG_FILE).symlink_to("nowhere")
    for config in (None, Path(CONFIG_FILE)):
        with pytest.raises(SettingsError, match="link to a file that does not exist"):
            load({}, {}, config)
