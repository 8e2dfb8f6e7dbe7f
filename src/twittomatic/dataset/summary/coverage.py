"""Coverage of a dataset: how complete its lists are, according to the journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

import msgspec

from twittomatic.dataset.completeness import Completeness


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """Completeness of the lists of one kind.

    Attributes:
        list: `followers` or `posts`.
        lists: Number of users whose list was requested.
        endings: Number of lists by ending, the most frequent first: `complete`, `cut`, `ceiling`, `short`,
            `stalled`, `lost` or `unavailable`.
        reasons: Number of unavailable users by reason: `protected`, `suspended`, `deleted` or `unavailable`.
        records: Number of followers or posts in the files.
        claimed: Sum of the claimed counts of the lists that have one; None if none has.
        claimed_records: Number of records in the lists that have a claimed count.
        began_at: Start of the first list (aware UTC); None without a list.
        ended_at: End of the last list (aware UTC); None without a list.
    """

    list: str
    lists: int
    endings: dict[str, int]
    reasons: dict[str, int]
    records: int
    claimed: int | None
    claimed_records: int
    began_at: datetime | None
    ended_at: datetime | None

    @property
    def complete(self) -> int:
        """Number of complete lists."""
        return self.endings.get("complete", 0)

    @property
    def share(self) -> float | None:
        """Records as a share of the claimed count, from 0 on; None without a claimed count."""
        return self.claimed_records / self.claimed if self.claimed else None


def coverage_of(kind: str, rows: Iterable[Completeness]) -> Coverage:
    """Return the coverage of the lists of one kind.

    Args:
        kind: `followers` or `posts`.
        rows: Completeness of each list of this kind.
    """
    endings, reasons = Counter[str](), Counter[str]()
    records = claimed = claimed_records = 0
    began: datetime | None = None
    ended: datetime | None = None
    for row in rows:
        endings[row.ending] += 1
        if row.reason:
            reasons[row.reason] += 1
        records += row.records
        if row.claimed is not None:
            claimed += row.claimed
            claimed_records += row.records
        began = min(row.began_at, began or row.began_at)
        ended = max(row.ended_at, ended or row.ended_at)
    return Coverage(
        list=kind,
        lists=endings.total(),
        endings=dict(endings.most_common()),
        reasons=dict(reasons.most_common()),
        records=records,
        claimed=claimed or None,
        claimed_records=claimed_records,
        began_at=began,
        ended_at=ended,
    )
