"""Post ids that can be computed and decoded without storing any.

A post id is a snowflake: the upper bits are the slot of 256 ms in which the post was written, the lower
30 bits are the author's ordinal, scrambled. So ids are unique within a world and grow with time, and the
author and the position in the timeline follow from the id alone.
"""

import msgspec

from .prng import derive, mix
from .snowflakes import DAY_MS, EPOCH_MS, account_opened_ms

ORDINAL_BITS = 30
MAX_POPULATION = 1 << ORDINAL_BITS
SLOT_MS = 256
NOW_MS = 1_767_225_600_000  # 2026-01-01: the fixed day on which synthetic worlds stand still

NOW_SLOT = (NOW_MS - EPOCH_MS) // SLOT_MS
NEW_POST_GAP = 240  # slots, about a minute, between posts published after that day

_ORDINAL_MASK = MAX_POPULATION - 1
_ODD = 0x2545F491  # any odd number permutes the 30 bits
_INVERSE = pow(_ODD, -1, MAX_POPULATION)


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """When an account posts: post number `serial` falls in its own interval of `gap` slots.

    Attributes:
        ordinal: The author's number in the world.
        count: The number of posts on the fixed day.
        first_slot: The earliest slot of the oldest post.
        gap: Slots between one post and the next, at least 1.
    """

    ordinal: int
    count: int
    first_slot: int
    gap: int


class PostClock:
    """Computes timelines and post ids; serial 0 is the oldest post of an account."""

    def __init__(self, seed: int) -> None:
        self._seed = derive(seed, "postids")

    def count(self, ordinal: int) -> int:
        """Return the number of posts of an account: a tenth has none; a heavy tail goes up to 12,000."""
        bits = mix(self._seed, ordinal)
        share = (bits >> 11) / (1 << 53)
        if share < 0.1:
            return 0
        # Pareto, exponent 1.3: median about 6, mean about 22, three in ten thousand above 3,200.
        return min(12_000, int(6 * ((1 - share) / 0.9) ** (-1 / 1.3)) - 5)

    def timeline(self, ordinal: int, user_id: int, count: int) -> Timeline:
        """Return the timeline of an account: up to 5 years long, not before the account was opened."""
        bits = mix(self._seed + 1, ordinal)
        span_ms = DAY_MS * (30 + bits % 1800)
        span_ms = max(DAY_MS, min(span_ms, NOW_MS - account_opened_ms(user_id)))
        slots = span_ms // SLOT_MS
        idle = (bits >> 20) % (slots // 8 + 1)
        return Timeline(
            ordinal=ordinal,
            count=count,
            first_slot=NOW_SLOT - slots,
            gap=max(1, (slots - idle) // max(1, count)),
        )

    def post_id(self, timeline: Timeline, serial: int) -> int:
        """Return the id of the post with this serial; ids grow with the serial.

        Serials from `count` on belong to posts published after the fixed day.
        """
        bits = mix(self._seed + timeline.ordinal, serial)
        if serial < timeline.count:
            slot = timeline.first_slot + serial * timeline.gap + bits % timeline.gap
        else:
            slot = NOW_SLOT + (serial - timeline.count) * NEW_POST_GAP + bits % NEW_POST_GAP
        return slot << ORDINAL_BITS | (timeline.ordinal * _ODD & _ORDINAL_MASK)

    @staticmethod
    def author_ordinal(post_id: int) -> int:
        """Return the ordinal of the only account that can have written this post."""
        return (post_id & _ORDINAL_MASK) * _INVERSE & _ORDINAL_MASK

    def serial(self, timeline: Timeline, post_id: int) -> int | None:
        """Return the serial of a post in its author's timeline, or None if it is not one of them."""
        slot = post_id >> ORDINAL_BITS
        if slot >= NOW_SLOT:
            serial = timeline.count + (slot - NOW_SLOT) // NEW_POST_GAP
        else:
            serial = (slot - timeline.first_slot) // timeline.gap
        if serial < 0 or self.post_id(timeline, serial) != post_id:
            return None
        return serial

    @staticmethod
    def serials_before(timeline: Timeline, post_id: int) -> int:
        """Return how many of the first `count` posts of a timeline are certainly older than a post."""
        older = ((post_id >> ORDINAL_BITS) - timeline.first_slot) // timeline.gap
        return max(0, min(older, timeline.count))
