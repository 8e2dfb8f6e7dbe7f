"""Rasterize edges as curves whose intensities add up: many together are bright, a single one is faint."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from twittomatic.dataset.picture.layout import Positions
from twittomatic.dataset.picture.palette import Colors, Palette, rgb

Image = npt.NDArray[np.float32]

_CURVE = 0.16  # bend of a curve, as a share of its length
_CHUNK = 1 << 20  # points of curves that are computed together
_POINTS = 120_000_000  # maximum number of points; longer curves have them farther apart than a pixel
_FINE = 30_000_000  # maximum number of points for bilinear filtering
_FADE = 0.1  # share of the side above which edges become fainter, so that long ones do not cover the rest


def draw_edges(
    position: Positions,
    follower: npt.NDArray[np.int32],
    followed: npt.NDArray[np.int32],
    colors: Colors,
    size: tuple[int, int],
) -> Image:
    """Return the summed intensity of all edges: red, green, blue and total (float32, shape height, width, 4).

    Args:
        position: Position of each node, in pixels (complex128, shape n).
        follower: Node at which each edge begins (int32, shape m).
        followed: Node at which each edge ends (int32, shape m).
        colors: Color of each node, from 0 to 1 (shape n, 3); along an edge, one fades into the other.
        size: Width and height, in pixels.
    """
    width, height = size
    begin, end = position[follower], position[followed]
    way = end - begin
    length = np.abs(way)
    bend = (begin + end) / 2 + way * (1j * _CURVE)
    apart = max(1.0, float(length.sum()) / _POINTS)
    counts = np.ceil(np.clip(length * (1.1 / apart), 2, max(size))).astype(np.int64)
    fine = counts.sum() <= _FINE
    weight = length / counts / (1 + length / (_FADE * max(size)))
    light = np.zeros((4, width * height), np.float32)
    bounds = np.concatenate([[0], np.cumsum(counts)])
    cuts = np.searchsorted(bounds, np.arange(0, bounds[-1], _CHUNK), side="left")
    cuts = np.unique(np.append(cuts, len(counts)))
    for first, last in pairwise(cuts.tolist()):
        edge = np.repeat(np.arange(first, last), counts[first:last])
        t = (np.arange(bounds[first], bounds[last]) - bounds[edge] + 0.5) / counts[edge]
        back = 1 - t
        point = back * back * begin[edge] + 2 * t * back * bend[edge] + t * t * end[edge]
        inside = (point.real >= 0) & (point.real < width - 1) & (point.imag >= 0) & (point.imag < height - 1)
        if not inside.all():
            edge, t, back, point = edge[inside], t[inside], back[inside], point[inside]
        x, y = point.real.astype(np.int64), point.imag.astype(np.int64)
        pixel = y * width + x
        source, target = follower[edge], followed[edge]
        taps = [(weight[edge], 0)]
        if fine:
            fx, fy = point.real - x, point.imag - y
            whole = weight[edge]
            taps = [
                (whole * (1 - fx) * (1 - fy), 0),
                (whole * fx * (1 - fy), 1),
                (whole * (1 - fx) * fy, width),
                (whole * fx * fy, width + 1),
            ]
        for share, offset in taps:
            light[3] += np.bincount(pixel + offset, share, minlength=width * height)
        for channel in range(3):
            color = colors[:, channel]
            shade = back * color[source] + t * color[target]
            for share, offset in taps:
                light[channel] += np.bincount(pixel + offset, share * shade, minlength=width * height)
    return light.reshape(4, height, width).transpose(1, 2, 0)


_BRIGHT = 99.6  # percentile of the intensities that is drawn fully bright
_STRETCH = 8.0  # strength of the asinh tone curve, which lifts faint edges
_EXPOSURE = 0.95


def tone_map(light: Image, palette: Palette) -> npt.NDArray[np.uint8]:
    """Convert intensities to pixels, brighter or darker than the background (uint8, height, width, 3)."""
    amount = light[..., 3]
    lit = amount[amount > 0]
    back = rgb(palette.background).astype(np.float32)
    image = np.broadcast_to(back, (*amount.shape, 3)).copy()
    if len(lit):
        tone = np.arcsinh(amount * np.float32(_STRETCH / float(np.percentile(lit, _BRIGHT))))
        tone *= np.float32(_EXPOSURE / np.arcsinh(_STRETCH))
        tone = np.minimum(tone, 1)[..., None]
        color = light[..., :3] / np.maximum(amount, 1e-12)[..., None]
        image *= 1 - tone * (color if palette.is_dark else 1)
        image += tone * color
    pixels: npt.NDArray[np.uint8] = np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)
    return pixels
