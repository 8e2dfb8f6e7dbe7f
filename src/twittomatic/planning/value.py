"""Rank users by the number of edges that a dollar buys there."""

from __future__ import annotations

from collections.abc import Callable

from twittomatic.crawler.options import CrawlOptions
from twittomatic.errors import SettingsError
from twittomatic.model import MICROS_PER_USD, MODULES, Module
from twittomatic.networks.base import Network
from twittomatic.planning.estimate import Pricing, TargetEstimate

VALUE_PER_DOLLAR = "value per dollar"
"""Value of PRIORITY that is not an expression."""

_REQUEST = 100  # assumed cost of a request in micro-dollars: prefers full pages when all else is equal


def value_per_dollar(options: CrawlOptions, network: Network) -> Callable[[bytes], float]:
    """Return a function that scores a profile by the number of new edges expected per dollar.

    All edges of a followers list are new, whichever users were crawled before, since each edge belongs to one
    list. The length of the list comes from the profile's counts and MAX_FOLLOWERS, the cost of the user from
    all lists that the crawl buys. A list that is empty, or that the network does not show, scores 0.

    Args:
        options: The crawl's options.
        network: Reads the profiles and gives the prices.

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
