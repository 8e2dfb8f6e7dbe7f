"""`crawl`, `master` and `worker`: the commands that work on a crawl."""

from __future__ import annotations

import re
import sys

import click

from twittomatic.app.crawl import Crawl
from twittomatic.app.lead import lead
from twittomatic.app.standby import stand_by
from twittomatic.app.work import work
from twittomatic.cli.observer import Terminal
from twittomatic.cli.options import (
    CRAWL_SETTINGS,
    EVERYWHERE,
    chosen_modules,
    module_flags,
    settings_options,
    target_flags,
)
from twittomatic.cli.render.outcome import show_result, show_worker_result
from twittomatic.cli.runner import run_async
from twittomatic.cli.supervisor import keep_processes
from twittomatic.errors import SettingsError
from twittomatic.model import only_updates
from twittomatic.planning.targets import Targets
from twittomatic.planning.targets import read as read_targets
from twittomatic.settings import Settings

NO_TARGET = "Name a TARGET: a user id, an @name, a profile URL, or a file with one a line."
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")

until_spent_flag = click.option(
    "--until-spent",
    is_flag=True,
    help="Crawl until the money is used up, even if BUDGET_USD does not suffice.",
)


@click.command(short_help="Crawl targets in one process; the same command resumes.", epilog=EVERYWHERE)
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
    """Crawl TARGETs, with master and worker in this process; the same command resumes the crawl.

    TARGET is a user id, an @name, a profile URL, a file with one of these a line, or - for such a list on
    standard input. -U alone updates every timeline of the
    dataset. Ctrl-C finishes the pages in flight; a second one does not wait for them.
    """
    modules = chosen_modules(letters)
    if not given and not only_updates(modules):
        raise SettingsError(NO_TARGET)
    wanted = read_targets(given, column=column, refresh_names=refresh_names, network=settings.network)
    sys.exit(run_async(run_crawl(settings, modules, wanted, until_spent=until_spent)))


async def run_crawl(settings: Settings, modules: str, wanted: Targets, *, until_spent: bool = False) -> int:
    """Crawl, print what happens, and return the exit code."""
    async with Crawl(settings, modules, observer=Terminal(), until_spent=until_spent, logs=True) as running:
        return show_result(await running.complete(wanted), settings)


@click.command(short_help="Lead a crawl whose workers run elsewhere.", epilog=EVERYWHERE)
@module_flags
@click.option("--stream", metavar="FILE", help="The targets, one a line; not needed to resume a crawl.")
@target_flags
@click.option("--standby", is_flag=True, help="Wait until no master leads, then take over.")
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
    """Lead a crawl: run the traversal, feed the workers, detect the end.

    Workers with the same REDIS_URL and OUTPUT_DIRECTORY do the jobs: `twittomatic worker NAME`.
    """
    modules = chosen_modules(letters)
    wanted = read_targets(
        (stream,) if stream else (), column=column, refresh_names=refresh_names, network=settings.network
    )
    session = stand_by if standby else lead
    result = run_async(session(settings, modules, wanted, Terminal(), until_spent=until_spent, logs=True))
    sys.exit(show_result(result, settings))


@click.command(short_help="Run a worker for the master of a crawl.", epilog=EVERYWHERE)
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

    SIGTERM and Ctrl-C finish the pages in flight and release the jobs.
    """
    if not _NAME.fullmatch(name):
        raise SettingsError("NAME: 1 to 40 letters, digits and - _ . are allowed, a letter or digit first.")
    if processes > 1:
        sys.exit(keep_processes(name, processes))
    result = run_async(work(settings, name, Terminal(), logs=True))
    sys.exit(show_worker_result(result, settings))
