"""Every kind of answer validates against X's own description of its API (2.159, the legacy dialect)."""

from collections.abc import Callable
from typing import Any

import pytest
import requests
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

import recorded
from twittomatic.emulator import ProceduralWorld, RecordedWorld
from twittomatic.emulator.world.pages import read_pages


class Description:
    """The document, and validators for its parts."""

    def __init__(self) -> None:
        self.document = recorded.description()
        resource = Resource.from_contents(self.document, default_specification=DRAFT202012)
        self._registry = Registry().with_resource("urn:x", resource)

    def schema(self, name: str) -> dict[str, Any]:
        schema: dict[str, Any] = self.document["components"]["schemas"][name]
        return schema

    def names(self, parameter: str) -> str:
        schema = self.document["components"]["parameters"][parameter]["schema"]
        return ",".join(schema["items"]["enum"])

    def check(self, pointer: str, value: Any) -> None:
        Draft202012Validator({"$ref": f"urn:x#{pointer}"}, registry=self._registry).validate(value)

    def check_answer(self, path: str, response: requests.Response) -> dict[str, Any]:
        body: dict[str, Any] = response.json()
        if response.status_code == 200:
            escaped = path.replace("~", "~0").replace("/", "~1")
            kind = "application~1json"
            self.check(f"/paths/{escaped}/get/responses/200/content/{kind}/schema", body)
            for problem in body.get("errors", []):
                self.check_problem(problem)
            self.check_objects(body)
        else:
            assert response.headers["Content-Type"] == "application/problem+json"
            self.check_problem(body)
        return body

    def check_problem(self, problem: dict[str, Any]) -> None:
        pointer = self.schema("Problem")["discriminator"]["mapping"][problem["type"]]
        self.check(pointer.removeprefix("#"), problem)

    def check_objects(self, body: dict[str, Any]) -> None:
        data = body.get("data", [])
        includes = body.get("includes", {})
        everything = [*(data if isinstance(data, list) else [data]), *includes.get("users", [])]
        known = {
            "User": {*self.schema("User")["properties"], *self.names("UserFieldsParameter").split(",")},
            "Tweet": {*self.schema("Tweet")["properties"], *self.names("TweetFieldsParameter").split(",")},
        }
        for thing in [*everything, *includes.get("tweets", [])]:
            name = "Tweet" if "text" in thing else "User"
            self.check(f"/components/schemas/{name}", thing)
            assert not thing.keys() - known[name]


@pytest.fixture(scope="module")
def description() -> Description:
    return Description()


@pytest.fixture(scope="module")
def session() -> Any:
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = "Bearer t"
        yield session


@pytest.fixture(scope="module")
def computed(start: Callable[..., str], computed_world: ProceduralWorld) -> str:
    return start(computed_world)


class People:
    """One of each kind in the computed world."""

    def __init__(self, world: ProceduralWorld) -> None:
        ordinals = range(1000)
        self.fates = {world.status_at(o): world.id_at(o) for o in ordinals}
        everyone = [world.id_at(o) for o in ordinals]
        self.hundred = everyone[:100]
        readable = [i for i in everyone if world.user(i).status == "active"]  # type: ignore[union-attr]
        self.star = max(readable, key=world.follower_count)
        self.writer = max(readable, key=world.post_count)
        self.names = [world.user(i).username for i in self.hundred]  # type: ignore[union-attr]
        self.posts = [post for i in readable[:60] for post in world.all_posts(i)][:99]


@pytest.fixture(scope="module")
def people(computed_world: ProceduralWorld) -> People:
    return People(computed_world)


