"""What X charges, pay-per-use, for each object that it returns.

Source: docs.x.com, x-api/getting-started/pricing, as of 2026-08-22. X charges for what is returned, not for
requests nor fields, and nothing for a failure; the same object again before 00:00 UTC is free, but X calls
that a soft guarantee, so nothing here counts on it.
"""

from __future__ import annotations

from collections.abc import Mapping

AS_OF = "2026-08-22"
SOURCE = "https://docs.x.com/x-api/getting-started/pricing"

POST = 5_000  # micro-dollars each, as all below
USER = 10_000
FOLLOWER = 10_000

EXPANDED: Mapping[str, int] = {"tweets": POST, "posts": POST, "users": USER}
"""Price of each object in `includes`, by the name of its list; media, polls and places have none."""

POSTS_PER_CYCLE = 3_000_000
"""Posts that one account may read in a billing cycle (docs.x.com, x-api/fundamentals/post-cap)."""


def units(price: int, unit_price: int) -> int:
    """Say for how many of a request's billed resources an object counts; rounded up, so never too few."""
    return -(-price // unit_price)
