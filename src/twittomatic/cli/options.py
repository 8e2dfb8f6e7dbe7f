"""Every setting is a flag of every command that uses settings."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from twittomatic.settings import CONFIG_FILE, ENVIRONMENT_PREFIX, OPTIONS, load

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


EVERYWHERE = (
    f"Every setting is a variable {ENVIRONMENT_PREFIX}<NAME>, a line in {CONFIG_FILE} or, except for "
    f"{' and '.join(option.name for option in OPTIONS if not option.has_flag)}, a flag: "
    "`twittomatic init` writes one that explains them all."
)
"""The last line of each command's help."""
