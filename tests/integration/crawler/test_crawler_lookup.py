"""Names and counts that are bought before a crawl begins, and for how long they are believed."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from scripted import Answer, Asked, ScriptedX, profile, scripted

from twittomatic.errors import TwittomaticError
from twittomatic.fetch.credentials import Credentials
from twittomatic.fetch.fetcher import Fetcher
from twittomatic.fetch.transport import Transport
from twittomatic.networks.base import Counts
from twittomatic.networks.x import X
from twittomatic.planning.profiles import ProfileBuyer
from twittomatic.planning.targets import Targets
from twittomatic.sinks.lookup.sink import LookupSink
from twittomatic.sinks.lookup.store import ProfileStore
from twittomatic.state.account import Account
from twittomatic.state.cache import CountCache, NameCache
from twittomatic.state.client import client
from twittomatic.state.connection import Connection
from twittomatic.state.crawl import CrawlState
from twittomatic.state.keys import CrawlKeys, NetworkKeys
from twittomatic.state.stream import EventStream, Position
from twittomatic.storage.paths import Layout
from twittomatic.storage.profiles import find_profiles
from twittomatic.storage.purchases import BoughtProfiles
from twittomatic.storage.verify import verify

_numbers = itertools.count()


class Clock:
    """Stands where it is put."""

    at = 1_767_225_600.0

    def now(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


class Scene:
    """A network whose names the test owns, and commands that ask for them."""

    def __init__(self, connection: Connection, x: ScriptedX, transport: Transport, directory: Path) -> None:
        self.layout = Layout(directory / "data", directory / "data" / ".tmp")
        self.clock = Clock()
        self.x = x
        self.owners: dict[str, int] = {}
        self.gone: set[str] = set()
        self.said: list[str] = []
        self._connection = connection
        self._transport = transport
        self._account = f"x@lookup-{next(_numbers)}"
        x.script = self._answer

    def _answer(self, asked: Asked) -> Answer | None:
        if asked.path == "/2/users/by":
            parameter, wanted = "usernames", asked.query["usernames"].split(",")
            found = [profile(self.owners[name], name) for name in wanted if name in self.owners]
        elif asked.path == "/2/users":
            parameter, wanted = "ids", asked.query["ids"].split(",")
            names: Mapping[str, str] = {str(user_id): name for name, user_id in self.owners.items()}
            found = [profile(user_id, names[user_id]) for user_id in wanted if user_id in names]
        else:
            return None
        errors = [
            {
                "value": user,
                "resource_id": user,
                "parameter": parameter,
                "resource_type": "user",
                "title": "Not Found Error",
                "detail": f"Could not find user with {parameter}: [{user}].",
                "type": "https://api.twitter.com/2/problems/resource-not-found",
            }
            for user in wanted
            if user in self.gone
        ]
        body = ({"data": found} if found else {}) | ({"errors": errors} if errors else {})
        return Answer(body=body or {"meta": {"result_count": 0}})

    def command(self, crawl: str = "one", refresh_older_than: float | None = None) -> ProfileBuyer:
        """Return the lookup of a command that is given now."""
        network, shared = X(url=self.x.url), NetworkKeys(self._account)
        keys = CrawlKeys(f"{self._account}-{crawl}", "F")
        self.crawl, self.events = CrawlState(self._connection, keys), EventStream(self._connection, keys)
        return ProfileBuyer(
            fetcher=Fetcher(
                network=network,
                transport=self._transport,
                credentials=Credentials(["token"], ()),
                account=Account(self._connection, shared, budget=None, horizon_s=60, crawl=crawl),
                crawl=crawl,
                clock=self.clock,
                halt=asyncio.Event(),
                lease_s=60,
            ),
            network=network,
            crawl=self.crawl,
            names=NameCache(self._connection, shared),
            counts=CountCache(self._connection, shared),
            kept=BoughtProfiles(self.layout, crawl, f"process-{next(_numbers)}", network="x"),
            events=self.events,
            clock=self.clock,
            refresh_older_than=refresh_older_than,
        )

    async def ids(
        self, *names: str, refresh_names: bool = False, lookup: ProfileBuyer | None = None
    ) -> list[str]:
        """Resolve names; `said` is what the user was told."""
        self.said = []
        targets = Targets(ids=(), names=names, refresh_names=refresh_names)
        return list(await (lookup or self.command()).resolve(targets, self.said.append))

    @property
    def requests(self) -> int:
        return len(self.x.paths())


@pytest.fixture
async def scene(server_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    async with AsyncExitStack() as stack:
        connection = Connection(client(server_url, "test"))
        stack.push_async_callback(connection.close)
        x = stack.enter_context(scripted())
        transport = await stack.enter_async_context(Transport(timeout_s=30))
        yield Scene(connection, x, transport, tmp_path)


def nothing_said(scene: Scene) -> None:
    scene.gone.clear()


def deactivated(scene: Scene) -> None:
    scene.gone.add("ghost")


@pytest.mark.parametrize("absence", [nothing_said, deactivated])
@pytest.mark.parametrize("crawl", ["one", "two"])
async def test_a_name_without_an_owner_is_asked_for_again(
    scene: Scene, absence: Callable[[Scene], None], crawl: str
) -> None:
    absence(scene)
    scene.owners["steady"] = 5
    assert await scene.ids("steady", "ghost") == ["5"]
    assert [sentence.partition(":")[0] for sentence in scene.said] == ["@ghost"]
    assert await scene.command(crawl).unresolved(Targets(ids=(), names=["steady", "ghost"])) == ["ghost"]
    scene.gone.clear()
    scene.owners["ghost"] = 6
    assert await scene.ids("steady", "ghost", lookup=scene.command(crawl)) == ["5", "6"]
    assert scene.said == []
    assert scene.x.asked[-1].query["usernames"] == "ghost"
    assert await scene.ids("steady", "ghost", lookup=scene.command(crawl)) == ["5", "6"]
    assert scene.requests == 2


async def test_a_name_with_a_new_owner_is_noticed_when_it_is_asked_for(scene: Scene) -> None:
    scene.owners["jack"] = 12
    assert await scene.ids("jack") == ["12"]
    scene.owners = {"jack": 34}
    assert await scene.ids("jack") == ["12"]
    assert await scene.ids("jack", refresh_names=True) == ["34"]
    assert scene.said == ["@jack is user 34 now, and was 12; what was crawled of 12 stays."]
    assert await scene.ids("jack") == ["34"]
    assert await scene.ids("jack", lookup=scene.command("two")) == ["34"]
    assert scene.requests == 2


async def test_names_are_as_old_as_lists_may_be(scene: Scene) -> None:
    scene.owners["jack"] = 12
    assert await scene.ids("jack") == ["12"]
    scene.owners = {"jack": 34}
    scene.clock.at += 3600
    assert await scene.ids("jack", lookup=scene.command(refresh_older_than=3600)) == ["12"]
    assert await scene.ids("jack", lookup=scene.command(refresh_older_than=3599)) == ["34"]
    scene.owners = {"jack": 56}
    scene.clock.at += 1
    scene.command()
    await scene.crawl.begin("F", "{}", "2026-01-01T00:00:00Z")
    assert await scene.ids("jack", lookup=scene.command(refresh_older_than=0)) == ["34"]  # it continues
    assert await scene.ids("jack", lookup=scene.command("two", refresh_older_than=0)) == ["56"]


async def test_a_user_with_a_changed_name_is_reported_and_forgotten(scene: Scene) -> None:
    scene.owners["jack"] = 12
    assert await scene.ids("jack") == ["12"]
    scene.owners = {"jack_was_here": 12, "jack": 34}
    lookup = scene.command()
    assert await scene.ids("jack", lookup=lookup) == ["12"]
    await lookup.count(["12"], scene.said.append)
    [sentence] = scene.said
    assert sentence.startswith("@jack was user 12, who is @jack_was_here now")
    assert await scene.ids("jack") == ["34"]


async def test_a_user_with_the_same_name_is_not(scene: Scene) -> None:
    scene.owners["jack"] = 12
    assert await scene.ids("jack") == ["12"]
    lookup = scene.command()
    assert await scene.ids("jack", lookup=lookup) == ["12"]
    await lookup.count(["12"], scene.said.append)
    assert scene.said == []
    assert scene.requests == 2


async def test_counts_of_missing_users_are_kept_only_with_a_reason_from_the_network(scene: Scene) -> None:
    scene.gone.add("1")
    lookup = scene.command()
    found = await lookup.count(["1", "2"], scene.said.append)
    assert found == {"1": Counts(unavailable="deleted"), "2": Counts(unavailable="unavailable")}
    known = CountCache(scene._connection, NetworkKeys(scene._account))
    assert await known.read(["1", "2"], scene.clock.now()) == {"1": Counts(unavailable="deleted")}


async def test_profiles_that_were_bought_are_kept_and_reach_the_sinks(scene: Scene, tmp_path: Path) -> None:
    scene.owners = {"ada": 5, "bob": 6, "cid": 7}
    lookup = scene.command()
    await scene.ids("ada", "bob", lookup=lookup)
    await lookup.count(["7"], scene.said.append)
    found = {one.user_id: one for one in find_profiles(scene.layout, ["5", "6", "7", "8"])}
    assert {user_id: json.loads(one.record)["username"] for user_id, one in found.items()} == {
        "5": "ada",
        "6": "bob",
        "7": "cid",
    }
    assert {one.came_at for one in found.values()} == {int(scene.clock.now())}
    assert list(verify(scene.layout)) == []
    assert not [path for path in scene.layout.pending_directory.iterdir() if path.suffix != ".lock"]

    delivery, _ = await scene.events.read(Position(), 10)
    store = ProfileStore(tmp_path / "store")
    sink = LookupSink(store, scene.layout, crawl="one", name_of=X(url=scene.x.url).name_of)
    assert await sink.handle(delivery.events, scene.said.append) == 3
    assert scene.said == []
    assert [one.name for user in store.users([5, 6, 7]) for one in user.names] == ["ada", "bob", "cid"]
    store.close()


async def test_what_was_bought_before_a_failure_is_kept(scene: Scene) -> None:
    names = [f"user{number}" for number in range(150)]
    scene.owners = {name: number for number, name in enumerate(names, start=1)}
    answer = scene.x.script
    scene.x.script = lambda asked: answer(asked) if asked.number == 1 else Answer(status=402, body={})
    with pytest.raises(TwittomaticError):
        await scene.ids(*names)
    assert len(list(find_profiles(scene.layout, map(str, range(1, 151))))) == 100
    assert list(verify(scene.layout)) == []
