"""The commands by name, and how their errors end: with one sentence and an exit code.

Exit codes: 0 finished, 1 failed, 2 wrong usage, 3 paused (budget, credits, no credential left), 130
interrupted.
"""

from __future__ import annotations

import errno
import logging
import sys
from collections.abc import Callable
from importlib import import_module

import click

from twittomatic import __version__
from twittomatic.cli import signals, streams
from twittomatic.cli.exitcodes import FAILED, INTERRUPTED, PAUSED, USAGE
from twittomatic.errors import CrawlMustPause, Interrupted, PluginFault, SettingsError, TwittomaticError

COMMANDS = {
    "init": ("init:init", "Write a commented twittomatic.toml."),
    "plan": ("plan:plan", "Quote a crawl: requests, resources, dollars, hours, per module."),
    "crawl": ("crawl:crawl", "Crawl targets in one process; the same command resumes."),
    "master": ("crawl:master", "Lead a crawl whose workers run elsewhere."),
    "worker": ("crawl:worker", "Run a worker for the master of a crawl."),
    "status": ("status:status", "Show the status of the crawl."),
    "pause": ("status:pause", "Pause the crawl; nothing is lost."),
    "resume": ("status:resume", "Resume a paused crawl."),
    "jobs": ("jobs:jobs", "List dead jobs, or retry them."),
    "frontier": ("jobs:frontier", "Export the users that were found and not yet crawled."),
    "verify": ("verify:verify", "Check every file of the dataset against the journal."),
    "restore": ("restore:restore", "Rebuild what the state server has lost of a crawl."),
    "export": ("export:export", "Write tables and graphs for pandas, R, Gephi and others."),
    "analyze": ("analyze:analyze", "Summarize a dataset, and measure its follow graph."),
    "picture": ("picture:picture", "Draw the follow graph as an image, or as a page to explore."),
    "monitor": ("monitor:monitor", "Show the crawl in a browser, live."),
    "lookup": ("lookup:lookup", "Serve user ids, names and past names over HTTP."),
    "indexer": ("indexer:indexer", "Make a crawl's posts searchable in Elasticsearch."),
    "sink": ("sink:sink", "Run a sink that you installed or wrote."),
    "stats": ("stats:stats", "Record a crawl's rates and gauges, and replay them into Graphite."),
    "emulator": ("emulator:emulator", "Serve X's API v2 on this machine, from a graph or a made-up world."),
    "demo": ("demo:demo", "Crawl, summarize and draw a bundled graph; needs no key, costs nothing."),
    "doctor": ("doctor:doctor", "Check that everything a crawl needs is in place; costs nothing."),
}


class _Commands(click.Group):
    """Imports a command when it is used, so that `--help` imports none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name][0].partition(":")
        command: click.Command = getattr(import_module(f"twittomatic.cli.{module}"), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.command(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 finished, 1 failed, 2 wrong usage, 3 paused, 130 interrupted.",
)
@click.version_option(__version__, prog_name="twittomatic")
@click.option("--traceback", is_flag=True, hidden=True, help="Show where an unexpected error came from.")
@click.pass_context
def cli(ctx: click.Context, traceback: bool) -> None:
    """A fault-tolerant, distributed crawler of X that is honest about money."""
    ctx.obj = traceback


def exit_code(error: TwittomaticError) -> int:
    """Return the exit code for an error of ours."""
    if isinstance(error, SettingsError):
        return USAGE
    return PAUSED if isinstance(error, CrawlMustPause) else FAILED


def run(code_of: Callable[[TwittomaticError], int] = exit_code) -> None:
    """Run the command line of this process, and exit.

    Args:
        code_of: Gives the exit code for an error of ours.
    """
    try:
        with signals.acting(signals.interrupt):
            code = _run(code_of)
    except KeyboardInterrupt:  # while an error was being printed
        code = INTERRUPTED
    sys.exit(code)


def _run(code_of: Callable[[TwittomaticError], int]) -> int:
    code = _command(code_of)
    lost = streams.lost()
    if lost and lost.errno not in (errno.EPIPE, errno.EIO):  # with these, nobody reads it any more
        _complain(
            f"Standard output cannot be written ({lost.strerror}), so the output of this command is lost."
        )
        code = code or 1
    return code


def _command(code_of: Callable[[TwittomaticError], int]) -> int:
    try:
        code = cli.main(standalone_mode=False, prog_name="twittomatic")
    except SystemExit as end:
        code = end.code
    except click.exceptions.Abort:
        code = INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (KeyboardInterrupt, Interrupted):
        code = INTERRUPTED
    except TwittomaticError as error:
        if isinstance(error, PluginFault) and error.__cause__:
            _log_unexpected(error)
            if "--traceback" in sys.argv:
                raise
        _complain(*error.lines)
        code = code_of(error)
    except Exception as error:
        if error is streams.lost():  # `_run` reports it
            return 1
        if "--traceback" in sys.argv:
            _log_unexpected(error)
            raise
        logged = _log_unexpected(error)
        _complain(
            f"unexpected {type(error).__name__}: {error}. This is a bug in Twittomatic; {logged}"
            "`twittomatic --traceback ...` shows where."
        )
        code = 1
    return code if isinstance(code, int) else 0


def _log_unexpected(error: Exception) -> str:
    """Write an unexpected error with its traceback to this process's log; return where, if there is a log."""
    logger = logging.getLogger("twittomatic")
    files = [handler.baseFilename for handler in logger.handlers if isinstance(handler, logging.FileHandler)]
    if not files:
        return ""
    logger.critical("This process ends with an unexpected error: %s", type(error).__name__, exc_info=error)
    return f"{files[0]} has its traceback, and "


def _complain(*lines: str) -> None:
    """Print an error, each part on one line even if the user's input in it has line feeds."""
    shown = [
        "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line) for line in lines
    ]
    click.echo("\n  ".join([f"Error: {shown[0]}", *shown[1:]]), err=True)
