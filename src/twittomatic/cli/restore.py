"""`restore`: rebuild what the state server has lost of a crawl."""

from __future__ import annotations

import math

import click

from twittomatic.app import restore as app
from twittomatic.cli.options import EVERYWHERE, settings_options
from twittomatic.cli.runner import run_async
from twittomatic.model import MICROS_PER_USD, dollars
from twittomatic.settings import Settings


@click.command(short_help="Rebuild what the state server has lost of a crawl.", epilog=EVERYWHERE)
@click.option(
    "--spent-usd",
    type=click.FloatRange(0, 1e9),
    metavar="AMOUNT",
    help="Dollars spent in all, by the network's bill; by default, by the records in the dataset.",
)
@settings_options("CRAWL", "OUTPUT_DIRECTORY", "REDIS_URL", "STATE_DIRECTORY", "X_API_URL")
def restore(settings: Settings, spent_usd: float | None) -> None:
    """Rebuild what the state server has lost of a crawl: keys that were evicted, flushed or deleted.

    The ledger is rebuilt from the records in the dataset, which are never less than what was charged. Jobs
    whose queue is lost are queued again at their checkpoints. If the crawl itself is lost, its remains are
    removed, so that the same command begins it again; complete lists are not bought again.
    """
    stated = None if spent_usd is None else math.ceil(spent_usd * MICROS_PER_USD)
    done = run_async(app.restore(settings, stated))
    click.echo(f"The ledger of the account {done.account} now says that {dollars(done.spent)} is spent.")
    if done.queued is not None:
        click.echo(f"Jobs queued again: {done.queued:,}.")
    elif done.cleared:
        click.echo(f"Crawl “{settings.crawl}” itself is lost; its remains were removed.")
    click.echo("Run the same crawl command again to continue.")
