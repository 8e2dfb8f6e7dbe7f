"""Place labels beside their nodes without overlaps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Box(NamedTuple):
    """A rectangle in pixels; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        """Return whether the rectangles intersect."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def within(self, other: Box) -> bool:
        """Return whether this rectangle is inside the other one."""
        return (
            self.left >= other.left
            and self.top >= other.top
            and self.right <= other.right
            and self.bottom <= other.bottom
        )


@dataclass(frozen=True, slots=True)
class Anchor:
    """A node with a label: its center and radius, and the width and height of the label, in pixels."""

    x: float
    y: float
    radius: float
    width: float
    height: float

    def leader(self, box: Box) -> list[tuple[float, float]] | None:
        """Return a leader line from the node to its label; None if they are adjacent."""
        x = min(max(self.x, box.left), box.right)
        y = min(max(self.y, box.top), box.bottom)
        away = math.hypot(x - self.x, y - self.y)
        if away < self.radius + self.height / 2:
            return None
        share = self.radius / away
        return [(self.x + (x - self.x) * share, self.y + (y - self.y) * share), (x, y)]


# Candidate sides of the label, in order of preference: above, below, right, left, then the corners.
_SIDES = ((0, -1), (0, 1), (1, 0), (-1, 0), (1, -1), (-1, -1), (1, 1), (-1, 1))
_DISTANCES = (0.0, 0.8, 1.8, 3.0)  # between node and label, in heights of the label


def place(anchors: Sequence[Anchor], frame: Box, taken: Sequence[Box] = ()) -> list[Box | None]:
    """Return a box for each label, None where there is no room for it; no two boxes overlap.

    Args:
        anchors: Labelled nodes by falling importance; labels are placed in this order.
        frame: Area that contains all boxes.
        taken: Boxes that no label may overlap.
    """
    discs = [Box(a.x - a.radius, a.y - a.radius, a.x + a.radius, a.y + a.radius) for a in anchors]
    boxes: list[Box | None] = []
    placed = list(taken)
    for number, anchor in enumerate(anchors):
        others = discs[:number] + discs[number + 1 :]
        free = [
            box
            for box in _candidates(anchor)
            if box.within(frame) and not any(box.overlaps(other) for other in placed)
        ]
        # Prefer a box that covers no labelled node.
        best = next((box for box in free if not any(box.overlaps(disc) for disc in others)), None)
        best = best or next(iter(free), None)
        boxes.append(best)
        if best:
            placed.append(best)
    return boxes


def _candidates(anchor: Anchor) -> list[Box]:
    found = []
    for distance in _DISTANCES:
        gap = anchor.radius + distance * anchor.height
        for x, y in _SIDES:
            slant = 0.7 if x and y else 1.0
            middle = anchor.x + x * (gap * slant + anchor.width / 2)
            centre = anchor.y + y * (gap * slant + anchor.height / 2)
            found.append(
                Box(
                    middle - anchor.width / 2,
                    centre - anchor.height / 2,
                    middle + anchor.width / 2,
                    centre + anchor.height / 2,
                )
            )
    return found
