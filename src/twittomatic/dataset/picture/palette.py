"""Colors of a picture, dark or light: hues that stay apart for color-blind readers too."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Colors = npt.NDArray[np.float64]

HUES = 8  # more could not be told apart


@dataclass(frozen=True, slots=True)
class Palette:
    """The colors of a picture, as #rrggbb.

    Attributes:
        background: Behind everything.
        hues: Of the largest communities, the largest first.
        other: Of all smaller communities.
        text: Of labels.
        faint: Of the caption.
        lift: How much of white is mixed into the color of a node, so that it stands out from its edges.
    """

    background: str
    hues: tuple[str, ...]
    other: str
    text: str
    faint: str
    lift: float

    @property
    def is_dark(self) -> bool:
        """Whether light is added to the background, and not taken from it."""
        return bool(rgb(self.background).sum() < 1.5)

    def of(self, communities: npt.NDArray[np.integer], shown: int) -> Colors:
        """Return the color of each node (shape n, 3; from 0 to 1).

        Args:
            communities: Of each node; 0 is the largest.
            shown: How many communities have a hue of their own.
        """
        table = np.array([rgb(color) for color in (*self.hues[:shown], self.other)])
        colors: Colors = table[np.minimum(communities, len(table) - 1)]
        return colors


def rgb(color: str) -> Colors:
    """Return the red, green and blue of #rrggbb, from 0 to 1."""
    return np.array([int(color[at : at + 2], 16) for at in (1, 3, 5)]) / 255


# Near the hues of Okabe and Ito (2008), moved until all are 14 apart in CIE L*a*b* for every kind of sight.
DARK = Palette(
    background="#0a0e1a",
    hues=("#4cb8f5", "#ffa630", "#2fd6a3", "#ff76c3", "#f8e565", "#6f86ff", "#ff6a3d", "#b5f0ea"),
    other="#80899e",
    text="#f4f6fb",
    faint="#8590a8",
    lift=0.25,
)
LIGHT = Palette(
    background="#fbfaf7",
    hues=("#0072b2", "#d47e00", "#048f68", "#97247c", "#dabc38", "#4a4fd0", "#a82800", "#1893a4"),
    other="#696c74",
    text="#14171f",
    faint="#6b7280",
    lift=0.0,
)
