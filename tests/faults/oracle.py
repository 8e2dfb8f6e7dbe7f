"""Compare the files of a crawl with the emulator's truth.

It shares no code with the crawler, and reads gzip and JSON itself.
"""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from twittomatic.emulator import ChangingWorld

CEILING = 3200


@dataclass(kw_only=True)
class Verdict:
    """The result of a comparison.

    Attributes:
        followers: Number of followers on disk.
        posts: Number of posts on disk.
        lost: Followers and posts that are missing.
        extra: Followers and posts that were never served.
        twice: Records that occur twice in one file.
        problems: A sentence for each other problem.
    """

    followers: int = 0
    posts: int = 0
    lost: int = 0
    extra: int = 0
    twice: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def is_content(self) -> bool:
        return not (self.lost or self.extra or self.twice or self.problems)


class Oracle:
    """Knows what a crawl of some targets must leave.

    Args:
        world: The truth, with its history.
        output: OUTPUT_DIRECTORY.
        since: The world's revision when the crawl began.
        first: The revision when the first crawl of this dataset began; its records may still be there.
    """

    def __init__(self, world: ChangingWorld, output: Path, *, since: int = 0, first: int = 0) -> None:
        self._world = world
        self._output = output
        self._truth = world.truth(since)
        self._past = world.truth(first)

    def look(self, targets: Collection[int], modules: str, *, swept: bool = True) -> Verdict:
        """Compare all files with the truth.

        Args:
            targets: All users that were crawled.
            modules: Letters of the modules that were run, such as `TFA`.
            swept: Whether no part file may be left; a frozen worker may leave one when it wakes up.
        """
        verdict = Verdict()
        for target in sorted(targets):
            if "F" in modules:
                self._followers(target, verdict)
            if "T" in modules or "U" in modules:
                self._posts(target, verdict)
        wanted = {str(target) for target in targets}
        strangers = [path.name for path in self._files() if path.name.partition(".")[0] not in wanted]
        if strangers and "U" not in modules:  # an update covers only some of the users
            verdict.problems.append(f"files of nobody who was asked for: {strangers[:5]}")
        parts = [path for path in (self._output / ".tmp").rglob("[!.]*") if path.is_file()]
        if parts and swept:
            verdict.problems.append(f"part files are left: {[path.name for path in parts[:5]]}")
        return verdict

    def found(self, targets: Collection[int]) -> set[int]:
        """Return all users on the followers lists on disk."""
        return {int(line) for target in targets for line in self._lines(target, "fws")}

    def _followers(self, target: int, verdict: Verdict) -> None:
        ids = [int(line) for line in self._lines(target, "fws")]
        profiles = [int(json.loads(line)["id"]) for line in self._lines(target, "usr")]
        verdict.followers += len(ids)
        if sorted(profiles) != sorted(ids):
            verdict.problems.append(f"{target}: profiles are not those of the followers")
        always, ever = self._truth.always_followers(target), self._past.ever_followers(target)
        self._compare(f"{target}.fws", ids, always, ever, verdict)
        if always == ever and ids != always and sorted(ids) == sorted(always):
            verdict.problems.append(f"{target}: followers are not in the network's order")
        self._existence(target, "fws", verdict)

    def _posts(self, target: int, verdict: Verdict) -> None:
        ids = [int(json.loads(line)["id"]) for line in self._lines(target, "twt")]
        verdict.posts += len(ids)
        if any(later >= earlier for earlier, later in itertools.pairwise(ids)):
            verdict.problems.append(f"{target}: posts are not newest first")
        always, ever = self._truth.always_posts(target), self._past.ever_posts(target)
        # Each new post moves an old one past the ceiling, which the network counts from the newest.
        new = len(self._truth.ever_posts(target)) - len(always)
        self._compare(f"{target}.twt", ids, always[: max(0, CEILING - new)], ever, verdict)
        self._existence(target, "twt", verdict)

    def _existence(self, target: int, ext: str, verdict: Verdict) -> None:
        """Check that readable users have a file, and users who were never readable have none."""
        there, statuses = self._path(target, ext).exists(), set(self._past.statuses(target))
        if there and "active" not in statuses:
            verdict.problems.append(f"{target}.{ext} is there, of somebody who cannot be read")
        if not there and statuses == {"active"}:
            verdict.problems.append(f"{target}.{ext} is missing")

    def _compare(
        self, name: str, ids: Sequence[int], always: Sequence[int], ever: Sequence[int], verdict: Verdict
    ) -> None:
        distinct = set(ids)
        lost, extra = set(always) - distinct, distinct - set(ever)
        verdict.twice += len(ids) - len(distinct)
        verdict.lost += len(lost)
        verdict.extra += len(extra)
        if lost or extra:
            verdict.problems.append(
                f"{name}: {len(lost)} lost {sorted(lost)[:3]}, {len(extra)} extra {sorted(extra)[:3]}"
            )

    def _lines(self, target: int, ext: str) -> Iterator[str]:
        path = self._path(target, ext)
        if path.exists():
            with gzip.open(path, "rt") as lines:
                yield from lines

    def _path(self, target: int, ext: str) -> Path:
        return self._output / str(target)[:2] / f"{target}.{ext}"

    def _files(self) -> list[Path]:
        return [path for path in self._output.glob("[0-9]*/*") if path.is_file()]
