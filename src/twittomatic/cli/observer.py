"""What the application layer reports, printed for people."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import click

from twittomatic.app.observer import Observer
from twittomatic.cli.render.live import watch
from twittomatic.cli.render.quote import picture
from twittomatic.cli.render.table import console
from twittomatic.planning.quote import Quote
from twittomatic.state.status import CrawlStatus


class Terminal(Observer):
    """Prints progress to standard output; warnings, quotes and the live status to standard error."""

    def info(self, sentence: str) -> None:
        click.echo(sentence)

    def warning(self, sentence: str) -> None:
        warn(sentence)

    def quoted(self, quote: Quote) -> None:
        console(stderr=True).print(picture(quote))

    async def watch(self, status: Callable[[], Awaitable[CrawlStatus]]) -> None:
        await watch(status)


def warn(sentence: str) -> None:
    """Print a sentence to standard error."""
    click.echo(sentence, err=True)
