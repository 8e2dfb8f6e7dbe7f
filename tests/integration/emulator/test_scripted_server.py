"""The scripted server of the tests: as X by default, otherwise as the script says, byte for byte."""

import http.client
import json
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from scripted import Answer, Asked, page, profile, scripted


def test_it_answers_as_x_where_the_script_says_nothing() -> None:
    with scripted() as x, urlopen(f"{x.url}/2/users/by?usernames=ada%2Cbob") as answer:
        assert [user["username"] for user in json.load(answer)["data"]] == ["ada", "bob"]
        assert answer.headers["x-rate-limit-remaining"] == "299"
        assert x.paths("users") == ["/2/users/by"]
        assert x.asked[0].query == {"usernames": "ada,bob"}


def test_it_answers_as_the_script_says() -> None:
    def answer(asked: Asked) -> Answer | None:
        if asked.number == 1:
            return Answer(status=503, body=b"<html>", headers={"x-rate-limit-limit": None})
        return page([profile(7)], "MORE") if asked.number == 2 else Answer(body=b"{}    ", cut=2)

    with scripted(answer) as x:
        with pytest.raises(HTTPError) as refused:
            urlopen(f"{x.url}/2/users/1/followers")
        with refused.value as error:
            assert (error.code, error.read(), error.headers["x-rate-limit-limit"]) == (503, b"<html>", None)
        with urlopen(f"{x.url}/2/users/1/followers") as second:
            assert json.load(second)["meta"] == {"result_count": 1, "next_token": "MORE"}
        with urlopen(f"{x.url}/2/users/1/followers") as third, pytest.raises(http.client.IncompleteRead):
            third.read()
