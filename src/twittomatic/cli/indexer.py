"""`indexer`: index a crawl's posts in Elasticsearch as they arrive, or all of them again."""

from __future__ import annotations

import sys

import click

from twittomatic.app import indexer as app
from twittomatic.app.logs import log_to
from twittomatic.cli.exitcodes import FINISHED, INTERRUPTED
from twittomatic.cli.observer import Terminal, warn
from twittomatic.cli.options import EVERYWHERE, settings_options
from twittomatic.cli.runner import run_async
from twittomatic.settings import Settings
from twittomatic.sinks.indexer.sink import NAME


@click.command(short_help="Make a crawl's posts searchable in Elasticsearch.", epilog=EVERYWHERE)
@click.option(
    "--rebuild", is_flag=True, help="Fill new indices from the dataset, switch searches to them, and exit."
)
@settings_options(
    "CRAWL", "ELASTICSEARCH_URL", "ELASTICSEARCH_INDEX", "OUTPUT_DIRECTORY", "LOG_DIRECTORY", "REDIS_URL",
    "STATE_DIRECTORY",
)  # fmt: skip
def indexer(settings: Settings, rebuild: bool) -> None:
    """Make a crawl's posts searchable in Elasticsearch or OpenSearch, seconds after they were committed.

    It runs beside the crawl until a signal stops it, and catches up on what came while it was not running.
    Searches go to the alias that ELASTICSEARCH_INDEX names. Posts that the server rejects permanently are
    kept, with its reasons, in LOG_DIRECTORY.
    """
    sys.exit(run_async(_rebuild(settings) if rebuild else _follow(settings)))


async def _follow(settings: Settings) -> int:
    log_to(settings.log_directory, f"{settings.crawl}.{NAME}", warn)
    await app.follow(settings, Terminal())
    return INTERRUPTED


async def _rebuild(settings: Settings) -> int:
    log_to(settings.log_directory, f"{settings.crawl}.{NAME}-rebuild", warn)
    done = await app.rebuild(settings, Terminal())
    click.echo(
        f"“{settings.elasticsearch_index}” has {done.posts:,} posts of {done.timelines:,} timelines now; "
        f"{done.deleted:,} old indices are deleted."
    )
    if done.left:
        click.echo(
            f"{done.left:,} indices “{settings.elasticsearch_index}-…” are not known to be this dataset's; "
            "they were left as they are."
        )
    if done.rejected:
        click.echo(f"{done.rejected:,} posts were rejected; they are in {app.rejected_posts(settings).path}.")
    return FINISHED
