"""Dark and light palettes whose hues remain distinguishable with a color vision deficiency."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Colors = npt.NDArray[np.float64]

HUES = 8  # more are not distinguishable


@dataclass(frozen=True, slots=True)
class Palette:
    """The colors of a picture, as #rrggbb.

    Attributes:
        background: Color of the background.
        hues: Colors of the largest communities, the largest first.
        other: Color of all smaller communities.
        text: Color of the labels.
        faint: Color of the caption.
        lift: Share of white that is mixed into the color of a node, so that it is visible on its edges.
    """

    background: str
    hues: tuple[str, ...]
    other: str
    text: str
    faint: str
    lift: float

    @property
    def is_dark(self) -> bool:
        """Whether edges are drawn by adding light to the background, instead of removing it."""
        return bool(rgb(self.background).sum() < 1.5)

    def of(self, communities: npt.NDArray[np.integer], shown: int) -> Colors:
        """Return the color of each node: red, green and blue from 0 to 1 (float64, shape n, 3).

        Args:
            communities: Community of each node, from 0 for the largest on (shape n).
            shown: Number of communities with a hue of their own.
        """
        table = np.array([rgb(color) for color in (*self.hues[:shown], self.other)])
        colors: Colors = table[np.minimum(communities, len(table) - 1)]
        return colors


def rgb(color: str) -> Colors:
    """Return red, green and blue of a color #rrggbb, each from 0 to 1 (float64, shape 3)."""
    return np.array([int(color[at : at + 2], 16) for at in (1, 3, 5)]) / 255


# Based on the palette of Okabe and Ito (2008), and adjusted until any two hues differ by at least 14 in CIE
# L*a*b*, also under simulated protanopia and deuteranopia.
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
