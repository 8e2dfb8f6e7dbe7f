"""Build what settings alone determine: selection, layout, credentials, proxies, spending record."""

from __future__ import annotations

import os

from twittomatic.crawler.options import CrawlOptions
from twittomatic.errors import SettingsError
from twittomatic.fetch.credentials import Credentials
from twittomatic.fetch.proxy import Proxies
from twittomatic.modules.selection import Selection
from twittomatic.networks import registry
from twittomatic.networks.base import Network
from twittomatic.planning.value import VALUE_PER_DOLLAR, value_per_dollar
from twittomatic.settings import Settings
from twittomatic.state.client import database_of
from twittomatic.state.spending import Spending
from twittomatic.storage.paths import Layout


def selection(options: CrawlOptions, network: Network) -> Selection:
    """Return the selection that chooses and ranks followers.

    Raises:
        SettingsError: SELECT or PRIORITY is not an expression that can be used.
    """
    valued = options.priority.strip().lower() == VALUE_PER_DOLLAR
    scored = value_per_dollar(options, network) if valued else None
    return Selection(options.select, options.priority, network, scored=scored)


def check_selection(settings: Settings, options: CrawlOptions) -> None:
    """Make sure that SELECT, PRIORITY, prices and limits can be used.

    Raises:
        SettingsError: one of them cannot.
    """
    selection(options, registry.network(settings, options))


def layout(settings: Settings) -> Layout:
    """Return the layout of the dataset."""
    return Layout(settings.output_directory, settings.temporary_directory)


def spending(settings: Settings, process: str) -> Spending:
    """Return the record of what this process spends, kept beside the dataset and named by its server.

    Redis servers count as one, since an address has many names, but each database has its own ledger.
    """
    if settings.redis_url:
        server = f"redis/{database_of(settings.redis_url)}"
    else:
        place = os.fsencode(settings.state_directory.absolute())
        server = place.decode(errors="backslashreplace")
    return Spending(layout(settings).spending, process, server)


def credentials(settings: Settings) -> Credentials:
    """Return the credentials.

    Raises:
        SettingsError: there is none although the network needs one, or they cannot be read.
    """
    found, network = given_credentials(settings), registry.network_class(settings.network)
    if not len(found) and network.tokens:
        names = ", ".join(name for name in (network.tokens.app, network.tokens.user) if name)
        raise SettingsError(f"{names}: no token was given; {network.title} accepts nobody without one.")
    return found


def given_credentials(settings: Settings) -> Credentials:
    """Return the credentials that were given, or the one of a network that needs none.

    Raises:
        SettingsError: they cannot be read.
    """
    tokens = registry.network_class(settings.network).tokens
    if tokens is None:
        return Credentials.anonymous()
    app, user = (settings.text_of(name.lower()) if name else "" for name in (tokens.app, tokens.user))
    return Credentials.load(app, user, setting=tokens.app)


def proxies(settings: Settings) -> Proxies:
    """Return the proxies.

    Raises:
        SettingsError: PROXY or the environment names something that is not an HTTP proxy.
    """
    found = Proxies(settings.proxy)
    found.for_url(registry.network(settings, registry.AS_LISTED).url)
    return found


def check_network(settings: Settings, options: CrawlOptions) -> None:
    """Make sure that this process asks the network of the crawl.

    Raises:
        SettingsError: NETWORK names another one.
    """
    if options.network != settings.network:
        raise another_network(settings.crawl, options.network, settings.network)


def another_network(crawl: str, network: str, given: str) -> SettingsError:
    """Return the error for a process whose NETWORK is not that of the crawl."""
    return SettingsError(
        f"NETWORK: crawl “{crawl}” is of the network {network}, and this process would ask {given}; "
        f"give --network {network}."
    )


def check_budget(settings: Settings, options: CrawlOptions | None = None) -> None:
    """Make sure that a network that charges is not asked without a budget, nor on the bill of another.

    Args:
        settings: This process's settings.
        options: The crawl's options, if another process began the crawl, so that its budget counts.

    Raises:
        SettingsError: there is no budget, or the crawl is on another account.
    """
    asked = registry.network(settings, options)
    if asked.prices.is_free and settings.budget_usd is not None:
        raise SettingsError(f"BUDGET_USD: {asked.title} charges nothing; leave it out.")
    if not asked.needs_budget:
        return
    if options is None and settings.budget_usd is None:
        raise SettingsError(
            f"BUDGET_USD: {asked.title} charges for every read; say what this may cost, "
            "such as --budget-usd 25."
        )
    if options and options.budget is None:
        raise SettingsError(
            f"BUDGET_USD: crawl “{settings.crawl}” was begun without one, and this process would ask "
            f"{asked.title}, which charges for every read; begin it with one, or give the same URL of the "
            "API as its master has."
        )
    if options and options.account != registry.account_of(settings):
        raise SettingsError(
            f"NETWORK: crawl “{settings.crawl}” is on the account {options.account}, and this process "
            f"would ask {asked.title}; give the same URL of the API as its master has."
        )
