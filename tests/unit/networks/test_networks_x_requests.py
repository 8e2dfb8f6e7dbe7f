from __future__ import annotations

import pytest

from recorded import description
from twittomatic.errors import CredentialRejected, RequestRefused
from twittomatic.model import User
from twittomatic.networks.base import Network, Request
from twittomatic.networks.x import X, fields, limits, prices

BAD_IDS = ["", "1" * 20, "-1", "+1", " 1", "1\n", "12/../13", "١", "1?a=b", "1%2F", "abc", "1.0"]
BAD_NAMES = ["", "a" * 16, "@a", "a b", "a/b", "a\n", "é", "a-b", "a,b"]


@pytest.fixture
def buyer() -> X:
    return X(url="https://api.x.com", expand_referenced=True)


def test_it_is_a_network(x: X) -> None:
    network: Network = x
    assert (network.name, network.url) == ("x", "https://api.x.com")
    assert (network.users_per_request, network.followers_per_page, network.posts_per_page) == (100, 1000, 100)
    assert network.timeline_ceiling == 3200
    assert X(url="http://127.0.0.1:8080/").url == "http://127.0.0.1:8080"


def test_users_are_asked_for_together(x: X) -> None:
    request = x.users_by_id([User("12"), User("13")])
    assert (request.endpoint, request.path, request.params["ids"]) == ("users", "/2/users", "12,13")
    assert (request.most_resources, request.most_cost, request.paginated) == (2, 20_000, False)
    request = x.users_by_name(["Jack", "a_1"])
    assert (request.endpoint, request.path) == ("users_by", "/2/users/by")
    assert (request.params["usernames"], request.most_cost) == ("Jack,a_1", 20_000)


@pytest.mark.parametrize("endpoint", ["followers", "following"])
@pytest.mark.parametrize(("size", "sent"), [(1000, 1000), (1, 1), (0, 1), (-5, 1), (5000, 1000)])
def test_a_page_of_users(x: X, endpoint: str, size: int, sent: int) -> None:
    ask = {"followers": x.followers, "following": x.following}[endpoint]
    request = ask(User("12"), token=None, size=size)
    assert (request.endpoint, request.path) == (endpoint, f"/2/users/12/{endpoint}")
    assert request.params["max_results"] == str(sent)
    assert (request.most_resources, request.most_cost) == (sent, sent * 10_000)
    assert "expansions" not in request.params
    assert "pagination_token" not in request.params
    assert not request.paginated
    request = ask(User("12"), token="7140dibdnow9c7btw4b0", size=size)
    assert request.params["pagination_token"] == "7140dibdnow9c7btw4b0"
    assert request.paginated


@pytest.mark.parametrize(("size", "sent"), [(100, 100), (5, 5), (1, 5), (0, 5), (3200, 100)])
def test_a_page_of_posts_costs_what_x_would_send_for_it(x: X, buyer: X, size: int, sent: int) -> None:
    request = x.timeline(User("12"), token=None, since_id=None, size=size)
    assert (request.endpoint, request.path) == ("timeline", "/2/users/12/tweets")
    assert request.params["max_results"] == str(sent)
    assert (request.most_resources, request.most_cost) == (sent, sent * 5_000)
    assert {"expansions", "since_id", "pagination_token", "user.fields"}.isdisjoint(request.params)
    bought = buyer.timeline(User("12"), token="t" * 16, since_id="9", size=size)
    assert bought.most_cost == sent * 15_000
    assert bought.params["since_id"] == "9"
    assert bought.paginated
    assert "author" not in bought.params["expansions"]


def test_the_probe_is_free(x: X) -> None:
    request = x.probe()
    assert (request.endpoint, request.path, request.most_cost) == ("usage", "/2/usage/tweets", 0)


@pytest.mark.parametrize("user_id", BAD_IDS)
def test_what_is_not_an_id_is_never_sent(x: X, user_id: str) -> None:
    for ask in (
        lambda: x.users_by_id([User("1"), User(user_id)]),
        lambda: x.followers(User(user_id), token=None, size=1),
        lambda: x.following(User(user_id), token=None, size=1),
        lambda: x.timeline(User(user_id), token=None, since_id=None, size=5),
        lambda: x.timeline(User("1"), token=None, since_id=user_id, size=5),
    ):
        with pytest.raises(RequestRefused, match="is not an id") as caught:
            ask()
        assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", BAD_NAMES)
def test_what_is_not_a_name_is_never_sent(x: X, name: str) -> None:
    with pytest.raises(RequestRefused, match="is not a name"):
        x.users_by_name(["ok", name])


@pytest.mark.parametrize("count", [0, 101])
def test_too_few_or_too_many_users_are_refused(x: X, count: int) -> None:
    with pytest.raises(RequestRefused, match=f"not {count}"):
        x.users_by_id([User("1")] * count)
    with pytest.raises(RequestRefused, match=f"not {count}"):
        x.users_by_name(["a"] * count)


def test_a_credential_goes_into_the_header(x: X) -> None:
    assert x.authorization("AAAA%2Fb=") == {"Authorization": "Bearer AAAA%2Fb="}


@pytest.mark.parametrize("token", ["", "a b", "secret\r\nX-Evil: 1", "sécret", "a\0", "secret\n"])
def test_a_credential_that_no_header_can_carry_is_not_shown(x: X, token: str) -> None:
    with pytest.raises(CredentialRejected) as caught:
        x.authorization(token)
    assert "secret" not in str(caught.value)


def test_limits_and_prices(x: X) -> None:
    asked = {"users": 300, "users_by": 300, "followers": 300, "following": 300, "timeline": 10_000}
    assert {endpoint: x.limit(endpoint).requests for endpoint in asked} == asked
    assert x.limit("usage").window_s == 900
    assert limits.USER["timeline"].requests == 900
    assert (x.prices.post, x.prices.user, x.prices.follower) == (5_000, 10_000, 10_000)
    assert (prices.units(10_000, 5_000), prices.units(5_000, 10_000), prices.units(5_000, 5_000)) == (2, 1, 1)
    assert x.limit("likes") is None
    assert x.limit("usage", "user") is None
    assert x.limit("timeline", "user") == limits.USER["timeline"]


def test_x_documents_every_name_that_we_send(buyer: X) -> None:
    document = description()
    shared = document["components"]["parameters"]
    requests: list[Request] = [
        buyer.users_by_id([User("1")]),
        buyer.users_by_name(["a"]),
        buyer.followers(User("1"), token="t" * 16, size=10),
        buyer.following(User("1"), token="t" * 16, size=10),
        buyer.timeline(User("1"), token="t" * 16, since_id="1", size=10),
    ]
    for request in requests:
        path = request.path.replace("/2/users/1/", "/2/users/{id}/")
        found = document["paths"][path]["get"]["parameters"]
        known = [shared[p["$ref"].rpartition("/")[2]] if "$ref" in p else p for p in found]
        by_name = {parameter["name"]: parameter["schema"] for parameter in known}
        for name, value in request.params.items():
            allowed = by_name[name].get("items", {}).get("enum")
            assert allowed is None or set(value.split(",")) <= set(allowed), name
    private = {"confirmed_email", "connection_status", "receives_your_dm", "subscription"}
    every = set(shared["UserFieldsParameter"]["schema"]["items"]["enum"])
    assert every - private == set(fields.USER_FIELDS)
