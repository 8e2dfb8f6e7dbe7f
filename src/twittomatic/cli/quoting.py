"""A crawl's plan: gathered, bought for where it must be, and drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from rich.console import Group
from rich.table import Table
from rich.text import Text

from twittomatic.cli.compose import Parts
from twittomatic.clock import SystemClock
from twittomatic.crawler.counting import Counting
from twittomatic.crawler.plan import Plan, Row, Span, Subject, needs_counts, plan
from twittomatic.model import MICROS_PER_USD
from twittomatic.networks.base import Counts


class Quoting:
    """The plan of one crawl, better with every profile that is read.

    Args:
        parts: Of the crawl.
        user_ids: Its targets.
        assumed: Counts of those whose profiles nobody read.
        nameless: Screen names that nobody resolved.
    """

    def __init__(
        self,
        parts: Parts,
        user_ids: Sequence[str],
        *,
        assumed: Counts | None = None,
        nameless: Sequence[str] = (),
    ) -> None:
        self._parts = parts
        self._ids = user_ids
        self._assumed = assumed
        self._nameless = nameless
        self._clock = SystemClock()
        self._counting = Counting(
            parts.options,
            network=parts.network,
            counts=parts.counts,
            layout=parts.layout,
            known_files=parts.known_files,
        )
        self._subjects: list[Subject] = []

    async def gather(self) -> None:
        """Take what is known without a request."""
        self._subjects = await self._counting.subjects(self._ids, self._clock.now())

    async def unknown(self) -> list[str]:
        """Return the targets of whom not even the dataset's profiles tell enough."""
        options = self._parts.options
        wanted = [subject.user_id for subject in self._subjects if needs_counts(subject, options)]
        if wanted and await self._counting.search(wanted, self._clock.now()):
            await self.gather()
            wanted = [subject.user_id for subject in self._subjects if needs_counts(subject, options)]
        return wanted

    async def buy(self, user_ids: Sequence[str]) -> None:
        """Buy the profiles of targets."""
        await self._parts.lookup.count(user_ids)
        await self.gather()

    def plan(self) -> Plan:
        """Return the plan as far as it is known."""
        parts = self._parts
        subjects = [*self._subjects, *[Subject(user_id=f"@{name}") for name in self._nameless]]
        if self._assumed is not None:
            subjects = [self._with_assumed(subject) for subject in subjects]
        return plan(
            subjects,
            parts.options,
            parts.network,
            kinds=[credential.kind for credential in parts.credentials],
            bought=parts.lookup.bought,
        )

    def _with_assumed(self, subject: Subject) -> Subject:
        counts, assumed = subject.counts or Counts(), self._assumed or Counts()
        return msgspec.structs.replace(
            subject,
            counts=Counts(
                followers=assumed.followers if counts.followers is None else counts.followers,
                posts=assumed.posts if counts.posts is None else counts.posts,
                unavailable=counts.unavailable,
            ),
        )


def as_json(quote: Plan, *, prices_as_of: str, left: int | None) -> dict[str, Any]:
    """Return a plan as `plan --json` prints it, money in dollars."""
    return {
        "targets": quote.total.targets,
        "modules": {name: _fields(row) for name, row in quote.rows.items()},
        "total": _fields(quote.total),
        "unknown": quote.unknown,
        "unavailable": quote.unavailable,
        "kept": quote.kept,
        "max_depth": quote.depth,
        "budget_left_usd": None if left is None else left / MICROS_PER_USD,
        "prices_as_of": prices_as_of,
    }


def _fields(row: Row) -> dict[str, Any]:
    dollars = row.cost.each(lambda micros: micros / MICROS_PER_USD)
    spans = {"requests": row.requests, "resources": row.resources, "cost_usd": dollars, "hours": row.hours}
    return {"targets": row.targets, **{name: span._asdict() for name, span in spans.items()}}


def picture(quote: Plan, *, prices_as_of: str, left: int | None) -> Group:
    """Draw a plan: a line for each module, and what it takes for granted."""
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("plan")
    for column in ("targets", "requests", "resources", "dollars", "hours"):
        table.add_column(column, justify="right")
    for name, row in [*quote.rows.items(), ("total", quote.total)]:
        table.add_row(
            str(name),
            f"{row.targets:,}",
            _shown(row.requests, _whole),
            _shown(row.resources, _whole),
            _shown(row.cost, _dollars),
            _shown(row.hours, _hours),
            style="bold" if name == "total" else "",
        )
    return Group(table, *[Text(sentence, style="dim") for sentence in _sentences(quote, prices_as_of, left)])


def _sentences(quote: Plan, prices_as_of: str, left: int | None) -> list[str]:
    sentences = [f"Prices as of {prices_as_of}; hours are the waiting for rate limits."]
    if quote.kept:
        sentences.append(f"Not bought again, since they are there and whole: {_many(quote.kept, 'list')}.")
    if quote.unavailable:
        sentences.append(f"Protected or gone, and so without cost: {_many(quote.unavailable, 'target')}.")
    if quote.unknown:
        sentences.append(f"Without known counts: {_many(quote.unknown, 'target')}.")
    if quote.depth:
        sentences.append(
            "From selecting nobody, to selecting every follower: each follows one target, and has as many "
            "followers and posts as the targets have on average."
        )
    if left is not None:
        sentences.append(f"BUDGET_USD leaves {_dollars(max(left, 0))}.")
    return sentences


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _shown(span: Span, form: Callable[[float], str]) -> str:
    if span.high is None:
        return f"{form(span.low)} or more"
    low, high = form(span.low), form(span.high)
    return low if low == high else f"{low} to {high}"


def _whole(number: float) -> str:
    return f"{number:,.0f}"


def _dollars(micros: float) -> str:
    dollars = micros / MICROS_PER_USD
    return f"${dollars:,.2f}" if round(dollars, 2) == round(dollars, 6) else f"${dollars:,.3f}"


def _hours(hours: float) -> str:
    return f"{hours:,.2f}".removesuffix("0").removesuffix(".0") if hours else "0"
