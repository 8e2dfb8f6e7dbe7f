import pytest

from twittomatic.emulator.madeup.snowflakes import snowflake_ms
from twittomatic.emulator.x.endpoints import ENDPOINTS
from twittomatic.emulator.x.parameters import Query, read
from twittomatic.emulator.x.problems import InvalidRequestError

BY_NAME = {endpoint.name: endpoint for endpoint in ENDPOINTS}
OF_USER = {"user", "followers", "following", "timeline"}


def ask(endpoint: str, *, user_id: str = "7", username: str = "a", **query: str) -> Query:
    names = {name.replace("__", "."): value for name, value in query.items()}
    path = {"id": user_id} if endpoint in OF_USER else {}
    if endpoint == "user_by_username":
        path = {"username": username}
    return read(BY_NAME[endpoint], path, names)  # type: ignore[index]


@pytest.mark.parametrize(
    ("endpoint", "query", "parameter"),
    [
        ("user", {"user_id": "abc"}, "id"),
        ("user", {"user_id": "1" * 20}, "id"),
        ("user", {"user_id": "٧"}, "id"),
        ("user_by_username", {"username": "sixteen_letters_"}, "username"),
        ("user_by_username", {"username": "a-b"}, "username"),
        ("users", {}, "ids"),
        ("users", {"ids": ""}, "ids"),
        ("users", {"ids": "1,,2"}, "ids"),
        ("users", {"ids": "1, 2"}, "ids"),
        ("users", {"ids": ",".join(map(str, range(101)))}, "ids"),
        ("users_by", {"usernames": "ok,not ok"}, "usernames"),
        ("users_by", {"usernames": ",".join(f"u{n}" for n in range(101))}, "usernames"),
        ("posts", {"ids": "x"}, "ids"),
        ("followers", {"max_results": "0"}, "max_results"),
        ("followers", {"max_results": "1001"}, "max_results"),
        ("followers", {"max_results": "ten"}, "max_results"),
        ("following", {"max_results": "-5"}, "max_results"),
        ("followers", {"next_token": "a" * 26}, "next_token"),
        ("followers", {"since_id": "1"}, "since_id"),
        ("timeline", {"max_results": "4"}, "max_results"),
        ("timeline", {"max_results": "101"}, "max_results"),
        ("timeline", {"since_id": "x"}, "since_id"),
        ("timeline", {"since_id": "5", "until_id": "5"}, "since_id"),
        ("timeline", {"since_id": "6", "until_id": "5"}, "since_id"),
        ("timeline", {"start_time": "yesterday"}, "start_time"),
        ("timeline", {"start_time": "2020-13-01T00:00:00Z"}, "start_time"),
        ("timeline", {"start_time": "2010-11-05T23:59:59Z"}, "start_time"),
        (
            "timeline",
            {"start_time": "2020-01-01T00:00:00Z", "end_time": "2020-01-01T00:00:00Z"},
            "start_time",
        ),
        ("timeline", {"exclude": "likes"}, "exclude"),
        ("timeline", {"exclude": "replies,replies"}, "exclude"),
        ("timeline", {"expansions": "nonsense"}, "expansions"),
        ("user", {"expansions": "author_id"}, "expansions"),
        ("user", {"max_results": "10"}, "max_results"),
        ("usage", {"user__fields": "id"}, "user.fields"),
    ],
)
def test_a_broken_rule_is_an_invalid_request_that_names_the_parameter(
    endpoint: str, query: dict[str, str], parameter: str
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        ask(endpoint, **query)
    problem = caught.value.problem
    assert problem["title"] == "Invalid Request"
    assert problem["type"].rsplit("/", 1)[1] == "invalid-request"
    assert parameter in problem["errors"][0]["parameters"]


def test_the_ends_of_each_range_are_inside() -> None:
    assert ask("users", ids=",".join(map(str, range(100)))).ids == tuple(range(100))
    assert ask("users", ids="5,5,3").ids == (5, 3)
    assert ask("user", user_id="9" * 19).user_id == 10**19 - 1
    assert ask("user_by_username", username="A" * 15).username == "A" * 15
    assert [ask("followers", max_results=n).max_results for n in ("1", "1000")] == [1, 1000]
    assert [ask("timeline", max_results=n).max_results for n in ("5", "100")] == [5, 100]
    assert ask("followers").max_results == 100
    assert ask("timeline").max_results == 10
    assert ask("timeline", exclude="retweets,replies").exclude == {"replies", "retweets"}


def test_start_is_inside_and_end_is_outside() -> None:
    query = ask("timeline", start_time="2020-01-01T00:00:00Z", end_time="2020-01-01T00:00:01Z")
    assert snowflake_ms(query.since_id + 1) == 1_577_836_800_000
    assert snowflake_ms(query.until_id) == 1_577_836_801_000


def test_lists_with_other_requests_have_other_scopes() -> None:
    scopes = {
        ask("timeline").scope,
        ask("timeline", user_id="8").scope,
        ask("timeline", since_id="5").scope,
        ask("timeline", until_id="5").scope,
        ask("timeline", exclude="replies").scope,
    }
    assert len(scopes) == 5
    assert ask("timeline", max_results="50").scope == ask("timeline", max_results="60").scope
