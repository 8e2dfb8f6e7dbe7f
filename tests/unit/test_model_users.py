"""Users by id and address, as the frontier holds them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twittomatic.model import User, is_address


def test_a_user_without_an_address_is_the_id_alone() -> None:
    assert User("12").entry == "12"
    assert User.read("12") == User("12")


@given(st.text(min_size=1, max_size=512))
def test_no_address_breaks_its_entry(address: str) -> None:
    address = address.encode(errors="replace").decode()
    entry = User("12", address).entry
    assert entry.isascii()
    assert entry.isprintable()
    assert entry.count(" ") == 1
    assert User.read(entry) == User("12", address)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("did:plc:z72i7hdynmk6r22z27h6tvur", True),
        ("ada@example.org", True),
        ("a b", True),
        ("x" * 512, True),
        ("x" * 513, False),
        ("", False),
        ("a\nb", False),
        ("a\0", False),
        ("\u202eevil", False),
        ("\ud800", False),
    ],
)
def test_what_can_be_an_address(text: str, fits: bool) -> None:
    assert is_address(text) is fits
