"""A world read from a graph file: real edges, synthetic users."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ..madeup.world import MadeUpWorld
from .base import Status
from .records import read_lines

Edge = tuple[int, int]

_MAX_DIGITS = 19
_EMPTY = array("Q")


class GraphWorld(MadeUpWorld):
    """The users in a list of edges; all are active and public unless a test says otherwise.

    Followers are served in the order of the edges. Duplicate edges count once. The counts on the
    profiles agree with the edges.

    Args:
        edges: Pairs (A, B): B follows A.
        seed: The seed from which profiles and posts are computed.
        statuses: For tests: the statuses of some users.
        post_counts: For tests: the numbers of posts of some users.
    """

    def __init__(
        self,
        edges: Iterable[Edge],
        *,
        seed: int = 0,
        statuses: Mapping[int, Status] | None = None,
        post_counts: Mapping[int, int] | None = None,
    ) -> None:
        followers: dict[int, dict[int, None]] = {}
        following: dict[int, dict[int, None]] = {}
        for a, b in edges:
            followers.setdefault(a, {})[b] = None
            following.setdefault(b, {})[a] = None
        self._followers = {a: array("Q", bs) for a, bs in followers.items()}
        self._following = {b: array("Q", followed) for b, followed in following.items()}
        self._ids = array("Q", sorted(followers.keys() | following.keys()))
        self._statuses = {self._place(i): status for i, status in (statuses or {}).items()}
        self._post_counts = {self._place(i): count for i, count in (post_counts or {}).items()}
        super().__init__(seed, len(self._ids))

    @classmethod
    def read(cls, path: Path, *, seed: int = 0) -> "GraphWorld":
        """Read a graph file, gzip or plain.

        Args:
            path: Lines `A B`: B follows A; ids are 1 to 19 digits; blank lines and # comments are skipped.
            seed: The seed from which profiles and posts are computed.

        Raises:
            ValueError: An invalid line or broken gzip; names the file and the line.
            OSError: The file cannot be read.
        """
        return cls(read_edges(path), seed=seed)

    @property
    def user_ids(self) -> Sequence[int]:
        """Every user id, ascending."""
        return self._ids

    def id_at(self, ordinal: int) -> int:
        """Return the user id at a position in the ascending ids."""
        return self._ids[ordinal]

    def ordinal_of(self, user_id: int) -> int | None:
        """Return the position of a user id in the ascending ids."""
        place = bisect_left(self._ids, user_id)
        return place if place < len(self._ids) and self._ids[place] == user_id else None

    def status_at(self, ordinal: int) -> Status:
        """Return "active", unless a test set another status."""
        return self._statuses.get(ordinal, "active")

    def base_count(self, ordinal: int) -> int:
        """Return the synthetic number of posts, unless a test set another one."""
        count = self._post_counts.get(ordinal)
        return super().base_count(ordinal) if count is None else count

    def follower_count(self, user_id: int) -> int:
        """Return how many followers the user has in the file."""
        return len(self._followers.get(user_id, _EMPTY))

    def followers(self, user_id: int, start: int, stop: int) -> Sequence[int]:
        """Return followers[start:stop] in file order."""
        return self._followers.get(user_id, _EMPTY)[start:stop]

    def following_count(self, user_id: int) -> int:
        """Return how many users this one follows in the file."""
        return len(self._following.get(user_id, _EMPTY))

    def following(self, user_id: int, start: int, stop: int) -> Sequence[int]:
        """Return following[start:stop] in file order."""
        return self._following.get(user_id, _EMPTY)[start:stop]

    def _place(self, user_id: int) -> int:
        place = self.ordinal_of(user_id)
        if place is None:
            raise ValueError(f"there is no user {user_id} in this graph")
        return place


def read_edges(path: Path) -> Iterator[Edge]:
    """Yield the edges of a graph file in file order; see `GraphWorld.read`."""
    for number, line in read_lines(path):
        words = line.split()
        if words[0].startswith(b"#"):
            continue
        if len(words) != 2 or not (_is_id(words[0]) and _is_id(words[1])):
            shown = line.decode(errors="replace").strip()[:60]
            raise ValueError(f"{path}, line {number}: expected two user ids 'A B', found '{shown}'")
        yield int(words[0]), int(words[1])


def _is_id(word: bytes) -> bool:
    return word.isdigit() and len(word) <= _MAX_DIGITS
