"""A quote, as a table for people and as JSON."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from rich.console import Group
from rich.text import Text

from twittomatic.cli.render.table import NumberTable
from twittomatic.model import MICROS_PER_USD, about, dollars
from twittomatic.parsing import UNLIMITED_DEPTH
from twittomatic.planning.estimate import Plan, PlanLine, Range
from twittomatic.planning.quote import Quote

_ABSURD = 100  # times what the budget leaves: such a number is no help


def as_json(quote: Quote) -> dict[str, Any]:
    """Return a quote as `plan --json` prints it, money in dollars."""
    plan, left = quote.plan, quote.left
    return {
        "targets": plan.total.targets,
        "modules": {name: _fields(row) for name, row in plan.rows.items()},
        "total": _fields(plan.total),
        "unknown": plan.unknown,
        "unavailable": plan.unavailable,
        "kept": plan.kept,
        "max_depth": plan.depth if plan.depth < UNLIMITED_DEPTH else None,
        "found": plan.found,
        "assumes": plan.assumes,
        "budget_left_usd": None if left is None else left / MICROS_PER_USD,
        "prices_as_of": quote.prices_as_of,
    }


def _fields(row: PlanLine) -> dict[str, Any]:
    spans = {
        "requests": row.requests.each(math.ceil),
        "resources": row.resources.each(math.ceil),
        "cost_usd": row.cost.each(lambda micros: micros / MICROS_PER_USD),
        "hours": row.hours.each(float),
    }
    return {"targets": row.targets, **{name: span._asdict() for name, span in spans.items()}}


def picture(quote: Quote) -> Group:
    """Draw a quote: a line for each module, and its assumptions."""
    plan, left = quote.plan, quote.left
    high = plan.total.cost.high
    is_absurd = left is not None and plan.assumes and (high is None or high > _ABSURD * max(left, 0))
    rows = []
    for name, row in [*plan.rows.items(), ("total", plan.total)]:
        cells = [
            str(name),
            f"{row.targets:,}",
            _shown(row.requests, _whole, is_absurd=is_absurd),
            _shown(row.resources, _whole, is_absurd=is_absurd),
            *(
                []
                if plan.is_free
                else [_shown(row.cost, _dollars, is_absurd=is_absurd, end=" to more than BUDGET_USD")]
            ),
            _shown(row.hours, _hours, is_absurd=is_absurd),
        ]
        rows.append([Text(cell, style="bold" if name == "total" else "") for cell in cells])
    columns = ["plan", "targets", "requests", "resources", *([] if plan.is_free else ["dollars"]), "hours"]
    table = NumberTable(columns, rows, ["requests", "resources", "hours", "targets"])
    return Group(table, *[Text(sentence, style="dim") for sentence in _sentences(plan, quote)])


def _sentences(plan: Plan, quote: Quote) -> list[str]:
    left = quote.left
    prices = f"{plan.title} charges nothing" if plan.is_free else f"Prices as of {quote.prices_as_of}"
    sentences = [f"{prices}; hours are time spent waiting for rate limits."]
    if plan.kept:
        sentences.append(f"Already in the dataset, so not bought again: {many(plan.kept, 'list')}.")
    if plan.unavailable:
        sentences.append(f"Protected or gone, so without cost: {many(plan.unavailable, 'target')}.")
    if plan.unknown:
        sentences.append(f"Without known counts: {many(plan.unknown, 'target')}.")
    if plan.found:
        sentences.append(
            f"Counted by their own profiles in the dataset: {many(plan.found, 'follower')}"
            f"{' that SELECT selects' if plan.selects else ''}."
        )
    if plan.assumes:
        sentences.append(
            f"The low estimate {'assumes that nobody else is selected' if plan.selects else 'is certain'}; "
            f"the high estimate assumes that every {'other ' if plan.found else ''}follower "
            f"{'is selected, ' if plan.selects else ''}follows one target alone, and has as many followers "
            "and posts as the targets have on average."
        )
        if left is not None:
            sentences.append("The crawl stops when BUDGET_USD is used up.")
    if plan.once_a_day and (plan.total.targets > 1 or plan.depth):
        sentences.append(f"{plan.title} charges each user once a day (UTC): what targets share is paid once.")
    if left is not None:
        sentences.append(f"BUDGET_USD leaves {dollars(max(left, 0))}.")
    return sentences


def many(count: float, noun: str) -> str:
    """Return a number of things in words: `1 list`, `2,000 lists`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _shown(span: Range, form: Callable[[float], str], *, is_absurd: bool, end: str = " or more") -> str:
    if span.high is None or is_absurd:
        if span.high == span.low:
            return form(span.low)
        return f"{form(span.low)}{end if is_absurd else ' or more'}"
    low, high = form(span.low), form(span.high)
    return low if low == high else f"{low} to {high}"


def _whole(number: float) -> str:
    return f"{number:,.0f}"


def _dollars(micros: float) -> str:
    """Return a price to its last digit, an estimate to the cent."""
    return about(micros) if micros % 100 else dollars(int(micros))


def _hours(hours: float) -> str:
    return f"{hours:,.2f}".removesuffix("0").removesuffix(".0") if hours else "0"
