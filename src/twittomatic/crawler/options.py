"""Options that all processes of a crawl share: the master stores them, the workers read them."""

from __future__ import annotations

from typing import Self

import msgspec

from twittomatic.model import MODULES, Module, modules_of, only_updates
from twittomatic.networks import registry
from twittomatic.settings import CrawlSettings, Settings
from twittomatic.state.redis_errors import decoding

_ASKED = ("select", "max_followers", "max_posts", "expand_referenced")


class CrawlOptions(CrawlSettings, frozen=True, kw_only=True):
    """The options of one crawl: the settings that its processes share, and what the master adds to them.

    Attributes:
        modules: Letters of the modules, in the order T F A U.
        account: The account whose ledger and windows count; see `NetworkClass.account_of`. All processes
            use the master's.
    """

    modules: str
    account: str = "x"

    @classmethod
    def of(cls, modules: str, settings: Settings) -> Self:
        """Return the options of a crawl with its master's settings."""
        shared = {name: getattr(settings, name) for name in CrawlSettings.__struct_fields__}
        if settings.traversal != "priority":
            shared["priority"] = ""
        return cls(modules=modules, account=registry.account_of(settings), **shared)

    @classmethod
    def read(cls, text: str) -> Self:
        """Decode the JSON that `written` returned.

        Raises:
            StateError: it is something else.
        """
        with decoding("the options of the crawl"):
            return msgspec.json.decode(text, type=cls)

    def written(self) -> str:
        """Return the options as JSON."""
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
        """Return whether two crawls with the same modules download the same of a target."""
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
