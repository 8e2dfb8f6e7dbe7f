"""Every setting is a flag, of every command that has settings."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from twittomatic.cli import commands as app
from twittomatic.cli.options import EVERYWHERE, settings_options
from twittomatic.errors import SettingsError
from twittomatic.settings import OPTIONS, Settings

WITHOUT_SETTINGS = {"init", "emulator", "demo"}
SECRET = "s3cret-t0ken"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@click.command()
@settings_options("MAX_DEPTH", "X_BEARER_TOKENS")
@click.argument("word")
def show(settings: Settings, word: str) -> None:
    click.echo(f"{word} {settings.max_depth} {settings.expand_referenced} {settings}")


def commands() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(app.cli)
    for name in app.COMMANDS:
        command = app.cli.get_command(context, name)
        assert command
        if isinstance(command, click.Group):
            yield from ((f"{name} {lower}", found) for lower, found in command.commands.items())
        elif name not in WITHOUT_SETTINGS:
            yield name, command


@pytest.mark.parametrize(("name", "command"), list(commands()))
def test_every_setting_is_a_flag_of_every_command(name: str, command: click.Command) -> None:
    flags = {flag for parameter in command.params for flag in parameter.opts}
    assert {option.flag for option in OPTIONS if option.has_flag} <= flags, name
    assert flags.isdisjoint({option.flag for option in OPTIONS if not option.has_flag}), name
    assert "--config" in flags
    assert command.epilog == EVERYWHERE


def ran(*arguments: str, **environment: str) -> str:
    done = CliRunner().invoke(show, ["word", *arguments], env=environment, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_flag_before_environment_before_file_before_default() -> None:
    Path("twittomatic.toml").write_text("max_depth = 1\n")
    Path("other.toml").write_text("max_depth = 4\n")
    assert ran("--max-depth", "3", TWITTOMATIC_MAX_DEPTH="2").startswith("word 3 ")
    assert ran(TWITTOMATIC_MAX_DEPTH="2").startswith("word 2 ")
    assert ran().startswith("word 1 ")
    assert ran("--config", "other.toml").startswith("word 4 ")
    Path("twittomatic.toml").unlink()
    assert ran().startswith("word 0 ")


@pytest.mark.parametrize(("given", "value"), [("true", "True"), ("false", "False"), ("yes", "True")])
def test_a_switch_takes_its_value(given: str, value: str) -> None:
    assert ran("--expand-referenced", given).startswith(f"word 0 {value} ")


def test_help_shows_what_matters_and_hides_the_rest_which_works_too() -> None:
    shown = CliRunner().invoke(show, ["--help"], env={"TWITTOMATIC_X_BEARER_TOKENS": SECRET}).output
    assert "--max-depth" in shown
    assert "[default: 0]" in shown
    assert "--carbon-port" not in shown
    assert SECRET not in shown
    assert "carbon_port=2004" in ran("--carbon-port", "2004")


def test_a_secret_is_in_no_output() -> None:
    shown = ran("--x-bearer-tokens", SECRET, "--redis-url", f"redis://:{SECRET}@127.0.0.1")
    assert SECRET not in shown
    assert "***" in shown
    with pytest.raises(SettingsError) as refused:
        ran("--redis-url", f"http://:{SECRET}@127.0.0.1")
    assert "--redis-url" in str(refused.value)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (["--x-bearer-tokens", SECRET], "TWITTOMATIC_X_BEARER_TOKENS, or as @FILE."),
        (["--redis-url", f"redis://:{SECRET}@127.0.0.1"], "TWITTOMATIC_REDIS_URL."),
        (["--monitor-token", SECRET], "TWITTOMATIC_MONITOR_TOKEN, or as @FILE."),
        (["--x-bearer-tokens", "@tokens.txt", "--redis-url", "redis://127.0.0.1"], ""),
        ([], ""),
    ],
)
def test_a_secret_on_the_command_line_is_warned_of_once(flags: list[str], named: str) -> None:
    done = CliRunner().invoke(show, [*flags, "word"], env={"TWITTOMATIC_LOOKUP_TOKEN": SECRET})
    assert done.exit_code == 0
    assert done.stderr.count("every user of this machine") == bool(named)
    assert named in done.stderr
    assert SECRET not in done.stderr
