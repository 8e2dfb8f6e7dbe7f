"""Draw a scene as PNG: edges, then nodes with areas by number of followers, then labels."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from twittomatic.dataset.extras import require
from twittomatic.dataset.picture.fonts import find_font, our_font
from twittomatic.dataset.picture.labels import Anchor, Box, place
from twittomatic.dataset.picture.layout import Positions
from twittomatic.dataset.picture.palette import Palette, rgb
from twittomatic.dataset.picture.raster import draw_edges, tone_map
from twittomatic.dataset.picture.scene import LABELLED, Scene

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

_DESIGNED = 2400  # pixels of the longer side for which the sizes below are meant
_MARGIN = 0.07
_FLATTEST = 0.62  # height to width
_NODE = (1.3, 17.0)  # radius of a user without followers, and how much larger the most followed one is
_CROWD = 12_000  # users; with more of them, those without followers are smaller
_TEXT = (24, 22)  # height of the smallest label, and how much larger the largest one is
_CAPTION = 20
_SMALLEST = 9  # pixels; smaller text is illegible
_HALO = 5  # width of the halo in the background color around a label
_GLOW = (14.0, 0.45)  # radius and strength of the blur that is added to edges
_FINE = 4000  # pixels; up to this size nodes are drawn at twice the resolution, for antialiasing


def draw_png(scene: Scene, names: Sequence[str], palette: Palette, size: int) -> bytes:
    """Return a picture as PNG; the same for the same scene, names, palette and size.

    Args:
        scene: The scene.
        names: Label of each node; empty draws no labels.
        palette: Colors.
        size: Length of the longer side, in pixels.

    Raises:
        SettingsError: Pillow is not installed.
    """
    require("PIL", "picture")
    from PIL import Image, ImageChops, ImageFilter
    from PIL.ImageDraw import Draw

    unit = size / _DESIGNED
    position, width, height = _fit(scene, size)
    colors = palette.of(scene.communities, scene.hues)
    graph = scene.graph
    followed = np.repeat(np.arange(graph.node_count, dtype=np.int32), np.diff(graph.indptr))
    light = draw_edges(position, graph.followers, followed, colors, (width, height))
    image = Image.fromarray(tone_map(light, palette))
    del light
    if palette.is_dark:
        glow = ImageChops.subtract(image, Image.new("RGB", image.size, palette.background))
        glow = glow.filter(ImageFilter.GaussianBlur(_GLOW[0] * unit))
        image = ImageChops.screen(image, glow.point(lambda value: value * _GLOW[1]))
    least = _NODE[0] * min(1.0, (_CROWD / max(1, graph.node_count)) ** 0.5)
    radius = least + _NODE[1] * np.sqrt(scene.followers / max(1, scene.followers.max(initial=0)))
    radius *= unit
    fine = 2 if size <= _FINE else 1
    layer = Image.new("RGBA", (width * fine, height * fine))
    draw = Draw(layer)
    fill = np.round((colors * (1 - palette.lift) + palette.lift) * 255).astype(int).tolist()
    rim = (*np.round(rgb(palette.background) * 255).astype(int).tolist(), 255)
    for node in scene.order()[::-1].tolist():
        x, y, r = position[node].real * fine, position[node].imag * fine, radius[node] * fine
        draw.ellipse(
            (x - r, y - r, x + r, y + r),
            fill=(*fill[node], 240),
            outline=rim if r > 5 * fine * unit else None,
            width=max(1, round(1.5 * fine * unit)),
        )
    layer = layer.resize((width, height), Image.Resampling.LANCZOS)
    image.paste(layer, (0, 0), layer)
    if names:
        _write(image, scene, names, palette, position, radius)
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=6)
    return out.getvalue()


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


class _Text(NamedTuple):
    """A label: text, font, and the offset of its baseline origin from the corner of its box, in pixels."""

    text: str
    font: FreeTypeFont
    x: float
    y: float


def _write(
    image: Image,
    scene: Scene,
    names: Sequence[str],
    palette: Palette,
    position: Positions,
    radius: npt.NDArray[np.float64],
) -> None:
    """Draw the labels and the caption."""
    from PIL import Image, ImageFilter
    from PIL.ImageDraw import Draw

    width, height = image.size
    unit = max(width, height) / _DESIGNED
    draw = Draw(image)
    halo = max(1, round(_HALO * unit))
    most = max(1, int(scene.followers.max(initial=0)))
    texts, anchors = [], []
    for node in scene.order()[:LABELLED].tolist():
        tall = max(_SMALLEST, round((_TEXT[0] + _TEXT[1] * np.sqrt(scene.followers[node] / most)) * unit))
        text = names[node]
        font = find_font(text, tall)
        if font is None:
            text = str(scene.graph.ids[node])
            font = our_font(tall)
        left, top, right, bottom = draw.textbbox((0, 0), text, font=font, anchor="ls", stroke_width=halo)
        texts.append(_Text(text, font, left, top))
        at = position[node]
        anchors.append(Anchor(at.real, at.imag, radius[node], right - left, bottom - top))
    caption = f"{scene.graph.node_count:,} users · {scene.graph.edge_count:,} follows"
    if scene.left_out:
        caption += f" · {scene.left_out:,} users with fewer followers are not shown"
    margin = round(36 * unit)
    font = our_font(max(_SMALLEST, round(_CAPTION * unit)))
    corner = draw.textbbox((margin, height - margin), caption, font=font, anchor="ls")
    frame = Box(margin / 2, margin / 2, width - margin / 2, height - margin / 2)
    placed = []
    for text, anchor, box in zip(texts, anchors, place(anchors, frame, [Box(*corner)]), strict=True):
        if box:
            placed.append((text, (box.left - text.x, box.top - text.y)))
            if leader := anchor.leader(box):
                draw.line(leader, fill=palette.text, width=max(1, round(1.5 * unit)))
    shadow = Image.new("L", image.size)
    shade = Draw(shadow)
    for text, at in placed:
        shade.text(at, text.text, font=text.font, anchor="ls", fill=255, stroke_width=halo, stroke_fill=255)
    shadow = shadow.filter(ImageFilter.GaussianBlur(halo * 0.7))
    image.paste(palette.background, (0, 0, width, height), shadow.point(lambda value: value * 0.9))
    draw.text((margin, height - margin), caption, font=font, anchor="ls", fill=palette.faint)
    for text, at in placed:
        draw.text(at, text.text, font=text.font, anchor="ls", fill=palette.text)
