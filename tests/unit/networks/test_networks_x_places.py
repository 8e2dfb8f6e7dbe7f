"""Points on the map: boxes across the date line, boxes without a middle, and values that are no places."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twittomatic.networks.x.places import place


def middle(*box: Any) -> list[float] | None:
    return place({"geo": {"type": "Feature", "bbox": list(box), "properties": {}}})[1]


@pytest.mark.parametrize(
    ("box", "point"),
    [
        ((12.0, 41.0, 13.0, 43.0), [12.5, 42.0]),
        ((177.0, -19.0, -178.0, -16.0), [179.5, -17.5]),  # Fiji: RFC 7946, 5.2
        ((178.0, -19.0, -177.0, -16.0), [-179.5, -17.5]),
        ((19.6, 41.2, -169.0, 81.9), [105.3, 61.55]),  # Russia
        ((179.0, 0.0, -179.0, 0.0), [180.0, 0.0]),
        ((180.0, -1.0, -180.0, 1.0), [180.0, 0.0]),
        ((-180.0, 60.0, -170.0, 64.0), [-175.0, 62.0]),
        ((-10.0, 80.0, 10.0, 90.0), [0.0, 85.0]),
        ((7.0, 7.0, 7.0, 7.0), [7.0, 7.0]),
        (("177", "-19.0", "-178.0", "-16"), [179.5, -17.5]),
        ((12.0, 41.0, 0, 13.0, 43.0, 100), [12.5, 42.0]),
    ],
)
def test_a_place_is_at_the_middle_of_its_box(box: tuple[Any, ...], point: list[float]) -> None:
    assert middle(*box) == pytest.approx(point)


@pytest.mark.parametrize(
    "box",
    [
        (-180.0, -90.0, 180.0, 90.0),
        (-180.0, 60.0, 180.0, 90.0),  # around the pole
        (-179.23, 13.18, 179.86, 71.43),  # the United States, as X has them: the middle would be in Spain
        (10.0, -5.0, 9.0, 5.0),
        (12.0, 43.0, 13.0, 41.0),
        (177.0, -19.0, 182.0, -16.0),
        (0.0, -91.0, 1.0, 0.0),
        (float("nan"), 0.0, 1.0, 1.0),
        (10**400, 0, 1, 1),
        (True, 0, 1, 1),
        ("nan", "0", "1", "1"),
        ("1_0", "0", "1", "1"),
        ("9" * 5000, "0", "1", "1"),
        (None, 0.0, 1.0, 1.0),
        (0.0, 1.0),
        (),
    ],
)
def test_a_box_without_a_meaningful_middle_gives_no_point(box: tuple[Any, ...]) -> None:
    assert middle(*box) is None


@pytest.mark.parametrize(
    ("coordinates", "point"),
    [
        ({"type": "Point", "coordinates": [12.5, 42]}, [12.5, 42.0]),
        ({"type": "Point", "coordinates": ["12.5", "-42"]}, [12.5, -42.0]),
        ({"type": "Point", "coordinates": [0, 90]}, [0.0, 90.0]),
        ({"type": "Point", "coordinates": [-180, -90, 2835]}, [-180.0, -90.0]),
        ({"type": "Point", "coordinates": [42, 112.5]}, None),
        ({"type": "Point", "coordinates": [200, 2]}, None),
        ({"type": "Point", "coordinates": [[1, 2]]}, None),
        ({"type": "MultiPoint", "coordinates": [1, 2]}, None),
        ({"type": "Polygon", "coordinates": [[[1, 2], [3, 4], [1, 2]]]}, None),
        ([42, 12.5], None),  # of the older API, which begins with the latitude
        ("12.5,42", None),
    ],
)
def test_coordinates_are_a_point_of_geojson(coordinates: Any, point: list[float] | None) -> None:
    assert place({"coordinates": coordinates}) == ("", point)
    assert place({"geo": coordinates}) == ("", point)


def test_the_place_stands_in_for_coordinates_that_make_no_sense() -> None:
    geo = {
        "full_name": "Suva",
        "coordinates": {"type": "Point", "coordinates": [-18.1, 178.4]},
        "geo": {"bbox": [178.0, -19.0, 179.0, -18.0]},
    }
    assert place(geo) == ("Suva", [178.5, -18.5])


@given(
    st.lists(st.floats(-180, 180), min_size=2, max_size=2),
    st.lists(st.floats(-90, 90), min_size=2, max_size=2),
)
def test_a_middle_lies_within_its_box(longitudes: list[float], latitudes: list[float]) -> None:
    (west, east), (south, north) = longitudes, sorted(latitudes)
    if found := middle(west, south, east, north):
        longitude, latitude = found
        assert south <= latitude <= north
        assert -180 <= longitude <= 180
        crosses = west > east
        within = longitude >= west or longitude <= east if crosses else west <= longitude <= east
        assert within
    else:
        assert (east - west) % 360 > 180 or (west, east) == (-180, 180)
