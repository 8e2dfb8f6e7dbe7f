"""What is in deploy/, and the command line that its files must keep to."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from twittomatic.cli import commands
from twittomatic.settings import ENVIRONMENT_PREFIX, Settings, load

DEPLOY = Path(__file__).parents[3] / "deploy"


@pytest.fixture
def deploy() -> Path:
    return DEPLOY


def missing(what: str) -> None:
    """Skip, or fail in CI: what a test needs is not here."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing")
    pytest.skip(f"{what} is missing")


@pytest.fixture
def needs() -> Callable[[str], None]:
    return missing


def read_environment(path: Path) -> dict[str, str]:
    """Read a file of lines NAME=value."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


@pytest.fixture
def environment_of() -> Callable[[Path], dict[str, str]]:
    return read_environment


def check_command(arguments: Sequence[str]) -> str:
    """Parse a command line as `twittomatic` does, and return its name; click refuses what is wrong."""
    with commands.cli.make_context("twittomatic", list(arguments)) as context:
        name, command, rest = commands.cli.resolve_command(context, list(arguments))
        assert name
        assert command
        command.make_context(name, rest, parent=context).close()
        return name


@pytest.fixture
def accepted() -> Callable[[Sequence[str]], str]:
    return check_command


def check_settings(environment: Mapping[str, str]) -> Settings:
    """Read settings as `twittomatic` does, which refuses an unknown one and a bad value."""
    ours = {name: value for name, value in environment.items() if name.startswith(ENVIRONMENT_PREFIX)}
    return load({}, ours, Path(os.devnull))


@pytest.fixture
def settings_of() -> Callable[[Mapping[str, str]], Settings]:
    return check_settings
