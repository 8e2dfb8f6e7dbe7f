"""Plots in Unicode blocks: a log-log histogram, and a line of bars."""

from __future__ import annotations

import math
from collections.abc import Sequence

_EIGHTHS = " ▁▂▃▄▅▆▇█"
_BAR = 2  # columns of a bar
_MOST_ROWS = 8


def histogram(counts: Sequence[int]) -> list[str]:
    """Draw a log-log histogram of degrees, with bins 1, 2 to 3, 4 to 7, and so on.

    A bin with a single user is an eighth of a row high, one without users is empty.

    Args:
        counts: Number of users in each bin.
    """
    if not any(counts):
        return []
    decades = max(1.0, math.log10(max(counts)))
    of_decade = max(1, min(2, int(_MOST_ROWS // decades)))  # rows
    heights = [max(1, round(8 * of_decade * math.log10(count))) if count else 0 for count in counts]
    rows = -(-max(heights) // 8)
    labels = {decade * of_decade: f"{10**decade:,}" for decade in range(rows // of_decade + 1)}
    margin = max(map(len, labels.values()))
    lines = []
    for row in range(rows, 0, -1):
        bars = "".join(_EIGHTHS[max(0, min(8, height - 8 * (row - 1)))] * _BAR for height in heights)
        lines.append(f"{labels.get(row, ''):>{margin}} ┤{bars}".rstrip())
    axis = "".join("┬─" if number % 2 == 0 else "──" for number in range(len(counts)))
    lines.append(f"{labels[0]:>{margin}} ┼{axis}")
    lines.append(f"{'':{margin}}  {_ticks(len(counts))}")
    return lines


def bars(values: Sequence[float]) -> str:
    """Draw values as a line of bars; a positive value is always visible."""
    most = max(values, default=0)
    return "".join(_EIGHTHS[max(1, round(8 * value / most)) if value > 0 else 0] for value in values)


def short(number: int) -> str:
    """Format a power of 2 in at most four characters: 512, 1k, 32k, 1M."""
    units = iter(" kMGTPE")
    unit = next(units)
    while number >= 1000:
        number, unit = number // 1024, next(units)
    return f"{number}{unit}".rstrip()


def _ticks(count: int) -> str:
    """Return labels for every other bin, or for fewer where they would overlap."""
    line = ""
    for number in range(0, count, 2):
        if len(line) <= number * _BAR and (not line or len(line) < number * _BAR):
            line += " " * (number * _BAR - len(line)) + short(2**number)
    return line
