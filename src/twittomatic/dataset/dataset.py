"""Open a dataset and read its files."""

from __future__ import annotations

import operator
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import SupportsIndex, TypeAlias

import numpy as np
import numpy.typing as npt

from twittomatic.dataset.completeness import Completeness, read_completeness
from twittomatic.dataset.edges import BATCH, Edges
from twittomatic.dataset.graph import Graph, NodeProfile, Nodes, build_graph, read_node_profiles
from twittomatic.dataset.ids import UserIds, owner, read_user_ids, sorted_unique
from twittomatic.dataset.lists import OnDefect
from twittomatic.dataset.progress import Progress, no_progress
from twittomatic.dataset.records import Records
from twittomatic.dataset.summary import Summary, summarize
from twittomatic.dataset.tables import Table
from twittomatic.dataset.tables.nodes import node_table
from twittomatic.dataset.tables.posts import post_table
from twittomatic.dataset.tables.profiles import profile_table
from twittomatic.dataset.usernames import find_user_id
from twittomatic.errors import SettingsError, UserNotFound
from twittomatic.storage.errors import translate_errors
from twittomatic.storage.paths import EXTENSIONS, Layout

User: TypeAlias = SupportsIndex | str
"""A user: an id, as a number or as decimal text, or a screen name with its @."""

_CONTENTS = {"fws": "list of followers", "usr": "file of followers' profiles", "twt": "timeline"}
_USER_ID = re.compile(r"0*([0-9]{1,19})")
_NAME = re.compile(r"@([A-Za-z0-9_.-]{1,253})")


def open(directory: Path | str) -> Dataset:
    """Open the dataset in a directory.

    >>> import twittomatic as tw
    >>> ds = tw.open("data")  # doctest: +SKIP

    Args:
        directory: OUTPUT_DIRECTORY of a crawl.

    Raises:
        SettingsError: there is no such directory, or it holds other files and nothing of a crawl.
        StorageUnavailable: the directory cannot be listed.
    """
    return Dataset(directory)


