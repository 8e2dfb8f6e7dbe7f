"""A tally in bounded memory is off by no more than it says."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from twittomatic.dataset.summary.tally import Tally

texts = st.integers(0, 40).map(str)
users = st.lists(st.dictionaries(texts, st.integers(1, 9), max_size=12), max_size=30)


@given(users, st.integers(1, 8))
def test_a_count_is_too_low_by_at_most_the_error(used: list[dict[str, int]], capacity: int) -> None:
    tally = Tally(capacity)
    exact = Counter[str]()
    for uses in used:
        tally.add(uses)
        exact.update(uses)

    most, error = tally.most(2 * capacity + 12)

    assert len(most) <= 2 * capacity
    found = {use.text: use for use in most}
    for text, count in exact.items():
        shown = found[text].times if text in found else 0
        assert count - error <= shown <= count
    for use in most:
        assert 1 <= use.users <= sum(use.text in uses for uses in used)


@given(users)
def test_a_tally_is_exact_while_there_is_room(used: list[dict[str, int]]) -> None:
    tally = Tally(100)
    for uses in used:
        tally.add(uses)

    most, error = tally.most(3)

    exact = sum((Counter(uses) for uses in used), Counter[str]())
    assert error == 0
    assert [(use.text, use.times) for use in most] == sorted(
        exact.items(), key=lambda item: (-item[1], item[0])
    )[:3]
    assert all(use.users == sum(use.text in uses for uses in used) for use in most)
