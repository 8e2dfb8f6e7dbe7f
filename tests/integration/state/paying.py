"""Parts of the tests of windows and ledger: to ask for permits in one way."""

import itertools
import time
from collections.abc import Sequence
from typing import Any

from twittomatic.networks.base import Limit, WindowReading
from twittomatic.state.account import Account
from twittomatic.state.permits import Delivery, NoCredential, OverBudget, Permit, RetryAfter

QUARTER = Limit(requests=300, window_s=900)
PRICE = 10_000
_numbers = itertools.count()


async def ask(
    money: Account,
    *names: str,
    endpoint: str = "followers",
    limit: Limit = QUARTER,
    price: int = 0,
    wanted: int = 1,
    least: int = 1,
    fields: Sequence[str] = (),
) -> Permit | RetryAfter | OverBudget | NoCredential:
    limits = dict.fromkeys(names or ("a",), limit)
    return await money.acquire(endpoint, limits, price=price, wanted=wanted, least=least, fields=fields)


async def permit(money: Account, *names: str, **options: Any) -> Permit:
    decision = await ask(money, *names, **options)
    assert isinstance(decision, Permit)
    return decision


async def permits(money: Account, *names: str, **options: Any) -> int:
    """Take permits until there are no more, and return how many there were."""
    for number in itertools.count():
        if not isinstance(await ask(money, *names, **options), Permit):
            return number
    raise AssertionError


def refused(credential: str = "a") -> Permit:
    """The permit of a request to which the network said 429."""
    return Permit(
        reservation=f"refused-{next(_numbers)}",
        credential=credential,
        endpoint="followers",
        resources=1,
        granted_at=0.0,
    )


def reading(limit: int, remaining: int, in_s: float = 900) -> WindowReading:
    return WindowReading(limit=limit, remaining=remaining, reset_at=float(int(time.time() + in_s)))


def delivered(ids: range, *, resource: str = "follower", day: str = "2026-01-01") -> Delivery:
    return Delivery(day=day, resource=resource, ids=[str(number) for number in ids], unit_price=PRICE)
