"""What profiles said, kept for a week."""

from twittomatic.networks.base import Counts
from twittomatic.state.connection import Connection
from twittomatic.state.counts import KnownCounts
from twittomatic.state.keys import NetworkKeys

WEEK_S = 7 * 86_400.0


async def test_counts_are_kept_for_a_week(connection: Connection) -> None:
    known = KnownCounts(connection, NetworkKeys("x"))
    counts = {
        "1": Counts(followers=0, posts=7),
        "2": Counts(followers=1, unavailable="protected"),
        "3": Counts(),
    }
    await known.keep(counts, 1000.0)
    await known.keep({}, 1000.0)
    assert await known.read(["1", "2", "3", "4"], 1000.0 + WEEK_S) == counts
    assert await known.read(["1"], 1001.0 + WEEK_S) == {}
    await known.keep({"1": Counts(followers=1)}, 1001.0 + WEEK_S)
    assert await known.read(["1", "2"], 1001.0 + WEEK_S) == {"1": Counts(followers=1)}
    assert await known.read([], 0.0) == {}


async def test_that_there_is_no_such_user_is_kept_for_an_hour(connection: Connection) -> None:
    known = KnownCounts(connection, NetworkKeys("x@hour"))
    counts = {"1": Counts(unavailable="deleted")}
    await known.keep(counts, 1000.0)
    assert await known.read(["1"], 4600.0) == counts
    assert await known.read(["1"], 4601.0) == {}


async def test_many_at_once(connection: Connection) -> None:
    known = KnownCounts(connection, NetworkKeys("x"))
    counts = {str(number): Counts(followers=number) for number in range(2500)}
    await known.keep(counts, 1.0)
    assert await known.read(list(counts), 1.0) == counts
