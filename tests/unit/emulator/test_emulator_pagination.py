import pytest
from hypothesis import given
from hypothesis import strategies as st

from twittomatic.emulator.x.pagination import TokenMaker
from twittomatic.emulator.x.problems import InvalidRequestError


@given(st.text(max_size=50), st.integers(0, 2**64 - 1))
def test_a_token_leads_back_to_its_place(scope: str, place: int) -> None:
    token = TokenMaker().make(scope, place)
    assert TokenMaker().read(scope, token) == place
    assert len(token) >= 16
    assert set(token) <= set("0123456789abcdefghijklmnopqrstuv")


@given(st.text(max_size=50), st.text(max_size=50), st.integers(0, 2**64 - 1))
def test_a_token_of_another_list_is_refused(scope: str, other: str, place: int) -> None:
    if scope != other:
        with pytest.raises(InvalidRequestError):
            TokenMaker().read(other, TokenMaker().make(scope, place))


@given(st.integers(0, 2**64 - 1), st.integers(0, 25), st.sampled_from("0123456789abcdefghijklmnopqrstuv"))
def test_a_token_with_one_letter_changed_is_refused(place: int, where: int, letter: str) -> None:
    token = TokenMaker().make("s", place)
    garbled = token[:where] + letter + token[where + 1 :]
    if garbled != token:
        with pytest.raises(InvalidRequestError):
            TokenMaker().read("s", garbled)


@given(st.text(max_size=30))
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        TokenMaker().read("s", token)
    assert caught.value.problem["errors"][0]["parameters"] == {"pagination_token": [token]}


def test_upper_case_is_not_the_same_token() -> None:
    token = TokenMaker().make("s", 3).upper()
    with pytest.raises(InvalidRequestError):
        TokenMaker().read("s", token)


def test_another_secret_makes_other_tokens() -> None:
    with pytest.raises(InvalidRequestError):
        TokenMaker(b"one").read("s", TokenMaker(b"two").make("s", 3))
