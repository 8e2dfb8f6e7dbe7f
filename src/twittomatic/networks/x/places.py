"""Read the place of a post: its name and a point on the map."""

from __future__ import annotations

import re
from typing import Any

_NUMBER = re.compile(r"[+-]?[0-9]{1,3}(\.[0-9]{1,30})?")
_WIDEST = (
    180.0  # degrees: the middle of a box that spans more than half the globe says nothing about the post
)


def place(geo: Any) -> tuple[str, list[float] | None]:
    """Return a place's name, empty if unknown, and the longitude and latitude of the post.

    The point is the post's own coordinates, or else the middle of the place; None if neither makes sense.

    Args:
        geo: The post's `geo`, with the place that it names merged into it.
    """
    if not isinstance(geo, dict):
        return "", None
    name = geo.get("full_name")
    shape = geo.get("geo")
    shape = shape if isinstance(shape, dict) else {}
    point = _point(geo.get("coordinates")) or _point(shape) or _middle(shape.get("bbox"))
    return name if isinstance(name, str) else "", point


def _point(geometry: Any) -> list[float] | None:
    """Return longitude and latitude of a GeoJSON point (RFC 7946, 3.1.2), which may have an altitude.

    A bare array is no geometry: in the older API it begins with the latitude.
    """
    if not isinstance(geometry, dict) or geometry.get("type", "Point") != "Point":
        return None
    numbers = geometry.get("coordinates")
    if not isinstance(numbers, list) or len(numbers) not in (2, 3):
        return None
    longitude, latitude = _degrees(numbers[0], 180), _degrees(numbers[1], 90)
    return None if longitude is None or latitude is None else [longitude, latitude]


def _middle(box: Any) -> list[float] | None:
    """Return the middle of a GeoJSON bounding box, in which west > east crosses 180° (RFC 7946, 5.2)."""
    if not isinstance(box, list) or len(box) not in (4, 6):  # 6 with the altitudes
        return None
    half = len(box) // 2
    west, east = _degrees(box[0], 180), _degrees(box[half], 180)
    south, north = _degrees(box[1], 90), _degrees(box[half + 1], 90)
    if west is None or south is None or east is None or north is None or south > north:
        return None
    width = east - west if west <= east else east - west + 360
    if width > _WIDEST:
        return None
    longitude = west + width / 2
    return [longitude - 360 if longitude > 180 else longitude, (south + north) / 2]


def _degrees(value: Any, most: int) -> float | None:
    """Return an angle of at most `most` degrees either way, also one written as text."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value)
    return float(value) if type(value) in (int, float) and abs(value) <= most else None
