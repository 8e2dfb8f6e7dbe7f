"""Error of the expected bill, for a real follower graph delivered page by page.

Every followers list is settled in pages of 1,000 on one day, in random order; X charges for each user once.
The figure is the ledger's expectation divided by the actual charge, minus one.

    python benchmarks/expectation.py [GRAPH...] [--seed 1]
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
from collections import defaultdict
from pathlib import Path

from harness import verdict
from twittomatic.emulator import bundled_graph
from twittomatic.networks.base import Limit
from twittomatic.state.account import Account
from twittomatic.state.client import client
from twittomatic.state.connection import Connection
from twittomatic.state.embedded.server import Role, embedded
from twittomatic.state.keys import NetworkKeys
from twittomatic.state.permits import Delivery, Permit
from twittomatic.storage.formats import read_lines

GOAL = 10  # percent; a sample of a fifth of 3,000 users is typically off by 3 %
_PAGE, _PRICE = 1000, 10_000
_LIMIT = Limit(requests=10**9, window_s=900)


def lists(graph: Path, chance: random.Random) -> list[list[str]]:
    """Return the followers lists of all users who have followers, in random order.

    The users in these graphs are numbered from 1; here they get random ids as in a real network, because a
    sample of consecutive numbers would be better than any real one.
    """
    found: dict[str, list[str]] = defaultdict(list)
    ids: dict[str, str] = defaultdict(lambda: str(chance.getrandbits(61)))
    for line in read_lines(graph):
        if not line.startswith(b"#"):
            user, follower = line.decode().split()
            found[user].append(ids[follower])
    followers = list(found.values())
    chance.shuffle(followers)
    return followers


async def expected(followers: list[list[str]], keys: NetworkKeys, url: str) -> tuple[int, int]:
    """Settle all lists; return the spent and the expected amount in micro-dollars."""
    connection = Connection(client(url, "benchmark"))
    money = Account(connection, keys, budget=None, horizon_s=60)
    for ids in followers:
        for start in range(0, len(ids), _PAGE):
            page = ids[start : start + _PAGE]
            permit = await money.acquire("followers", {"a": _LIMIT}, price=_PRICE, wanted=_PAGE)
            assert isinstance(permit, Permit)
            delivery = Delivery(day="2026-01-01", resource="user", ids=page, unit_price=_PRICE)
            await money.settle(permit, len(page) * _PRICE, None, delivery)
    totals = await money.totals()
    await connection.close()
    return totals.spent, totals.expected


async def measure(graphs: list[Path], seed: int) -> None:
    with tempfile.TemporaryDirectory(prefix="tw") as directory:
        async with embedded(Path(directory), Role.OWN) as url:
            for graph in graphs:
                followers = lists(graph, random.Random(seed))
                spent, probable = await expected(followers, NetworkKeys(graph.name), url)
                bill = len({user for ids in followers for user in ids}) * _PRICE
                print(
                    f"{graph.name}: at most ${spent / 1e6:,.2f}, expected ${probable / 1e6:,.2f}, "
                    f"charged ${bill / 1e6:,.2f}"
                )
                off = 100 * abs(probable / bill - 1)
                verdict(f"{graph.name}: expected bill is off by", off, GOAL, most=True, unit=" %")


def main() -> None:
    parser = argparse.ArgumentParser(description="Error of the expected bill.")
    parser.add_argument("graphs", type=Path, nargs="*", default=[bundled_graph()])
    parser.add_argument("--seed", type=int, default=1, help="seed of ids and order")
    arguments = parser.parse_args()
    print(f"ids and order from seed {arguments.seed}")
    asyncio.run(measure(arguments.graphs, arguments.seed))


if __name__ == "__main__":
    main()
