"""The emulator, which shares no code with us, answers our requests: we read what it knows, and its bill."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from twittomatic import model
from twittomatic.emulator.world.base import Post, Status, User
from twittomatic.emulator.world.recorded import RecordedWorld
from twittomatic.emulator.x import follows, lookups, timelines
from twittomatic.emulator.x.billing import MICRO_DOLLARS
from twittomatic.emulator.x.endpoints import ENDPOINTS
from twittomatic.emulator.x.pagination import TokenMaker
from twittomatic.emulator.x.parameters import read
from twittomatic.emulator.x.problems import InvalidRequestError
from twittomatic.emulator.x.rendering import Renderer
from twittomatic.errors import PaginationExpired, TargetUnavailable
from twittomatic.networks.base import Page, Request, Response
from twittomatic.networks.x import X

BY_NAME = {endpoint.name: endpoint for endpoint in ENDPOINTS}
LISTS: dict[str, Callable[..., Any]] = {
    "followers": follows.followers,
    "following": follows.following,
    "timeline": timelines.timeline,
}
LOOKUPS: dict[str, Callable[..., Any]] = {"users": lookups.users_by_id, "users_by": lookups.users_by_name}


def person(user_id: int, status: Status = "active") -> User:
    shown = {"id": str(user_id), "name": f"N{user_id}", "username": f"user{user_id}"}
    return User(id=user_id, username=f"user{user_id}", status=status, fields=shown)


@pytest.fixture
def world() -> RecordedWorld:
    """User 1 is followed by 10 to 19 and has 20 posts; 12 is suspended, 13 deleted, 15 protected."""
    fates: dict[int, Status] = {12: "suspended", 13: "deleted", 15: "protected"}

    def post(post_id: int) -> Post:
        fields: dict[str, Any] = {"id": str(post_id), "author_id": "1", "text": f"post {post_id}"}
        if post_id % 3 == 0:
            fields["referenced_tweets"] = [{"type": "replied_to", "id": str(post_id - 1)}]
        return Post(id=post_id, author_id=1, fields=fields)

    return RecordedWorld(
        users=[person(1), *(person(i, fates.get(i, "active")) for i in range(10, 20))],
        followers={1: list(range(10, 20)), 15: [1], 12: [1], 13: [1]},
        posts=[post(1000 + n) for n in range(20)],
    )


def ask(x: X, world: RecordedWorld, request: Request) -> Page:
    """Let the emulator answer a request, and hold our bill against its own."""
    endpoint = BY_NAME[request.endpoint]  # type: ignore[index]
    path = {"id": request.path.split("/")[3]} if "{id}" in endpoint.path else {}
    assert request.path == endpoint.path.format(**path)
    try:
        query = read(endpoint, path, request.params)
        if request.endpoint in LISTS:
            answered = LISTS[request.endpoint](Renderer(world), TokenMaker(), query)
        else:
            answered = LOOKUPS[request.endpoint](Renderer(world), query)
    except InvalidRequestError as error:
        return x.decode(request, Response(status=400, headers={}, body=json.dumps(error.problem).encode()))
    page = x.decode(request, Response(status=200, headers={}, body=answered.body))
    cost = sum(MICRO_DOLLARS[charge.resource] * len(charge.ids) for charge in answered.charges)
    assert page.billed * request.unit_price == cost <= request.most_cost
    return page


def test_a_list_is_read_to_its_end(x: X, world: RecordedWorld) -> None:
    found: list[str] = []
    token = None
    while True:
        page = ask(x, world, x.followers(model.User("1"), token=token, size=2))
        found += page.ids
        token = page.next_token
        if token is None:
            break
    assert found == ["10", "11", "14", "15", "16", "17", "18", "19"]


@pytest.mark.parametrize(("user_id", "reason"), [("12", "suspended"), ("13", "deleted"), ("15", "protected")])
def test_an_unreadable_user_has_a_reason(x: X, world: RecordedWorld, user_id: str, reason: str) -> None:
    for request in (
        x.followers(model.User(user_id), token=None, size=10),
        x.timeline(model.User(user_id), token=None, since_id=None, size=10),
    ):
        with pytest.raises(TargetUnavailable) as caught:
            ask(x, world, request)
        assert caught.value.reason == reason


def test_lookups_name_the_missing(x: X, world: RecordedWorld) -> None:
    page = ask(
        x,
        world,
        x.users_by_id(
            [model.User("1"), model.User("12"), model.User("13"), model.User("15"), model.User("77")]
        ),
    )
    assert page.ids == ["1", "15"]
    assert page.missing == {"12": "suspended", "13": "deleted", "77": "deleted"}
    page = ask(x, world, x.users_by_name(["USER1", "User12", "nobody"]))
    assert page.ids == ["1"]
    assert page.missing == {"user12": "suspended", "nobody": "deleted"}
    assert x.name_of(page.records[0]) == "user1"
    assert ask(x, world, x.users_by_id([model.User("12")])).missing == {"12": "suspended"}


@pytest.mark.parametrize("expand", [False, True])
def test_a_timeline_costs_what_it_was_expected_to(world: RecordedWorld, expand: bool) -> None:
    x = X(url="http://127.0.0.1", expand_referenced=expand)
    page = ask(x, world, x.timeline(model.User("1"), token=None, since_id="1004", size=100))
    assert page.ids == [str(post_id) for post_id in range(1019, 1004, -1)]
    assert page.billed == 15 + (5 if expand else 0)
    reply = next(json.loads(r) for r in page.records if b"replied_to" in r)
    assert ("text" in reply["referenced_tweets"][0]) is expand


def test_a_foreign_token_restarts_the_list(x: X, world: RecordedWorld) -> None:
    with pytest.raises(PaginationExpired):
        ask(x, world, x.followers(model.User("1"), token="0" * 26, size=10))
