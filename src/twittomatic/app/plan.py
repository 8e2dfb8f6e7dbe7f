"""Quote a crawl without beginning it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from twittomatic.app.build import check_selection, given_credentials
from twittomatic.app.connect import connected, process_name
from twittomatic.app.observer import Observer
from twittomatic.app.runtime import Runtime
from twittomatic.app.start import before_work
from twittomatic.crawler.options import CrawlOptions
from twittomatic.errors import SettingsError
from twittomatic.networks.base import Counts
from twittomatic.planning.quote import QuoteBuilder, require_profiles
from twittomatic.planning.targets import Targets
from twittomatic.settings import Settings
from twittomatic.state.crawl import CrawlState
from twittomatic.state.embedded.server import Role, state_exists
from twittomatic.state.keys import CrawlKeys


@asynccontextmanager
async def plan_runtime(settings: Settings, modules: str) -> AsyncIterator[Runtime]:
    """Yield the parts of a crawl that is only quoted.

    If this process has no budget, that of a crawl of the same name counts.

    Raises:
        SettingsError: a setting cannot be used.
    """
    options = CrawlOptions.of(modules, settings)
    check_selection(settings, options)
    credentials = given_credentials(settings)
    name = process_name("plan")
    role = Role.VISIT if state_exists(settings.state_directory) else Role.OWN
    async with connected(settings, role, name) as connection:
        written = await CrawlState(connection, CrawlKeys(settings.crawl)).field("options")
        existing = CrawlOptions.read(written) if written else options
        if options.budget_usd is None and existing.account == options.account:
            options = msgspec.structs.replace(options, budget_usd=existing.budget_usd)
        async with Runtime.of(settings, options, connection, credentials, name) as runtime:
            yield runtime


async def known_quote(
    runtime: Runtime, given: Targets, assumed: Counts | None, observer: Observer
) -> tuple[QuoteBuilder, list[str]]:
    """Quote from what is known without a request; return names that have not been resolved too.

    Raises:
        SettingsError: there is no target.
    """
    unresolved = await runtime.buyer.unresolved(given)
    named = [name for name in given.names if name not in unresolved]
    ids = await runtime.buyer.resolve(
        Targets(ids=given.ids, names=named, addresses=given.addresses), observer.warning
    )
    if not ids and not unresolved:
        raise SettingsError("None of the targets can be crawled; there is nothing to quote.")
    builder = runtime.quote_builder(ids, assumed=assumed, unresolved=unresolved)
    await builder.gather()
    return builder, unresolved


async def buy_quote(
    runtime: Runtime, given: Targets, assumed: Counts | None, observer: Observer
) -> QuoteBuilder:
    """Buy the profiles that the quote needs, and quote from them.

    Raises:
        BudgetExhausted: the budget does not cover them.
        SettingsError: there is no target.
    """
    unresolved = len(await runtime.buyer.unresolved(given))
    await require_profiles(runtime.account, runtime.options.budget, runtime.network, unresolved)
    with before_work(runtime, observer):
        ids = await runtime.buyer.resolve(given, observer.warning)
        if not ids:
            raise SettingsError("None of the targets can be crawled; there is nothing to quote.")
        builder = runtime.quote_builder(ids, assumed=assumed)
        await builder.gather()
        unknown = await builder.unknown()
        await require_profiles(runtime.account, runtime.options.budget, runtime.network, len(unknown))
        await builder.buy(unknown, observer.warning)
    return builder
