"""Which user had which name on which day."""

from datetime import date

from twittomatic.sinks.lookup.history import Interval, Name, add_sighting, intervals, last_before

DAY = 86_400


def seen(*sightings: tuple[str, float]) -> list[Name]:
    names: list[Name] = []
    for name, day in sightings:
        names = add_sighting(names, name, int(day * DAY)) or names
    return names


def spans(names: list[Name]) -> list[tuple[str, int, int]]:
    return [
        (one.username, *((day - date(1970, 1, 1)).days for day in (one.first_seen, one.last_seen)))
        for one in intervals(names)
    ]


def test_a_name_lasts_from_its_first_to_its_last_day() -> None:
    assert spans(seen(("a", 1), ("a", 5), ("a", 3))) == [("a", 1, 5)]
    assert spans([]) == []


def test_the_same_sighting_twice_changes_nothing() -> None:
    names = seen(("a", 1.5), ("b", 2))
    assert add_sighting(names, "a", int(1.5 * DAY)) is None
    assert add_sighting(names, "a", 1 * DAY) is None
    assert add_sighting(names, "a", int(1.6 * DAY)) is not None


def test_a_name_that_comes_back_has_two_intervals() -> None:
    expected = [("a", 1, 4), ("b", 5, 6), ("a", 9, 10)]
    sightings = [("a", 1), ("a", 4), ("b", 5), ("b", 6), ("a", 9), ("a", 10)]
    assert spans(seen(*sightings)) == spans(seen(*reversed(sightings))) == expected


def test_of_two_names_on_one_day_the_later_one_is_last() -> None:
    assert spans(seen(("new", 5.8), ("old", 5.2), ("old", 3))) == [("old", 3, 5), ("new", 5, 5)]
    assert spans(seen(("old", 5.2), ("new", 5.8), ("new", 7))) == [("old", 5, 5), ("new", 5, 7)]


def test_case_is_not_another_name_and_the_last_spelling_is_kept() -> None:
    names = seen(("Ann", 1), ("ANN", 9), ("ann", 5))
    assert [(one.name, one.at) for one in names] == [("ANN", 9 * DAY)]
    assert spans(names) == [("ANN", 1, 9)]


def test_a_day_is_asked_for() -> None:
    found = intervals(seen(("a", 10), ("a", 12), ("b", 20)))
    epoch = date(1970, 1, 1).toordinal()

    def on(day: int) -> Interval | None:
        return last_before(found, date.fromordinal(epoch + day))

    assert on(9) is None
    assert [one and one.username for one in map(on, (10, 12, 15, 19, 20, 99))] == [
        "a",
        "a",
        "a",
        "a",
        "b",
        "b",
    ]
