"""What must hold of the state for all ids and all interleavings, on a real server."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twittomatic.errors import LeadershipLost
from twittomatic.networks.base import Limit
from twittomatic.state.account import Account
from twittomatic.state.client import client
from twittomatic.state.connection import Connection
from twittomatic.state.embedded.server import Role, embedded
from twittomatic.state.frontier import Frontier
from twittomatic.state.keys import CrawlKeys, NetworkKeys
from twittomatic.state.leadership import Leadership
from twittomatic.state.permits import OverBudget, Permit, RetryAfter

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
        keys = CrawlKeys(f"crawl-{next(_numbers)}", "F")
        frontier = Frontier(server.connection, keys)
        leadership = Leadership(server.connection, keys, "master", ttl_s=600)
        assert await leadership.lead()
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
        await frontier.forget(leadership, keep_waiting=False)

    server.run(check())


class Purse:
    """What one process holds and what came back to it, kept without the server."""

    def __init__(self) -> None:
        self.permit: Permit | None = None
        self.reserved = 0
        self.is_given_up = False
        self.spent = 0
        self.bill = 0
        self.lost = 0


class Turn(NamedTuple):
    """What a process does: it asks for a request, or ends the one that it has."""

    purse: int
    price: int
    wanted: int
    least: int
    is_slow: bool  # the reservation is given up before the answer comes
    charged: float  # which part of it the network charges for
    fate: str  # of the answer


turn = st.builds(
    Turn,
    purse=st.integers(0, 4),
    price=st.sampled_from([1, 5_000, 10_000]),
    wanted=st.integers(1, 1000),
    least=st.integers(1, 10),
    is_slow=st.booleans(),
    charged=st.floats(0, 1),
    fate=st.sampled_from(["comes", "comes", "comes", "is lost", "dies with its process"]),
)
cap = st.integers(1, 20_000_000)
rounds = st.lists(
    st.tuples(
        st.one_of(st.none(), cap), st.lists(turn, min_size=1, max_size=5, unique_by=lambda one: one.purse)
    ),
    max_size=12,
)


@thorough
@given(first_cap=cap, schedule=rounds)
def test_the_ledger_is_exact_and_within_the_cap_and_never_below_the_bill(
    server: Server, first_cap: int, schedule: list[tuple[int | None, list[Turn]]]
) -> None:
    """Five processes take turns, some in the same moment; between two rounds another may change their cap."""

    async def check() -> None:
        keys, limit = NetworkKeys(f"net-{next(_numbers)}"), Limit(requests=1_000, window_s=900)
        leadership = Leadership(server.connection, CrawlKeys("a"), "master")
        purses = [Purse() for _ in range(5)]

        def money(budget: int, horizon_s: float = 600) -> Account:
            return Account(server.connection, keys, budget=budget, horizon_s=horizon_s, crawl="a")

        patient, hasty, before = money(10**12), money(10**12, 0), money(10**12)
        patient.cap.follow()
        hasty.cap.follow()
        leadership.epoch = 1
        await before.cap.share(leadership)

        async def act(turn: Turn) -> None:
            purse = purses[turn.purse]
            if purse.permit is not None:
                await end(purse, purse.permit, turn)
                return
            least, fields = min(turn.least, turn.wanted), [f"module:a:{turn.purse}"]
            decision = await (hasty if turn.is_slow else patient).acquire(
                f"endpoint-{turn.purse}",
                {"a": limit},
                price=turn.price,
                wanted=turn.wanted,
                least=least,
                fields=fields,
            )
            if isinstance(decision, Permit):
                assert least <= decision.resources <= turn.wanted
                purse.permit, purse.is_given_up = decision, turn.is_slow
                purse.reserved = decision.resources * turn.price
            elif isinstance(decision, OverBudget):
                assert decision.left < turn.price * least
            else:
                assert isinstance(decision, RetryAfter)

        async def end(purse: Purse, permit: Permit, turn: Turn) -> None:
            cost = int(turn.charged * purse.reserved)
            purse.permit = None
            purse.bill += cost
            if turn.fate == "dies with its process" and not purse.is_given_up:
                purse.lost += purse.reserved
                return
            if turn.fate != "dies with its process":
                await patient.settle(permit, cost if turn.fate == "comes" else None)
            purse.spent += cost if turn.fate == "comes" and not purse.is_given_up else purse.reserved

        async def look(most: int) -> None:
            totals = await patient.totals()
            assert 0 <= totals.spent + totals.reserved <= most

        cap, used = first_cap, 0
        for number, (new_cap, turns) in enumerate([(first_cap, []), *schedule], start=2):
            if new_cap is not None:
                cap, leadership.epoch = new_cap, number
                await money(cap).cap.share(leadership)
                leadership.epoch = 1
                with pytest.raises(LeadershipLost):
                    await before.cap.share(leadership)
            assert await patient.left() == cap - used
            most = max(cap, used)
            await asyncio.gather(look(most), *map(act, turns), look(most))
            totals = await patient.totals()
            used = totals.spent + totals.reserved
            assert used <= most
            open_ = [purse for purse in purses if purse.permit]
            given_up = [purse for purse in open_ if purse.is_given_up]
            assert totals.reserved == sum(purse.reserved for purse in open_ if not purse.is_given_up) + sum(
                purse.lost for purse in purses
            )
            assert totals.spent == sum(purse.spent for purse in purses) + sum(
                purse.reserved for purse in given_up
            )
            for number_of, purse in enumerate(purses):
                there = purse.reserved if purse in given_up else 0
                assert totals.fields.get(f"module:a:{number_of}", 0) == purse.spent + there
            assert used >= sum(purse.bill for purse in purses)

    server.run(check())
