"""Order of a timeline: the newest post, with the greatest id, first, and no post twice."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from pathlib import Path

import msgspec

from twittomatic.errors import CorruptFile, StorageUnavailable
from twittomatic.model import FileState
from twittomatic.storage.formats import member, read_lines, read_pages
from twittomatic.storage.part import PartFile
from twittomatic.storage.records import record_id_in


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """The ids at both ends of a timeline, and whether it is in order.

    Attributes:
        newest: The greatest id, None if there is no post.
        oldest: The smallest id, None if there is no post or only the first page was read.
        kept: Whether each post is older than the one before it.
    """

    newest: str | None = None
    oldest: str | None = None
    kept: bool = True


def order_of(path: Path) -> Order:
    """Return the order of a whole timeline, read in bounded memory; a missing file has no posts.

    Raises:
        CorruptFile: the file is broken, or a line is not a post.
        StorageUnavailable: the file cannot be read.
    """
    return _order(path, first_page=False) if path.exists() else Order()


def order_at_front(path: Path) -> Order:
    """Return the order of a timeline's first page, which has the newest post; a missing file has no posts.

    The whole file is read only if that page is out of order: older versions kept the network's order, in
    which a pinned post may come first.

    Raises:
        CorruptFile: the data that was read is broken, or a line is not a post.
        StorageUnavailable: the file cannot be read.
    """
    if not path.exists():
        return Order()
    front = _order(path, first_page=True)
    return msgspec.structs.replace(front, oldest=None) if front.kept else _order(path, first_page=False)


def _order(path: Path, *, first_page: bool) -> Order:
    numbers = (int(record_id_in(path, line)) for line in read_lines(path, first_page=first_page))
    first = next(numbers, None)
    if first is None:
        return Order()
    newest = oldest = last = first
    kept = True
    for number in numbers:
        kept = kept and number < last
        newest, oldest, last = max(newest, number), min(oldest, number), number
    return Order(newest=str(newest), oldest=str(oldest), kept=kept)


def append_in_order(
    part: PartFile, source: Path, *, size: int | None = None, before: str | None = None
) -> FileState:
    """Append the posts of a timeline to `part`, each once, newest first, with the time when it came.

    All posts are held in memory: only a few timelines are out of order.

    Args:
        part: The part file to append to.
        source: The timeline, which is not changed.
        size: Read only its first `size` bytes; None reads all.
        before: Append only posts with smaller ids than this one; None appends all.

    Returns:
        The new state of `part`.

    Raises:
        CorruptFile: `source` is missing or broken, or `part` was removed.
        StorageUnavailable: a file cannot be read or written.
    """
    posts: dict[int, tuple[int, bytes]] = {}
    limit = None if before is None else int(before)
    try:
        for at, lines in read_pages(source, size=size):
            for line in lines:
                number = int(record_id_in(source, line))
                if limit is None or number < limit:
                    posts.setdefault(number, (at, line))
    except StorageUnavailable as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise CorruptFile(f"{source}: missing, though a checkpoint counts on it.") from None
        raise
    newest_first = [posts[number] for number in sorted(posts, reverse=True)]
    pages = groupby(newest_first, key=itemgetter(0))
    return part.append(
        b"".join(member([line for _, line in page], at=at) for at, page in pages), len(newest_first)
    )
