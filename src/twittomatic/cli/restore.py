"""`restore`: rebuild what the state server has lost of a crawl."""

from __future__ import annotations

import math

import click

from twittomatic.app import restore as app
from twittomatic.cli.options import EVERYWHERE, settings_options
from twittomatic.cli.runner import run_async
from twittomatic.model import MICROS_PER_USD, dollars
from twittomatic.settings import Settings


@click.command(short_help="Bring back what the state server has lost of a crawl.", epilog=EVERYWHERE)
@click.option(
    "--spent-usd",
    type=click.FloatRange(0, 1e9),
    metavar="AMOUNT",
    help="What was spent in all, as X's bill says; by default what the dataset's records say.",
)
@settings_options("CRAWL", "OUTPUT_DIRECTORY", "REDIS_URL", "STATE_DIRECTORY", "X_API_URL")
def restore(settings: Settings, spent_usd: float | None) -> None:
    """Bring back what the state server has lost of a crawl: keys that were evicted, flushed or deleted.

    What was spent is booked again from the records of the dataset, which are never less than what was
    charged. Jobs whose stream is gone are queued again, at their checkpoints. Of a crawl that itself is gone,
    the rest is removed, so that the same command begins it anew: lists that are whole are not bought again.
    """
    stated = None if spent_usd is None else math.ceil(spent_usd * MICROS_PER_USD)
    done = run_async(app.restore(settings, stated))
    click.echo(f"The ledger of the account {done.account} now says that {dollars(done.spent)} is spent.")
    if done.queued is not None:
        click.echo(f"Jobs queued again: {done.queued:,}.")
    elif done.cleared:
        click.echo(f"Crawl “{settings.crawl}” itself is gone; what was left of it is removed.")
    click.echo("Give the same crawl command again to go on.")
