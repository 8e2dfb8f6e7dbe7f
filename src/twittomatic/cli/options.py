"""Every setting is a flag of every command that uses settings."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from twittomatic.settings import CONFIG_FILE, ENVIRONMENT_PREFIX, OPTIONS, load

STATE_SETTINGS = ("CRAWL", "REDIS_URL", "STATE_DIRECTORY")
"""What the help of a command that only visits a crawl shows."""
_FLAGS = tuple(option for option in OPTIONS if option.has_flag)


def settings_options(*shown: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command all settings as flags, and the `Settings` as its first argument.

    Args:
        shown: Names of those that its help lists; the others work too, and `init` explains them.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def called(*args: Any, config: str | None, **values: Any) -> Any:
            flags = {option.key: values.pop(f"setting_{option.key}") for option in _FLAGS}
            settings = load(flags, os.environ, Path(config) if config else None)
            _warn_of_secrets(flags)
            return command(settings, *args, **values)

        wrapped: Callable[..., Any] = called
        for option in reversed(_FLAGS):
            default = "" if option.secret or not option.default else f"  [default: {option.default}]"
            wrapped = click.option(
                option.flag,
                f"setting_{option.key}",
                metavar="VALUE",
                hidden=option.name not in shown,
                help=option.meaning + default,
            )(wrapped)
        return click.option(
            "--config",
            metavar="FILE",
            help=f"Configuration file.  [default: {CONFIG_FILE} in the working directory, if there is one]",
        )(wrapped)

    return decorate


def handed_on() -> tuple[list[str], list[str], dict[str, str]]:
    """Return the flags before and after a command, and the environment, that give it this one's settings.

    Settings travel in the environment, since every user of the machine can read the arguments of a process.
    """
    context = click.get_current_context()
    given = {option: context.params[f"setting_{option.key}"] for option in _FLAGS}
    settings = {ENVIRONMENT_PREFIX + option.name: text for option, text in given.items() if text is not None}
    config = context.params["config"]
    return (
        ["--traceback"] if context.obj else [],
        ["--config", config] if config else [],
        {**os.environ, **settings},
    )


def _warn_of_secrets(flags: Mapping[str, str | None]) -> None:
    for option in _FLAGS:
        text = flags[option.key] or ""
        is_password = "://" not in text or "@" in text.partition("://")[2]
        if option.secret and text and not text.startswith("@") and is_password:
            file = "" if "://" in text else ", or as @FILE"
            click.echo(
                f"{option.flag}: every user of this machine can read the secret on this command line; "
                f"give it as {ENVIRONMENT_PREFIX}{option.name}{file}.",
                err=True,
            )


EVERYWHERE = (
    f"Every setting is a variable {ENVIRONMENT_PREFIX}<NAME>, a line in {CONFIG_FILE} or, except for "
    f"{' and '.join(option.name for option in OPTIONS if not option.has_flag)}, a flag: "
    "`twittomatic init` writes one that explains them all."
)
"""The last line of each command's help."""
