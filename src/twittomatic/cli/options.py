"""The flags that commands share: every setting, the modules, and how targets are read."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from twittomatic.errors import SettingsError
from twittomatic.model import MODULES
from twittomatic.settings import CONFIG_FILE, ENVIRONMENT_PREFIX, OPTIONS, load

STATE_SETTINGS = ("CRAWL", "REDIS_URL", "STATE_DIRECTORY")
"""Settings listed in the help of commands that only visit a crawl."""
CRAWL_SETTINGS = (
    "CRAWL",
    "OUTPUT_DIRECTORY",
    "REDIS_URL",
    "STATE_DIRECTORY",
    "X_API_URL",
    "X_BEARER_TOKENS",
    "X_USER_TOKENS",
    "BUDGET_USD",
    "TRAVERSAL",
    "MAX_DEPTH",
    "SELECT",
    "PRIORITY",
    "MAX_FOLLOWERS",
    "MAX_POSTS",
    "REFRESH_OLDER_THAN",
    "EXPAND_REFERENCED",
    "CONCURRENCY",
    "LEASE_S",
)
"""Settings listed in the help of commands that run a crawl."""
_FLAGS = tuple(option for option in OPTIONS if option.has_flag)


def seed_option(help: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command `--seed`: a number that every generator of random numbers takes."""
    kind = click.IntRange(0, 2**31 - 1)
    return click.option("--seed", type=kind, default=1, show_default=True, metavar="N", help=help)


def settings_options(*shown: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command all settings as flags, and the `Settings` as its first argument.

    Args:
        shown: Names of the settings in its help; the others work too, and `init` explains them.
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
    """Return the flags before and after a command, and the environment, that hand on this command's settings.

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


def module_flags(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command a flag for each module: -T -F -A -U."""
    for module, spec in reversed(list(MODULES.items())):
        name = f"letter_{spec.letter.lower()}"
        command = click.option(f"-{spec.letter}", f"--{module}", name, is_flag=True, help=spec.help)(command)
    return command


def chosen_modules(letters: Mapping[str, bool]) -> str:
    """Return the letters of the module flags that were given, in their order.

    Raises:
        SettingsError: none was given.
    """
    specs = MODULES.values()
    chosen = "".join(spec.letter for spec in specs if letters[f"letter_{spec.letter.lower()}"])
    if not chosen:
        flags = ", ".join(f"-{spec.letter} {spec.does}" for spec in specs)
        raise SettingsError(f"Choose what to do with each target: {flags}.")
    return chosen


def target_flags(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the flags that say how its TARGETs are read."""
    for flag in (
        click.option("--refresh-names", is_flag=True, help="Look up again which users the @names belong to."),
        click.option(
            "--column",
            metavar="NAME",
            help="Read this column of the files, which are CSV with a header.",
        ),
    ):
        command = flag(command)
    return command


until_spent_flag = click.option(
    "--until-spent",
    is_flag=True,
    help="Crawl until the money is used up, even if BUDGET_USD does not suffice.",
)


EVERYWHERE = (
    f"Every setting is a variable {ENVIRONMENT_PREFIX}<NAME>, a line in {CONFIG_FILE} or, except for "
    f"{' and '.join(option.name for option in OPTIONS if not option.has_flag)}, a flag: "
    "`twittomatic init` writes one that explains them all."
)
"""Last line of each command's help."""