def test_every_endpoint_with_everything_asked_for(
    description: Description, session: requests.Session, computed: str, people: People
) -> None:
    of_users = {
        "user.fields": description.names("UserFieldsParameter"),
        "tweet.fields": description.names("TweetFieldsParameter"),
        "expansions": description.names("UserExpansionsParameter"),
    }
    of_posts = {**of_users, "expansions": description.names("TweetExpansionsParameter")}
    hundred = ",".join(map(str, people.hundred))
    posts = ",".join(map(str, [*people.posts, 1]))
    asked: list[tuple[str, str, dict[str, str]]] = [
        ("/2/users", "/2/users", {"ids": hundred, **of_users}),
        ("/2/users/by", "/2/users/by", {"usernames": ",".join([*people.names[:99], "nobody"]), **of_users}),
        ("/2/users/{id}", f"/2/users/{people.star}", of_users),
        ("/2/users/by/username/{username}", f"/2/users/by/username/{people.names[0]}", of_users),
        ("/2/users/{id}/followers", f"/2/users/{people.star}/followers", {"max_results": "1000", **of_users}),
        ("/2/users/{id}/following", f"/2/users/{people.star}/following", {"max_results": "1000", **of_users}),
        ("/2/users/{id}/tweets", f"/2/users/{people.writer}/tweets", {"max_results": "100", **of_posts}),
        ("/2/tweets", "/2/tweets", {"ids": posts, **of_posts}),
    ]
    for path, route, query in asked:
        body = description.check_answer(path, session.get(computed + route, params=query))
        assert body["data"], path
        if path in ("/2/users", "/2/users/by", "/2/tweets"):
            assert body["errors"], path
        if "{id}/" in path or path == "/2/tweets":
            assert body["includes"], path


def test_every_endpoint_when_it_has_nothing_to_show(
    description: Description, session: requests.Session, computed: str, people: People
) -> None:
    routes = {
        "/2/users/{id}": "/2/users/{0}",
        "/2/users/{id}/followers": "/2/users/{0}/followers",
        "/2/users/{id}/following": "/2/users/{0}/following",
        "/2/users/{id}/tweets": "/2/users/{0}/tweets",
        "/2/users": "/2/users?ids={0}",
        "/2/tweets": "/2/tweets?ids={0}",
        "/2/users/by": "/2/users/by?usernames=nobody",
        "/2/users/by/username/{username}": "/2/users/by/username/nobody",
    }
    for fate, user_id in {**people.fates, "unknown": 5_000_000_001}.items():
        for path, route in routes.items():
            response = session.get(computed + route.format(str(user_id)))
            body = description.check_answer(path, response)
            if fate in ("suspended", "deleted", "unknown"):
                assert body.keys() == {"errors"}, (fate, path)


def test_every_endpoint_when_it_refuses(
    description: Description,
    session: requests.Session,
    start: Callable[..., str],
    computed_world: ProceduralWorld,
) -> None:
    routes = {
        "users": "/2/users?ids=x",
        "users_by": "/2/users/by?usernames=-",
        "user": "/2/users/x",
        "user_by_username": "/2/users/by/username/-",
        "followers": "/2/users/1/followers?max_results=0",
        "following": "/2/users/1/following?pagination_token=abc",
        "timeline": "/2/users/1/tweets?next_token=abc",
        "posts": "/2/tweets?ids=",
        "usage": "/2/usage/tweets?days=91",
    }
    url = start(computed_world, limits=dict.fromkeys(routes, 1), tokens=["t"])
    for route in routes.values():
        stranger = session.get(url + route, headers={"Authorization": "Bearer someone"})
        answers = [stranger, session.get(url + route), session.get(url + route)]
        assert [answer.status_code for answer in answers] == [401, 400, 429], route
        for answer in answers:
            description.check_answer("", answer)


def test_recorded_pages_served_back(
    description: Description, session: requests.Session, start: Callable[..., str]
) -> None:
    world: RecordedWorld = read_pages(recorded.PAGES)
    url = start(world)
    of_posts = {
        "tweet.fields": "author_id,created_at,entities,public_metrics,referenced_tweets,attachments",
        "expansions": "author_id,referenced_tweets.id,attachments.media_keys,entities.mentions.username",
    }
    author = max(world.user_ids, key=world.post_count)
    body = session.get(f"{url}/2/users/{author}/tweets", params=of_posts).json()
    assert [int(post["id"]) for post in body["data"]] == world.all_posts(author)
    ids = [str(i) for user in world.user_ids for i in world.all_posts(user)]
    found = session.get(f"{url}/2/tweets", params={"ids": ",".join(ids), **of_posts}).json()
    assert len(found["data"]) == len(ids) > 50
    assert found["includes"]["users"]
    assert found["includes"]["tweets"]


def test_usage_is_described_but_for_the_numbers_that_x_sends_as_strings(
    description: Description, session: requests.Session, computed: str
) -> None:
    body = session.get(f"{computed}/2/usage/tweets").json()
    for name in ("project_cap", "project_usage"):
        assert isinstance(body["data"][name], str)
        body["data"][name] = int(body["data"][name])
    description.check("/components/schemas/Get2UsageTweetsResponse", body)
