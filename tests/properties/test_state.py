"""What must hold of the state for all ids and all interleavings, on a real server."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twittomatic.networks.base import Limit
from twittomatic.state.address import client
from twittomatic.state.connection import Connection
from twittomatic.state.frontier import Frontier
from twittomatic.state.keys import CrawlKeys, NetworkKeys
from twittomatic.state.money import Money, NoMoney, Permit, Wait
from twittomatic.state.server import Role, embedded

thorough = settings(deadline=None, print_blob=True)  # a failure prints how to repeat it
_numbers = itertools.count()


class Server:
    """A server and a connection to it, on a loop that runs while it is used."""

    def __init__(self, runner: asyncio.Runner, connection: Connection) -> None:
        self._runner = runner
        self.connection = connection

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        self._runner.run(work)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with (
        tempfile.TemporaryDirectory(prefix="tw") as directory,
        asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner,
    ):
        inside = AsyncExitStack()
        url = runner.run(inside.enter_async_context(embedded(Path(directory), Role.OWN)))
        connection = Connection(client(url, "properties"))
        yield Server(runner, connection)
        runner.run(connection.close())
        runner.run(inside.aclose())


any_id = st.integers(1, 19).flatmap(lambda digits: st.integers(10 ** (digits - 1), 10**digits - 1))
near_an_edge = st.sampled_from([0, 2**31, 2**32, 2**53, 2**63, 10**9, 10**18]).flatmap(
    lambda edge: st.integers(max(0, edge - 9), edge + 9)
)
progression = st.tuples(
    st.integers(0, 10**18), st.sampled_from([1, 7, 210, 4_194_304, 2**40]), st.integers(0, 3_000)
).map(lambda three: range(three[0], three[0] + three[1] * three[2], three[1]))
batch = st.one_of(st.lists(st.one_of(any_id, near_an_edge), max_size=50), progression)


@thorough
@given(batches=st.lists(st.tuples(batch, st.integers(0, 3)), max_size=6))
def test_everyone_is_new_once_and_exported_once(server: Server, batches: list[tuple[Any, int]]) -> None:
    async def check() -> None:
        frontier = Frontier(server.connection, CrawlKeys(f"crawl-{next(_numbers)}", "F"))
        seen: set[int] = set()
        places: dict[int, list[str]] = {}
        for ids, depth in batches:
            new = [user_id for user_id in dict.fromkeys(ids) if user_id not in seen]
            seen.update(new)
            if new:
                places.setdefault(depth, []).extend(map(str, new))
            assert await frontier.discover([str(user_id) for user_id in ids], depth) == len(new)
        assert await frontier.seen() == len(seen)
        assert await frontier.sizes() == {depth: len(ids) for depth, ids in places.items()}
        exported = [user_id async for ids in frontier.export() for user_id in ids]
        assert exported == [user_id for depth in sorted(places) for user_id in places[depth]]
        await frontier.forget()

    server.run(check())


class Purse:
    """What one process holds and what came back to it, kept without the server."""

    def __init__(self) -> None:
        self.permit: Permit | None = None
        self.price = 0
        self.settled = 0
        self.lost = 0


step = st.tuples(
    st.integers(0, 4),  # whose turn it is
    st.sampled_from([1, 5_000, 10_000]),  # price
    st.integers(1, 1000),  # wanted
    st.integers(1, 10),  # the fewest that make sense
    st.one_of(st.none(), st.floats(0, 1)),  # which part of it is charged, None when nobody knows
)
rounds = st.lists(st.lists(step, min_size=1, max_size=5, unique_by=lambda one: one[0]), max_size=12)


@thorough
@given(budget=st.integers(1, 20_000_000), schedule=rounds, deaths=st.booleans())
def test_the_ledger_is_exact_and_never_beyond_the_budget(
    server: Server, budget: int, schedule: list[Any], deaths: bool
) -> None:
    """Five processes take turns, some in the same moment; with deaths some never settle what they hold."""

    async def check() -> None:
        keys = NetworkKeys(f"net-{next(_numbers)}")
        purses = [Purse() for _ in range(5)]
        moneys = [Money(server.connection, keys, budget=budget, horizon_s=600) for _ in purses]
        limit = Limit(requests=1_000, window_s=900)

        async def act(turn: tuple[int, int, int, int, float | None]) -> None:
            number, price, wanted, least, part = turn
            purse, money = purses[number], moneys[number]
            if purse.permit is None:
                least = min(least, wanted)
                decision = await money.acquire("x", {"a": limit}, price=price, wanted=wanted, least=least)
                if isinstance(decision, Permit):
                    assert least <= decision.resources <= wanted
                    purse.permit, purse.price = decision, price
                elif isinstance(decision, NoMoney):
                    assert decision.left < price * least
                else:
                    assert isinstance(decision, Wait)
                return
            reserved, permit = purse.permit.resources * purse.price, purse.permit
            purse.permit = None
            if deaths and part is not None and part > 0.8:
                purse.lost += reserved
                return
            cost = None if part is None else int(part * reserved)
            await money.settle(permit, cost, None, ["crawl:a"])
            purse.settled += reserved if cost is None else cost

        async def look() -> None:
            totals = await moneys[0].totals()
            assert 0 <= totals.spent + totals.reserved <= budget

        for turns in schedule:
            await asyncio.gather(look(), *map(act, turns), look())
            totals = await moneys[0].totals()
            held = sum(purse.permit.resources * purse.price for purse in purses if purse.permit)
            assert totals.reserved == held + sum(purse.lost for purse in purses)
            assert totals.spent == sum(purse.settled for purse in purses)
            assert totals.fields.get("crawl:a", 0) == totals.spent
            assert totals.spent + totals.reserved <= budget

    server.run(check())
