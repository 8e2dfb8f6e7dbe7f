"""X's pay-per-use prices for each object that it returns.

X charges for objects, not for requests or fields, and nothing for failures. The same object is free for the
rest of the UTC day, but X calls that a soft guarantee, so caps do not rely on it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date

import msgspec

from twittomatic.errors import SettingsError
from twittomatic.model import MICROS_PER_USD
from twittomatic.networks.base import PriceList
from twittomatic.networks.x.text import printable

AS_OF = "2026-08-22"
SOURCE = "https://docs.x.com/x-api/getting-started/pricing"

POSTS_PER_CYCLE = 3_000_000
"""Posts that one account may read in a billing cycle (docs.x.com, x-api/fundamentals/post-cap)."""

_RESOURCES = ("post", "user", "follower")
_HIGHEST_USD = 1000.0  # more is a typing error


LISTED = PriceList(post=5_000, user=10_000, follower=10_000, as_of=AS_OF, source=SOURCE, once_a_day=True)
"""X's price list."""


def of(table: Mapping[str, object]) -> PriceList:
    """Replace X's list by the table `[prices]` of a configuration file, in dollars.

    Raises:
        SettingsError: an unknown name, something that is not a price, or no date.
    """
    if not table:
        return LISTED
    given = {name: _price(name, value) for name, value in table.items() if name != "as_of"}
    as_of = str(table.get("as_of", ""))
    try:
        date.fromisoformat(as_of)
    except ValueError:
        raise SettingsError(
            f'[prices]: say when these prices held, such as as_of = "{AS_OF}"; reports show the day.'
        ) from None
    return msgspec.structs.replace(LISTED, **given, as_of=as_of, source="[prices] in the configuration file")


def expanded(prices: PriceList) -> Mapping[str, int]:
    """Return the price of each object in `includes`, by the name of its list; others there are free."""
    return {"tweets": prices.post, "posts": prices.post, "users": prices.user}


def units(price: int, unit_price: int) -> int:
    """Return how many of a request's billed resources an object counts as, rounded up."""
    return -(-price // unit_price)


def _price(name: str, value: object) -> int:
    """Convert dollars to micro-dollars, rounded up."""
    if name not in _RESOURCES:
        raise SettingsError(
            f"[prices] {printable(name)}: there is no such price; the prices are {', '.join(_RESOURCES)}."
        )
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _HIGHEST_USD:
        raise SettingsError(
            f"[prices] {name}: {printable(str(value))} is not allowed; give dollars for one, "
            f"more than 0 and at most {_HIGHEST_USD:g}, such as 0.005."
        )
    return math.ceil(round(value * MICROS_PER_USD, 3))
