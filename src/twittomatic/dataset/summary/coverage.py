"""How much of the network a dataset covers, counted from the journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

import msgspec

from twittomatic.dataset.completeness import Completeness


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """How the lists of one kind ended.

    Attributes:
        list: `followers` or `posts`.
        lists: Users whose list was requested.
        endings: Lists by how they ended, the most frequent first: `complete`, `cut`, `ceiling`, `short`,
            `stalled`, `lost` or `unavailable`.
        reasons: Unavailable users by reason: `protected`, `suspended`, `deleted` or `unavailable`.
        records: Followers or posts in the files.
        claimed: The sum of the counts that profiles claimed, where one is known; None if none is.
        claimed_records: Records in those lists.
        began_at: When the first list was begun (aware UTC); None without a list.
        ended_at: When the last list ended (aware UTC); None without a list.
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
        """Number of lists that have all that the network had."""
        return self.endings.get("complete", 0)

    @property
    def share(self) -> float | None:
        """Records as a share of what the profiles claimed; None if nothing was claimed."""
        return self.claimed_records / self.claimed if self.claimed else None


def cover(kind: str, rows: Iterable[Completeness]) -> Coverage:
    """Count the lists of one kind.

    Args:
        kind: `followers` or `posts`.
        rows: Rows about lists of this kind.
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
