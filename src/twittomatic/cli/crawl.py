"""`crawl`, `master`, `worker`: the commands that work on a crawl."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

import click

from twittomatic.app.runner import run_async
from twittomatic.cli import sessions, standing, working
from twittomatic.cli.options import EVERYWHERE, settings_options
from twittomatic.cli.supervisor import keep_processes
from twittomatic.errors import SettingsError
from twittomatic.model import MODULES, only_updates
from twittomatic.planning import targets
from twittomatic.settings import Settings

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
"""What the help of a command on a crawl shows."""

NO_TARGET = "Name a TARGET: a user id, an @name, a profile URL, or a file with one a line."
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")


def module_flags(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command a flag for each module: -T -F -A -U."""
    for module, spec in reversed(list(MODULES.items())):
        name = f"letter_{spec.letter.lower()}"
        command = click.option(f"-{spec.letter}", f"--{module}", name, is_flag=True, help=spec.help)(command)
    return command


def chosen_modules(letters: dict[str, bool]) -> str:
    """Return the letters of the flags that were given, in their order.

    Raises:
        SettingsError: none was.
    """
    specs = MODULES.values()
    chosen = "".join(spec.letter for spec in specs if letters[f"letter_{spec.letter.lower()}"])
    if not chosen:
        flags = ", ".join(f"-{spec.letter} {spec.does}" for spec in specs)
        raise SettingsError(f"Say what to do to each target: {flags}.")
    return chosen


def target_flags(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the flags that tell how its TARGETs are read."""
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


@click.command(
    short_help="Crawl targets here, all in one; the same command again resumes.", epilog=EVERYWHERE
)
@module_flags
@click.argument("given", nargs=-1, metavar="TARGET...")
@target_flags
@until_spent_flag
@settings_options(*CRAWL_SETTINGS)
def crawl(
    settings: Settings,
    given: tuple[str, ...],
    column: str | None,
    refresh_names: bool,
    until_spent: bool,
    **letters: bool,
) -> None:
    """Crawl TARGETs here, master and worker in one; the same command again resumes.

    TARGET is a user id, an @name, a profile URL, a file with one of these a line, or - for such a list on
    standard input. -U alone updates every timeline of the
    dataset. Ctrl-C finishes the pages in flight; a second one does not wait for them.
    """
    modules = chosen_modules(letters)
    if not given and not only_updates(modules):
        raise SettingsError(NO_TARGET)
    wanted = targets.read(given, column=column, refresh_names=refresh_names, network=settings.network)
    sys.exit(run_async(sessions.crawl(settings, modules, wanted, until_spent=until_spent)))


@click.command(short_help="Lead a crawl whose workers run elsewhere.", epilog=EVERYWHERE)
@module_flags
@click.option("--stream", metavar="FILE", help="The targets, one a line; not needed to resume a crawl.")
@target_flags
@click.option("--standby", is_flag=True, help="Wait until nobody leads, then take over.")
@until_spent_flag
@settings_options(*CRAWL_SETTINGS, "MAX_ATTEMPTS")
def master(
    settings: Settings,
    stream: str | None,
    column: str | None,
    refresh_names: bool,
    standby: bool,
    until_spent: bool,
    **letters: bool,
) -> None:
    """Lead a crawl: keep the traversal, feed the workers, see the end.

    Workers with the same REDIS_URL and OUTPUT_DIRECTORY do the jobs: `twittomatic worker NAME`.
    """
    modules = chosen_modules(letters)
    wanted = targets.read(
        (stream,) if stream else (), column=column, refresh_names=refresh_names, network=settings.network
    )
    session = standing.stand_by if standby else sessions.lead
    sys.exit(run_async(session(settings, modules, wanted, until_spent=until_spent)))


@click.command(short_help="Work for a master.", epilog=EVERYWHERE)
@click.argument("name")
@click.option(
    "--processes",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="Processes to run; one that dies is started again.",
)
@settings_options(
    "CRAWL",
    "OUTPUT_DIRECTORY",
    "REDIS_URL",
    "X_API_URL",
    "X_BEARER_TOKENS",
    "X_USER_TOKENS",
    "CONCURRENCY",
    "ON_MASTER_LOSS",
)
def worker(settings: Settings, name: str, processes: int) -> None:
    """Work for the master of a crawl, under NAME, until the crawl is finished.

    SIGTERM and Ctrl-C finish the pages in flight and give the jobs back.
    """
    if not _NAME.fullmatch(name):
        raise SettingsError("NAME: 1 to 40 letters, digits and - _ . are allowed, a letter or digit first.")
    if processes > 1:
        sys.exit(keep_processes(name, processes))
    sys.exit(run_async(working.work(settings, name)))
