"""What all processes of a crawl must do alike: the master writes it down, the workers read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import msgspec

from twittomatic.model import MODULES, Module, modules_of, only_updates
from twittomatic.networks import registry
from twittomatic.settings import Settings

_ASKED = ("select", "max_followers", "max_posts", "expand_referenced")


class CrawlOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of one crawl; see `twittomatic.settings`.

    Attributes:
        modules: Letters of what is done to each target, in the order T F A U.
        network: Value of NETWORK.
        account: Whose ledger and windows count; see `NetworkClass.account_of`. All processes use the
            master's.
    """

    modules: str
    network: str = "x"
    account: str = "x"
    traversal: str
    max_depth: int
    select: str
    priority: str
    max_followers: int | None
    max_posts: int | None
    refresh_older_than: float | None = None
    shortfall: float = 0.5
    expand_referenced: bool
    budget_usd: int | None
    lease_s: float
    max_attempts: int
    prices: Mapping[str, object] = {}
    limits: Mapping[str, object] = {}

    @classmethod
    def of(cls, modules: str, settings: Settings) -> Self:
        """Take the options of a crawl from the settings of its master."""
        return cls(
            modules=modules,
            network=settings.network,
            account=registry.account_of(settings),
            traversal=settings.traversal,
            max_depth=settings.max_depth,
            select=settings.select,
            priority=settings.priority if settings.traversal == "priority" else "",
            max_followers=settings.max_followers,
            max_posts=settings.max_posts,
            refresh_older_than=settings.refresh_older_than,
            shortfall=settings.shortfall,
            expand_referenced=settings.expand_referenced,
            budget_usd=settings.budget_usd,
            prices=settings.prices,
            limits=settings.limits,
            lease_s=settings.lease_s,
            max_attempts=settings.max_attempts,
        )

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what `written` wrote."""
        return msgspec.json.decode(text, type=cls)

    def written(self) -> str:
        """Return them as JSON."""
        return msgspec.json.encode(self).decode()

    @property
    def all_modules(self) -> list[Module]:
        """Every module of the crawl."""
        return modules_of(self.modules)

    def includes(self, module: Module) -> bool:
        """Return whether the crawl has a module."""
        return MODULES[module].letter in self.modules

    def most(self, module: Module) -> int | None:
        """Return how many records of a module's list are kept for each target; None for all."""
        return {"posts": self.max_posts, "followers": self.max_followers, "": None}[MODULES[module].records]

    @property
    def repeats(self) -> bool:
        """Whether a target of a crawl that is finished may have something new to download."""
        return only_updates(self.modules) or self.refresh_older_than is not None

    def asks_like(self, other: Self) -> bool:
        """Tell whether two crawls with the same modules ask for the same of a target."""
        return all(getattr(self, name) == getattr(other, name) for name in _ASKED)

    @property
    def first_modules(self) -> list[Module]:
        """The modules that a target begins with; the analyzer waits for the followers, if they are fetched.

        With both `timeline` and `update` a target's timeline is updated, or downloaded where there is none.
        """
        modules = self.all_modules
        replaced = {MODULES[module].replaces for module in modules}
        return [
            module for module in modules if MODULES[module].after not in modules and module not in replaced
        ]
