"""Names and counts, shared by all crawls for a week."""

from twittomatic.networks.base import Counts
from twittomatic.state.cache import CountCache, NameCache
from twittomatic.state.connection import Connection
from twittomatic.state.keys import NetworkKeys

WEEK_S = 7 * 86_400.0


async def test_names_are_kept_for_a_week(connection: Connection) -> None:
    known, other = (NameCache(connection, NetworkKeys(account)) for account in ("names", "names@other"))
    owners = {"ada": "1", "bob": "2"}
    await known.keep(owners, 1000.0)
    await known.keep({}, 1000.0)
    assert await known.read(["ada", "bob", "carl"], 1000.0 + WEEK_S) == owners
    assert await known.read(["ada"], 1001.0 + WEEK_S) == {}
    await known.keep({"ada": "2"}, 1001.0 + WEEK_S)
    assert await known.read(["ada", "bob"], 1001.0 + WEEK_S) == {"ada": "2"}
    assert await known.read(["ada", "bob"], 1000.0, since=1000.0) == owners | {"ada": "2"}
    assert await known.read(["ada", "bob"], 1001.0, since=1001.0) == {"ada": "2"}
    await known.forget(["ada", "nobody"])
    await known.keep({"carl": "?deleted"}, 1000.0)  # as earlier versions did
    assert await known.read(["ada", "bob", "carl"], 1000.0) == {"bob": "2"}
    assert await known.read([], 0.0) == await other.read(["ada"], 0.0) == {}
    many = {f"name{number}": str(number) for number in range(2500)}
    await known.keep(many, 1.0)
    assert await known.read(list(many), 1.0) == many


async def test_counts_are_kept_for_a_week(connection: Connection) -> None:
    known = CountCache(connection, NetworkKeys("x"))
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
    known = CountCache(connection, NetworkKeys("x@hour"))
    counts = {"1": Counts(unavailable="deleted")}
    await known.keep(counts, 1000.0)
    assert await known.read(["1"], 4600.0) == counts
    assert await known.read(["1"], 4601.0) == {}


async def test_many_at_once(connection: Connection) -> None:
    known = CountCache(connection, NetworkKeys("x"))
    counts = {str(number): Counts(followers=number) for number in range(2500)}
    await known.keep(counts, 1.0)
    assert await known.read(list(counts), 1.0) == counts
