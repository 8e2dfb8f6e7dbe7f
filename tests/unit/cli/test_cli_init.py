"""The configuration file that `init` writes."""

import textwrap
import tomllib
from pathlib import Path

import pytest

from twittomatic.cli.init import document
from twittomatic.networks.x import limits, prices
from twittomatic.networks.x.prices import LISTED
from twittomatic.settings import OPTIONS, Option, load


def paragraph(option: Option) -> str:
    [found] = [part for part in document().split("\n\n") if f"\n# {option.key} = " in part]
    return found


def prose(text: str) -> str:
    return " ".join(line.removeprefix("# ") for line in text.splitlines())


def test_as_it_is_it_sets_nothing() -> None:
    assert tomllib.loads(document()) == {}


def test_uncommented_it_is_the_defaults(tmp_path: Path) -> None:
    lines = [line.removeprefix("# ") for line in document().splitlines()]
    every = tmp_path / "every.toml"
    every.write_text(
        "\n".join(line for line in lines if line.partition(" = ")[0] in {option.key for option in OPTIONS})
    )
    assert set(tomllib.loads(every.read_text())) == {option.key for option in OPTIONS}
    nothing = tmp_path / "nothing.toml"
    nothing.touch()
    assert load({}, {}, every) == load({}, {}, nothing)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_every_setting_is_explained(option: Option) -> None:
    text = prose(paragraph(option))
    assert option.meaning in text
    assert option.why[1:] in text
    assert ("chmod 600" in text) == option.secret


def test_the_tables_uncommented_are_what_x_documents(tmp_path: Path) -> None:
    text = document()
    tables = text[text.index("# [prices]") :].replace("# ", "")
    config = tmp_path / "tables.toml"
    config.write_text(
        "\n".join(line for line in tables.splitlines() if " = " in line or line.startswith("["))
    )
    settings = load({}, {}, config)
    given, listed = prices.of(settings.prices), LISTED
    assert (given.post, given.user, given.follower) == (listed.post, listed.user, listed.follower)
    assert given.as_of == listed.as_of
    assert limits.of(settings.limits).by_kind == limits.DOCUMENTED.by_kind


def test_tokens_belong_into_a_file_of_their_own() -> None:
    [tokens] = [option for option in OPTIONS if option.name == "X_BEARER_TOKENS"]
    assert "@FILE here, after `chmod 600 FILE`" in prose(paragraph(tokens))


def test_no_line_is_longer_than_a_terminal_is_wide() -> None:
    assert all(len(line) <= 100 for line in document().splitlines())
    assert textwrap.dedent(document()) == document()
