"""A picture as PNG: edges as light, nodes by their followers, the most followed users with their names."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from twittomatic.dataset.extras import require
from twittomatic.dataset.picture.fonts import find_font, printable
from twittomatic.dataset.picture.labels import Anchor, Box, place
from twittomatic.dataset.picture.layout import Positions
from twittomatic.dataset.picture.palette import Palette, rgb
from twittomatic.dataset.picture.raster import develop, draw_edges
from twittomatic.dataset.picture.scene import Scene

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

LABELLED = 24
_DESIGNED = 2400  # pixels along the longer side; sizes below are for this one
_MARGIN = 0.07
_FLATTEST = 0.62  # height to width
_NODE = (1.3, 17.0)  # radius of a user without followers, and what the most followed one has in addition
_TEXT = (24, 22)  # height of the smallest label, and what the largest has in addition
_CAPTION = 20


def draw_png(scene: Scene, names: Mapping[int, str], palette: Palette, size: int) -> bytes:
    """Return a picture as PNG; the same for the same scene, names, palette and size.

    Args:
        scene: What it shows.
        names: Of users, by node; a user who is labelled and has none is called by id.
        palette: Its colors.
        size: Of the longer side, in pixels.

    Raises:
        SettingsError: Pillow is not installed.
    """
    require("PIL", "picture")
    from PIL import Image
    from PIL.ImageDraw import Draw

    unit = size / _DESIGNED
    position, width, height = _fit(scene, size)
    colors = palette.of(scene.communities, scene.hues)
    graph = scene.graph
    followed = np.repeat(np.arange(graph.node_count, dtype=np.int32), np.diff(graph.indptr))
    light = draw_edges(position, graph.followers, followed, colors, (width, height))
    image = Image.fromarray(develop(light, palette))
    del light
    share = np.sqrt(scene.followers / max(1, scene.followers.max(initial=0)))
    radius = (_NODE[0] + _NODE[1] * share) * unit
    fine = 2 if size <= 4000 else 1
    layer = Image.new("RGBA", (width * fine, height * fine))
    draw = Draw(layer)
    back = rgb(palette.background)
    fill = ((colors * 0.72 + (1 if palette.is_dark else 0) * 0.28) * 255).astype(int)
    rim = tuple(int(channel * 255) for channel in back)
    for node in np.argsort(scene.followers, kind="stable").tolist():
        x, y, r = position[node].real * fine, position[node].imag * fine, radius[node] * fine
        draw.ellipse(
            (x - r, y - r, x + r, y + r),
            fill=(*fill[node].tolist(), 240),
            outline=(*rim, 255) if r > 5 * fine * unit else None,
            width=max(1, round(1.5 * fine * unit)),
        )
    layer = layer.resize((width, height), Image.Resampling.LANCZOS)
    image.paste(layer, (0, 0), layer)
    if scene.labels != "none":
        _write(Draw(image), scene, names, palette, position, radius, (width, height))
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=6)
    return out.getvalue()


def labelled(scene: Scene) -> list[int]:
    """Return the nodes that are labelled, the most followed first."""
    nodes: list[int] = np.argsort(-scene.followers, kind="stable")[:LABELLED].tolist()
    return nodes


def _fit(scene: Scene, size: int) -> tuple[Positions, int, int]:
    """Return positions in pixels, and the width and height of the picture."""
    position = scene.position
    if not len(position):
        return position, size, round(size * _FLATTEST)
    across = float(np.ptp(position.real)) or 1.0
    down = float(np.ptp(position.imag)) or 1.0
    width, height = size, round(size * min(1.0, max(_FLATTEST, down / across)))
    room = 1 - 2 * _MARGIN
    scale = min(width * room / across, height * room / down)
    middle = complex(position.real.max() + position.real.min(), position.imag.max() + position.imag.min()) / 2
    return (position - middle) * scale + complex(width / 2, height / 2), width, height


def _write(
    draw: ImageDraw,
    scene: Scene,
    names: Mapping[int, str],
    palette: Palette,
    position: Positions,
    radius: npt.NDArray[np.float64],
    size: tuple[int, int],
) -> None:
    """Write the labels and the caption."""
    unit = max(size) / _DESIGNED
    halo = max(2, round(4 * unit))
    most = max(1, int(scene.followers.max(initial=0)))
    texts, anchors = [], []
    for node in labelled(scene):
        height = round((_TEXT[0] + _TEXT[1] * np.sqrt(scene.followers[node] / most)) * unit)
        text = printable(names.get(node, ""))
        font = find_font(text, height) if text else None
        if font is None:
            text = str(scene.graph.ids[node])
            font = find_font(text, height)
        left, top, right, bottom = draw.textbbox((0, 0), text, font=font, anchor="ls", stroke_width=halo)
        texts.append((text, font, left, top))
        anchors.append(
            Anchor(position[node].real, position[node].imag, radius[node], right - left, bottom - top)
        )
    font = find_font("users", round(_CAPTION * unit))
    caption = f"{scene.graph.node_count:,} users · {scene.graph.edge_count:,} follows"
    if scene.left_out:
        caption += f" · {scene.left_out:,} users with fewer followers are not shown"
    margin = round(36 * unit)
    corner = draw.textbbox((margin, size[1] - margin), caption, font=font, anchor="ls")
    draw.text((margin, size[1] - margin), caption, font=font, anchor="ls", fill=palette.faint)
    frame = Box(margin / 2, margin / 2, size[0] - margin / 2, size[1] - margin / 2)
    for (text, font, left, top), box in zip(texts, place(anchors, frame, [Box(*corner)]), strict=True):
        if box:
            draw.text(
                (box.left - left, box.top - top),
                text,
                font=font,
                anchor="ls",
                fill=palette.text,
                stroke_width=halo,
                stroke_fill=palette.background,
            )
