"""The distribution of a degree, in bins that double in width."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt


class Bin(msgspec.Struct, frozen=True, kw_only=True):
    """Number of users whose degree is between `low` and `high`, inclusive."""

    low: int
    high: int
    users: int


class Distribution(msgspec.Struct, frozen=True, kw_only=True):
    """Distribution of a degree.

    Attributes:
        users: Number of users.
        zeros: Number of users with degree 0, who are in no bin.
        bins: Bins of degrees 1, 2 to 3, 4 to 7, and so on, up to the largest degree.
        mean: Mean degree.
        median: Median degree.
        largest: Largest degree.
        top_share: Share of all edges that belong to the 1 % of users with the largest degrees (0 to 1).
    """

    users: int
    zeros: int
    bins: tuple[Bin, ...]
    mean: float
    median: float
    largest: int
    top_share: float


def distribution(degrees: npt.NDArray[np.int64]) -> Distribution:
    """Return the distribution of degrees (int64, one for each user)."""
    count = len(degrees)
    largest = int(degrees.max(initial=0))
    by_degree = np.sort(degrees)
    edges = 2 ** np.arange(largest.bit_length() + 1)
    up_to = np.searchsorted(by_degree, edges)
    top = by_degree[-max(1, count // 100) :]
    return Distribution(
        users=count,
        zeros=int(np.searchsorted(by_degree, 1)),
        bins=tuple(
            Bin(low=int(low), high=int(2 * low - 1), users=int(users))
            for low, users in zip(edges[:-1], np.diff(up_to), strict=True)
        ),
        mean=float(degrees.mean()) if count else 0.0,
        median=float(np.median(by_degree)) if count else 0.0,
        largest=largest,
        top_share=float(top.sum() / degrees.sum()) if largest else 0.0,
    )
