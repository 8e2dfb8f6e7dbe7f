"""What the text of a setting may be."""

import pytest

from twittomatic import parsing


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("never", None), ("0s", 0.0), ("90s", 90.0), ("15m", 900.0), ("12h", 43_200.0), ("30d", 2_592_000.0)],
)
def test_an_age(text: str, seconds: float | None) -> None:
    assert parsing.age(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "-1d", "1.5h", "1 d", "1D", "1y", "9999999999s", "Never", "१d"])
def test_what_is_no_age(text: str) -> None:
    with pytest.raises(ValueError, match="never, or a whole number and its unit"):
        parsing.age(text)


@pytest.mark.parametrize(
    ("text", "micros"), [("", None), ("none", None), ("25", 25_000_000), ("0.005", 5_000)]
)
def test_a_budget(text: str, micros: int | None) -> None:
    assert parsing.budget(text) == micros


@pytest.mark.parametrize("text", ["0", "-1", "1e400", "ten", "nan", "inf", "-inf", "1e10", "$5", "5,00"])
def test_what_is_no_budget(text: str) -> None:
    with pytest.raises(ValueError, match="dollars, more than 0"):
        parsing.budget(text)