class Dataset:
    """The files that crawls left in a directory. A crawl may be running: a file there is always whole.

    A user is given by id (a number or decimal text), or by screen name with its @ if a profile in the dataset
    has this name. All ids are NumPy int64. No file is kept open between calls.

    Args:
        directory: OUTPUT_DIRECTORY of a crawl.

    Raises:
        SettingsError: there is no such directory, or it holds other files and nothing of a crawl.
        StorageUnavailable: the directory cannot be listed.
    """

    def __init__(self, directory: Path | str) -> None:
        directory = Path(directory)
        if not directory.is_dir():
            raise SettingsError(
                f"{directory}: there is no such directory; name the OUTPUT_DIRECTORY of a crawl."
            )
        self._layout = Layout.of_dataset(directory)
        if not self._layout.is_plausible():
            raise SettingsError(f"{directory}: no crawl wrote here; name the OUTPUT_DIRECTORY of a crawl.")
        self._ids_by_name: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"Dataset({str(self._layout.output)!r})"

    def _repr_html_(self) -> str:
        from twittomatic.dataset.notebook import card

        counts = Counter(row.list for row in self.completeness())
        facts = {
            "lists of followers": counts["followers"],
            "timelines": counts["posts"],
        }
        return card(f"Dataset {self._layout.output}", facts, "ds.graph() reads the follow graph.")

    def users(self) -> UserIds:
        """Return the ids of all users with any file, sorted.

        Raises:
            CorruptFile: the name of a file is not a user id.
            StorageUnavailable: a directory cannot be listed.
        """
        files = (owner(path) for ext in EXTENSIONS for path in self._layout.files(ext))
        return sorted_unique(np.fromiter(files, np.int64))

    def followers(self, user: User) -> UserIds:
        """Return the ids of a user's followers in the network's order.

        Raises:
            UserNotFound: the dataset has no list of this user's followers.
            CorruptFile: the file is broken.
            StorageUnavailable: a file cannot be read.
        """
        return np.concatenate([np.empty(0, np.int64), *read_user_ids(self._file(user, "fws"))])

    def profiles(self, user: User | None = None) -> Records:
        """Return the profiles of a user's followers, or without a user all profiles in the dataset.

        Those are the profiles of each crawled user's followers, then those of targets that crawls bought. A
        user who follows several crawled users appears once for each of them; in a data frame, once.

        >>> ds.profiles().to_pandas()  # doctest: +SKIP

        Raises:
            UserNotFound: the dataset has no profiles of this user's followers.
        """
        return Records(self._files(user, "usr"), profile_table)

    def posts(self, user: User | None = None) -> Records:
        """Return posts in the flattened shape of twarc: a user's, newest first, or those of all users.

        >>> ds.posts("@name").to_pandas()  # doctest: +SKIP

        Raises:
            UserNotFound: the dataset has no timeline of this user.
        """
        return Records(self._files(user, "twt"), post_table)

    def nodes(self, *, on_defect: OnDefect | None = None) -> Table:
        """Return the users of the follow graph: name, counts, degrees, and what is known of their lists.

        >>> ds.nodes().to_pandas()  # doctest: +SKIP

        Args:
            on_defect: Called with the error about a file that cannot be read, which is left out. None raises
                the error.

        Raises:
            CorruptFile: a file is broken.
            StorageUnavailable: a file cannot be read.
        """
        return node_table(self._layout, self.graph(on_defect=on_defect), on_defect=on_defect)

    def edges(
        self, batch: int = BATCH, *, shard: tuple[int, int] = (0, 1), on_defect: OnDefect | None = None
    ) -> Edges:
        """Return the follow graph, to be iterated in batches.

        >>> for edges in ds.edges():  # doctest: +SKIP
        ...     print(len(edges), edges.follower, edges.followed)

        Args:
            batch: Edges of a batch, roughly: memory is bounded by it.
            shard: `(i, n)` gives the lists of the i-th of n shards, so that n processes read together.
            on_defect: Called with the error about a file that cannot be read; the list is left out. None
                raises the error.
        """
        return Edges(self._layout, batch, shard=shard, on_defect=on_defect)

    def graph(self, *, on_defect: OnDefect | None = None) -> Graph:
        """Return the follow graph with dense node numbers.

        It is mapped from a file in the dataset's hidden directory `.graph`. Only lists that changed since the
        last call are read.

        Args:
            on_defect: Called with the error about a list that cannot be read, which is left out, and about a
                journal file with broken lines, which are skipped. None raises the former, and ignores the
                latter.

        Raises:
            CorruptFile: a file is broken; it is named.
            StorageUnavailable: a file cannot be read.
        """
        return build_graph(self._layout, on_defect)

    def node_profiles(
        self,
        graph: Graph,
        nodes: Nodes | npt.NDArray[np.bool_] | None = None,
        *,
        on_defect: OnDefect | None = None,
    ) -> Iterator[NodeProfile]:
        """Yield the newest profile of each node that has one in the dataset, sorted by node.

        >>> names = {profile.node: profile.username for profile in ds.node_profiles(graph)}  # doctest: +SKIP

        Args:
            graph: The graph, or a part of it.
            nodes: Nodes to look for, or a mask of all nodes; None for all.
            on_defect: Called with the error about a broken file; the rest of the file is left out. None
                raises the error.

        Raises:
            CorruptFile: a file is broken.
            StorageUnavailable: a file cannot be read, or a temporary file cannot be written.
        """
        return read_node_profiles(self._layout, graph, nodes, on_defect)

    def completeness(self) -> Iterator[Completeness]:
        """Yield one row per list: how it ended, what was claimed, when it was read. Sorted by user id.

        Raises:
            StorageUnavailable: the journal cannot be read.
        """
        return read_completeness(self._layout)

    def summary(self, *, seed: int = 1, progress: Progress = no_progress) -> Summary:
        """Return a summary on one page: size, coverage, degrees, communities, top users, what to distrust.

        All profiles and posts are read. Broken files are left out and named in `broken`.

        Args:
            seed: Seed of the communities.
            progress: Called with the current step, the files that are done and their total; None if unknown.

        Raises:
            StorageUnavailable: a directory or the journal cannot be read.
        """
        return summarize(self._layout, seed=seed, progress=progress)

    def _files(self, user: User | None, ext: str) -> Callable[[], Iterable[Path]]:
        if user is not None:
            path = self._file(user, ext)
            return lambda: [path]
        return self._layout.profiles if ext == "usr" else lambda: self._layout.files(ext)

    def _file(self, user: User, ext: str) -> Path:
        user_id = self._user_id(user)
        path = self._layout.file(user_id, ext)
        with translate_errors(path):
            if path.is_file():
                return path
        shown = f"user {user_id}" if str(user) == user_id else f"{user} (user {user_id})"
        raise UserNotFound(f"{path}: the dataset has no {_CONTENTS[ext]} of {shown}.")

    def _user_id(self, user: User) -> str:
        if not isinstance(user, str):
            user = _number(user)
        if number := _USER_ID.fullmatch(user):
            return number[1].lstrip("0") or "0"
        name = _NAME.fullmatch(user)
        if name is None:
            raise UserNotFound(
                f"{user[:60]!r} is not a user: give an id, or a screen name with its @, such as '@name'."
            )
        key = name[1].lower()
        if key not in self._ids_by_name:
            found = find_user_id(self._layout, key)
            if found is None:
                raise UserNotFound(f"{user}: no profile in {self._layout.output} has this name.")
            self._ids_by_name[key] = found
        return self._ids_by_name[key]


def _number(user: object) -> str:
    """Return a number as decimal text.

    Raises:
        TypeError: it is no whole number.
    """
    try:
        if not isinstance(user, bool):
            return str(operator.index(user))  # type: ignore[arg-type]
    except TypeError:
        pass
    hint = (
        "; pandas makes floats of ids with gaps, dtype='Int64' keeps them" if isinstance(user, float) else ""
    )
    raise TypeError(f"{user!r} is not a user: give an id as a whole number or as text, or an '@name'{hint}.")
