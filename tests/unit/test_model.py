"""Money as people read it."""

import pytest

from twittomatic.model import about, dollars


@pytest.mark.parametrize(
    ("micros", "shown"),
    [
        (0, "$0.00"),
        (5_000, "$0.005"),
        (10_000, "$0.01"),
        (2_500_000, "$2.50"),
        (1_234_567_890_000, "$1,234,567.89"),
        (1, "$0.000001"),
        (-5_005_000, "-$5.005"),
    ],
)
def test_dollars_are_exact(micros: int, shown: str) -> None:
    assert dollars(micros) == shown


def test_an_estimate_is_to_the_cent() -> None:
    assert about(1_234_567.8) == "$1.23"
