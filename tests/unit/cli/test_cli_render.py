"""Plans and crawls as people see them: no number of money is ever cut."""

import io
import re
from typing import Any

import pytest
from msgspec.structs import replace
from rich.console import Console

from twittomatic.cli.render.quote import as_json
from twittomatic.cli.render.quote import picture as draw_quote
from twittomatic.cli.render.status import line
from twittomatic.cli.render.status import picture as draw_status
from twittomatic.model import Module, Phase
from twittomatic.planning.estimate import Plan, PlanLine, Range
from twittomatic.planning.quote import Quote
from twittomatic.state.ledger import Totals
from twittomatic.state.status import CrawlStatus, JobCounts

WIDTHS = [30, 60, 80, 120, 200]


def drawn(picture: Any, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(picture)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    assert all(len(line.rstrip("\n")) <= width for line in text.splitlines())
    return text


def quote(low: int, high: float | None, **fields: Any) -> Plan:
    hours = Range(0.0, None if high is None else high / 1e9)
    row = PlanLine(
        targets=12_345,
        requests=Range(99, high),
        resources=Range(99, high),
        cost=Range(low, high),
        hours=hours,
    )
    rows = {"profiles": row, "timeline": row, "follower": row}
    other: dict[str, Any] = {"unknown": 0, "unavailable": 0, "kept": 0, "depth": 1, "found": 0}
    other |= {"assumes": True, "selects": False, "due": low}
    other |= {"title": "X", "is_free": False, "once_a_day": True, **fields}
    return Plan(rows=rows, total=row, **other)


def shown(plan: Plan, width: int = 200, left: int | None = None) -> str:
    return drawn(draw_quote(Quote(plan=plan, prices_as_of="2026-08-22", left=left)), width)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("high", [123_456_780_000, 99_999_999_990_000, None])
def test_a_plan_never_cuts_its_money(width: int, high: float | None) -> None:
    text = shown(quote(98_765_430_000, high), width)
    assert "…" not in text
    table = [line for line in text.splitlines() if line.startswith("total")]
    assert "$98,765.43" in table[0]
    words = re.sub(r"\s+", " ", text)
    if width >= 60:
        end = {123_456_780_000: "to $123,456.78", 99_999_999_990_000: "to $99,999,999.99", None: "or more"}[
            high
        ]
        assert f"$98,765.43 {end}" in words
    else:
        assert words.count("$98,765.43") >= 4
    if width >= 120:
        assert {"targets", "hours", "dollars"} <= set(words.split())


def test_absurd_numbers_are_not_shown() -> None:
    text = shown(quote(1_750_000, 5_000_000_000), left=25_000_000)
    assert "$1.75 to more than BUDGET_USD" in text
    assert "The crawl stops when BUDGET_USD is used up." in text
    assert "5,000" not in text
    assert "$1.75 to $2,400.00" in shown(quote(1_750_000, 2_400_000_000), left=25_000_000)


def test_what_is_assumed_is_called_so() -> None:
    assert "The low estimate is certain; the high estimate assumes that every follower follows" in shown(
        quote(1, 2)
    )
    assert (
        "The low estimate assumes that nobody else is selected; "
        "the high estimate assumes that every other follower is" in shown(quote(1, 2, selects=True, found=3))
    )
    assert "assumes" not in shown(quote(1, 1, assumes=False))
    assert "X charges each user once a day (UTC): what targets share is paid once." in shown(quote(1, 1))


def test_as_json_its_numbers_are_of_one_type() -> None:
    found = as_json(Quote(plan=quote(0, 1_500_000, depth=1_000_000), prices_as_of="", left=5_000))
    assert found["max_depth"] is None
    for row in [*found["modules"].values(), found["total"]]:
        for name, kind in {"requests": int, "resources": int, "cost_usd": float, "hours": float}.items():
            assert type(row[name]["low"]) is type(row[name]["high"]) is kind


LEDGER = Totals(
    spent=12_005_000,
    expected=9_000_000,
    fields={"crawl:main": 5_800_000, "module:main:profiles": 20_000, "module:main:follower": 5_780_000},
    expected_fields={"crawl:main": 4_250_000},
)


def crawl(**changes: Any) -> CrawlStatus:
    follower = JobCounts(ready=1_234_567, delayed=12, dead=1, completed=7_654_321)
    status = CrawlStatus(
        crawl="main",
        phase=Phase.PAUSED,
        reason="BUDGET_USD is used up.",
        budget=20_000_000,
        ledger=LEDGER,
        jobs={module: JobCounts() for module in Module} | {Module.FOLLOWER: follower},
        counters={"targets": 7_654_321, "records:follower": 123_456_789, "records:timeline": 1_234_567},
    )
    return replace(status, **changes)


@pytest.mark.parametrize("width", WIDTHS)
def test_status_never_cuts_its_money(width: int) -> None:
    text = drawn(draw_status(crawl()), width)
    assert "…" not in text
    for amount in ("$5.80", "$0.02", "$5.78", "$12.005"):
        assert amount in text, width


def test_status_distinguishes_this_crawl_from_all() -> None:
    both = drawn(draw_status(crawl()), 120)
    assert re.search(r"spent +by all crawls", both)
    assert re.search(r"\$5\.80 +\$12\.005 of \$20\.00", both)
    assert "X probably charges about $4.25" in both
    assert line(crawl()).endswith("$5.80, $12.005 of $20.00 by all crawls")
    alone = crawl(ledger=replace(LEDGER, spent=5_800_000))
    assert "by all" not in drawn(draw_status(alone), 120)
    assert line(alone).endswith("$5.80 of $20.00")


def test_money_that_is_put_aside_and_credentials_that_are_retired_are_shown() -> None:
    text = drawn(
        draw_status(
            crawl(ledger=replace(LEDGER, reserved=2_000_000), rejected={"app-1": "401"}, unfinished=3)
        ),
        120,
    )
    assert "$2.00 is reserved for requests whose outcome is unknown" in text
    assert "Credential app-1 is retired: 401" in text
    assert "3 lists are unfinished" in text


def test_one_of_anything_is_singular() -> None:
    status = crawl(
        budget=None,
        counters={"targets": 1, "unreadable": 1, "records:timeline": 1, "records:follower": 1},
        jobs={Module.FOLLOWER: JobCounts(ready=1)},
        unfinished=1,
    )
    said, text = line(status), drawn(draw_status(status), 200)
    assert "1 user begun" in said
    assert "1 follower, 1 post, 1 job to do" in said
    assert "1 list is unfinished: what is bought of it is" in text
    assert "Set aside: 1 record that could not be read" in text
    assert "0 users begun" in line(crawl(counters={}))
