"""The bill: each returned resource is charged once per UTC day.

Prices: X docs, getting-started/pricing (2026-08-22). Reading the same resource again before 00:00
UTC is free; a user read and a follower read of one id are two different resources. All credentials
belong to one account, so they share one bill. There are no owned reads, because no user owns an app.
"""

from collections.abc import Callable, Collection
from typing import Literal

Resource = Literal["user", "follower", "post"]

DAY_S = 86_400
MICRO_DOLLARS: dict[Resource, int] = {"user": 10_000, "follower": 10_000, "post": 5_000}


class Bill:
    """Counts returned and charged resources; costs are integer micro-dollars.

    Args:
        clock: Returns unix seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._day = -1
        self._paid_today: dict[Resource, set[int]] = {resource: set() for resource in MICRO_DOLLARS}
        self.returned: dict[Resource, int] = dict.fromkeys(MICRO_DOLLARS, 0)
        self.billed: dict[Resource, int] = dict.fromkeys(MICRO_DOLLARS, 0)

    def charge(self, resource: Resource, ids: Collection[int]) -> None:
        """Charge for returned resources; those already paid for today are free."""
        day = int(self._clock()) // DAY_S
        if day != self._day:
            self._day = day
            for paid in self._paid_today.values():
                paid.clear()
        paid = self._paid_today[resource]
        before = len(paid)
        paid.update(ids)
        self.returned[resource] += len(ids)
        self.billed[resource] += len(paid) - before

    @property
    def micro_dollars(self) -> int:
        """The total cost so far."""
        return sum(MICRO_DOLLARS[resource] * count for resource, count in self.billed.items())
