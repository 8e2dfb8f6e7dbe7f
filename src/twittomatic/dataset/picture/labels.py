"""Place labels beside their nodes so that none covers another."""

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
        """Return whether the two have any point in common."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def within(self, other: Box) -> bool:
        """Return whether no point is outside of the other."""
        return (
            self.left >= other.left
            and self.top >= other.top
            and self.right <= other.right
            and self.bottom <= other.bottom
        )


@dataclass(frozen=True, slots=True)
class Anchor:
    """A node that is to be labelled: its centre, its radius, and the size of its label, in pixels."""

    x: float
    y: float
    radius: float
    width: float
    height: float

    def leader(self, box: Box) -> list[tuple[float, float]] | None:
        """Return the line from the node to its label; None if they are so near that none is needed."""
        x = min(max(self.x, box.left), box.right)
        y = min(max(self.y, box.top), box.bottom)
        away = math.hypot(x - self.x, y - self.y)
        if away < self.radius + self.height / 2:
            return None
        share = self.radius / away
        return [(self.x + (x - self.x) * share, self.y + (y - self.y) * share), (x, y)]


# The sides of a node where its label may be: above, below, right, left, then the corners.
_SIDES = ((0, -1), (0, 1), (1, 0), (-1, 0), (1, -1), (-1, -1), (1, 1), (-1, 1))
_DISTANCES = (0.0, 0.8, 1.8, 3.0)  # from the node, in heights of the label


def place(anchors: Sequence[Anchor], frame: Box, taken: Sequence[Box] = ()) -> list[Box | None]:
    """Return a box for each label, None where there is no room; no two boxes overlap.

    Args:
        anchors: The most important first: those choose first.
        frame: Every box is within it.
        taken: What no box may cover.
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
        # The first that covers no labelled node; otherwise the first.
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
