"""Find a font that has every character of a label: the bundled one first, then those of the system."""

from __future__ import annotations

import os
import unicodedata
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

_OURS = Path(__file__).with_name("fonts") / "DejaVuSansCondensed-Bold.ttf"
_DIRECTORIES = (
    "~/.fonts",
    "~/.local/share/fonts",
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/Library/Fonts",
    "/Library/Fonts",
    "/System/Library/Fonts",
)
_SUFFIXES = {".ttf", ".otf", ".ttc"}
_MOST = 600  # maximum number of system fonts to try
_NO_CHARACTER = "\U0010ffff"  # in no font, so it is drawn as the replacement glyph, usually a box


def find_font(text: str, size: int) -> FreeTypeFont | None:
    """Return a font that has every character of a text; None if there is none, or the text cannot be shaped.

    Args:
        text: A single line.
        size: Size in pixels.
    """
    if _needs_shaping(text) and not _can_shape():
        return None
    for path in (_OURS, *_system_fonts()):
        if all(_has(path, character) for character in set(text)):
            return _load(path, size)
    return None


def our_font(size: int) -> FreeTypeFont:
    """Return the bundled font; it has all digits and Latin letters."""
    from PIL import ImageFont

    return ImageFont.truetype(str(_OURS), size)


def _needs_shaping(text: str) -> bool:
    return any(
        unicodedata.bidirectional(c) in {"R", "AL", "NSM"} or unicodedata.category(c) == "Mc" for c in text
    )


@cache
def _can_shape() -> bool:
    from PIL import features

    return bool(features.check("raqm"))


@cache
def _load(path: Path, size: int) -> FreeTypeFont | None:
    from PIL import ImageFont

    try:
        return ImageFont.truetype(str(path), size)
    except OSError:  # not a font, or a bitmap font in other sizes
        return None


@cache
def _has(path: Path, character: str) -> bool:
    if character == " ":
        return True
    drawn = _drawn(path, character)
    return bool(drawn) and any(drawn) and drawn != _drawn(path, _NO_CHARACTER)


@cache
def _drawn(path: Path, character: str) -> bytes:
    """Return the pixels of a character; empty if the font is unusable."""
    from PIL import ImageFont

    try:
        font = ImageFont.truetype(str(path), 24, layout_engine=ImageFont.Layout.BASIC)
        return bytes(font.getmask(character, mode="L"))
    except (OSError, ValueError):
        return b""


@cache
def _system_fonts() -> tuple[Path, ...]:
    found = []
    for directory in _DIRECTORIES:
        for folder, _, names in os.walk(Path(directory).expanduser()):
            found += [Path(folder, name) for name in names if Path(name).suffix.lower() in _SUFFIXES]
    return tuple(sorted(found, key=_preference)[:_MOST])


def _preference(path: Path) -> tuple[bool, bool, str]:
    """Return a sort key that puts upright sans-serif fonts first."""
    name = path.name.lower()
    plain = not any(word in name for word in ("italic", "oblique", "serif", "mono", "thin", "light", "black"))
    return not plain, "bold" not in name, str(path)
