"""What to buy next, when money is what there is too little of."""

from __future__ import annotations

from collections.abc import Callable

from twittomatic.crawler.options import CrawlOptions
from twittomatic.errors import SettingsError
from twittomatic.model import MICROS_PER_USD, MODULES, Module
from twittomatic.networks.base import Network
from twittomatic.planning.estimate import Pricing, TargetEstimate

VALUE_PER_DOLLAR = "value per dollar"
"""What PRIORITY may be besides an expression."""

_REQUEST = 100  # micro-dollars that a request is taken to cost: full pages first where all else is equal


def value_per_dollar(options: CrawlOptions, network: Network) -> Callable[[bytes], float]:
    """Return what scores a profile by the new edges that a dollar is expected to buy there.

    The edges of a list of followers are new whoever else was crawled, since each belongs to one list. Its
    length comes from the profile's counts and MAX_FOLLOWERS; what the user costs, from the lists that the
    crawl buys of him. A list that the network does not show, or that is empty, is worth nothing.

    Args:
        options: Of the crawl.
        network: Whose profiles and prices they are.

    Raises:
        SettingsError: the crawl buys no followers, so it finds no edges.
    """
    if not options.includes(Module.FOLLOWER):
        raise SettingsError(f"PRIORITY: “{VALUE_PER_DOLLAR}” counts new edges; add -F, which buys them.")
    pricing = Pricing(options, network, [*network.limits.by_kind][:1])
    modules = [module for module in options.first_modules if MODULES[module].list_ext]

    def value(profile: bytes) -> float:
        estimate = TargetEstimate(user_id="0", counts=network.counts_of(profile))
        rows = {module: pricing.row(module, estimate) for module in modules}
        edges = rows[Module.FOLLOWER].resources.low
        cost = sum(row.cost.low + _REQUEST * row.requests.low for row in rows.values())
        return edges / (cost / MICROS_PER_USD)

    return value
