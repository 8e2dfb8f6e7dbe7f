"""What the budget does not allow is said in one sentence, before a cent of it is spent."""

from __future__ import annotations

from twittomatic.app.runtime import Runtime
from twittomatic.errors import BudgetExhausted
from twittomatic.model import dollars


async def afford(parts: Runtime, cost: int, what: str, advice: str) -> None:
    """Make sure that the budget suffices.

    Args:
        parts: Of the crawl.
        cost: Micro-dollars that are to be spent; for nothing there is always enough.
        what: It is for, the beginning of a sentence.
        advice: What to do otherwise.

    Raises:
        BudgetExhausted: it does not.
    """
    left, budget = await parts.money.left(), parts.options.budget
    if left is None or budget is None or cost <= max(left, 0):
        return
    totals = await parts.money.totals()
    aside = f", {dollars(totals.reserved)} is put aside" if totals.reserved else ""
    rest = f"leaves {dollars(left)} of {dollars(budget)}" if left > 0 else f"of {dollars(budget)} is used up"
    raise BudgetExhausted(
        f"{what} takes {dollars(cost)} of the budget, and BUDGET_USD {rest}: "
        f"{dollars(totals.spent)} was spent before{aside}; {advice}."
    )


async def afford_profiles(parts: Runtime, count: int) -> None:
    """Make sure that the budget suffices for so many profiles.

    Raises:
        BudgetExhausted: it does not.
    """
    cost = count * parts.network.prices.user
    await afford(parts, cost, f"To read {profiles(count)}", "raise it, or give fewer targets")


def profiles(count: int) -> str:
    """Say how many profiles: `1 profile`."""
    return f"{count:,} profile{'' if count == 1 else 's'}"
