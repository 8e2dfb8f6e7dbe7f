"""Settings: whatever a configuration file holds, one sentence says what is wrong."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from rich.pretty import pretty_repr

from twittomatic.crawler.options import CrawlOptions
from twittomatic.errors import SettingsError
from twittomatic.fetch.credentials import Credentials
from twittomatic.settings import CONFIG_FILE, OPTIONS, CrawlSettings, Option, Section, Settings, load

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
def test_a_home_that_does_not_exist_is_named_with_its_setting(tmp_path: Path, key: str, source: str) -> None:
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


def test_a_home_that_does_not_exist_in_a_file_of_tokens() -> None:
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


def test_every_field_is_an_option_or_a_table() -> None:
    assert {option.key for option in OPTIONS} | {"prices", "limits", "network_settings"} == set(
        Settings.__struct_fields__
    )


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_an_option_is_fully_described(option: Option) -> None:
    assert option.meaning.endswith(".")
    assert option.why and not option.why.endswith(".")
    assert option.allowed
    default = getattr(Settings(), option.key)
    assert option.value(option.default, "") == (None if option.parse.none == option.default else default)


def test_options_are_listed_by_section() -> None:
    sections = [option.section for option in OPTIONS]
    assert sections == sorted(sections, key=list(Section).index)
    assert set(sections) == set(Section)


@pytest.mark.parametrize(
    ("key", "given", "value"),
    [
        ("budget_usd", 25, 25.0),
        ("budget_usd", Decimal("12.50"), 12.5),
        ("budget_usd", None, None),
        ("budget_usd", "25", 25.0),
        ("max_depth", 2, 2),
        ("max_depth", np.int64(2), 2),
        ("max_depth", "unlimited", 1_000_000),
        ("max_posts", None, None),
        ("max_posts", "none", None),
        ("refresh_older_than", timedelta(hours=36), timedelta(hours=36)),
        ("refresh_older_than", "36h", timedelta(hours=36)),
        ("refresh_older_than", None, None),
        ("expand_referenced", True, True),
        ("shortfall", 0.25, 0.25),
        ("output_directory", "out", Path("out")),
        ("output_directory", Path("out"), Path("out")),
        ("x_bearer_tokens", ["a", "b"], "a,b"),
    ],
)
def test_python_values_and_texts_are_both_valid(key: str, given: Any, value: object) -> None:
    for settings in (Settings(**{key: given}), Settings.load(environment={}, **{key: given})):
        assert getattr(settings, key) == value
        assert type(getattr(settings, key)) is type(value)
        assert msgspec.structs.replace(settings, crawl="other") == msgspec.structs.replace(
            Settings(**{key: value}), crawl="other"
        ), "a value that was checked can be checked again"


@pytest.mark.parametrize(
    ("key", "given", "said"),
    [
        (
            "max_depth",
            -1,
            "max_depth: -1 is not allowed; give a whole number from 0 to 1000000",
        ),
        ("max_depth", 1.5, "max_depth: 1.5 is not allowed"),
        ("max_depth", True, "max_depth: True is not allowed"),
        ("max_depth", None, "max_depth: None is not allowed"),
        ("max_depth", 2**64, "max_depth: this number is not allowed"),
        ("max_depth", b"1" * 500, "max_depth: b'1111"),
        ("budget_usd", float("nan"), "budget_usd: nan is not allowed; give dollars"),
        ("traversal", "up", "traversal: 'up' is not allowed; give bfs or dfs or priority"),
        ("refresh_older_than", timedelta(seconds=0.5), "refresh_older_than: datetime.timedelta"),
        ("x_api_url", "http://ada:s3cret@", "x_api_url: "),
    ],
)
def test_a_bad_python_value_is_named(key: str, given: Any, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings(**{key: given})
    assert said in str(caught.value)
    assert len(str(caught.value)) < 400


def test_load_goes_from_values_to_environment_to_file_to_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TWITTOMATIC_MAX_DEPTH", "2")
    Path(CONFIG_FILE).write_text("max_depth = 1\nmax_posts = 7\n[prices]\nuser = 0.5\n")
    Path("other.toml").write_text("max_posts = 8\n")

    settings = Settings.load(budget_usd=25)

    assert (settings.max_depth, settings.max_posts, settings.budget) == (2, 7, 25_000_000)
    assert settings.prices == {"user": 0.5}
    assert Settings.load(max_depth=3).max_depth == 3
    assert Settings.load("other.toml", environment={}).max_posts == 8
    assert Settings() == Settings.load("other.toml", environment={}, max_posts=3_200)


def test_an_unknown_name_is_named() -> None:
    with pytest.raises(SettingsError, match="depths: no such setting; the settings are crawl, output_dir"):
        Settings.load(environment={}, depths=1)
    with pytest.raises(SettingsError, match="TWITTOMATIC_HOPS: no such setting; the settings are CRAWL"):
        Settings.load(environment={"TWITTOMATIC_HOPS": "1"})


def test_a_similar_setting_is_suggested(tmp_path: Path) -> None:
    for name in ("max_dept", "MAX_DEPTH"):
        with pytest.raises(SettingsError, match=rf"^{name}: no such setting; did you mean max_depth\?$"):
            Settings.load(environment={}, **{name: 1})
    with pytest.raises(
        SettingsError, match=r"TWITTOMATIC_BUDGET: no such setting; did you mean BUDGET_USD\?"
    ):
        Settings.load(environment={"TWITTOMATIC_BUDGET": "25"})
    config = tmp_path / "twittomatic.toml"
    config.write_text("bearer_tokens = 'x'\n")
    with pytest.raises(
        SettingsError, match=r"bearer_tokens: no such setting; did you mean x_bearer_tokens\?"
    ):
        Settings.load(config, environment={})


def test_directories_that_follow_from_others() -> None:
    settings = Settings(output_directory=Path("out"), state_directory=Path("state"))
    assert settings.temporary_directory == Path("out/.tmp")
    assert settings.lookup_directory == Path("state/lookup")
    assert Settings(temporary_directory=Path("tmp")).temporary_directory == Path("tmp")


@pytest.mark.parametrize(
    "option", [option for option in OPTIONS if option.secret], ids=lambda option: option.name
)
def test_no_representation_shows_a_secret(option: Option) -> None:
    scheme = {"redis_url": "redis://:", "elasticsearch_url": "http://u:"}.get(option.key, "")
    settings = Settings(**{option.key: f"{scheme}s3cret{'@host' if scheme else ''}"})
    assert "s3cret" in getattr(settings, option.key)
    assert "s3cret" not in repr(settings) + str(settings) + pretty_repr(settings)
    with pytest.raises(SettingsError) as caught:
        Settings(**{option.key: ["s3cret", 1]})
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://me:s3cret@host", "http://me:s3/c ret@host", "http://s3cret@host/api"]
)
def test_the_url_of_the_api_takes_no_password(url: str) -> None:
    with pytest.raises(SettingsError, match="x_api_url: 'http://\\*\\*\\*@host") as caught:
        Settings(x_api_url=url)
    assert "s3" not in str(caught.value)
    shown = Settings(carbon_host="host", select='url == "http://a" && name == "@b"')
    assert "http://a" in repr(shown)


def test_a_crawl_keeps_the_settings_that_its_processes_share() -> None:
    settings = Settings(budget_usd=25, max_posts=None, refresh_older_than=timedelta(days=30), lease_s=5)

    options = CrawlOptions.read(CrawlOptions.of("TF", settings).written())

    for name in CrawlSettings.__struct_fields__:
        assert getattr(options, name) == ("" if name == "priority" else getattr(settings, name))
    assert options.budget == 25_000_000
    assert options.refresh_older_than_s == 30 * 86_400
