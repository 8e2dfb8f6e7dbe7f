"""Paths of all files of a crawl: the dataset, its journal, and the part files."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from twittomatic.storage.errors import translate_errors
from twittomatic.storage.volume import prepare_volume

EXTENSIONS = ("fws", "usr", "twt")
_USER_ID = re.compile(r"[0-9]{1,19}")
_SHARD = re.compile(r"[0-9]{1,2}")
_CRAWL = re.compile(r"[A-Za-z0-9_-]{1,64}")
_BOUGHT, _PURCHASES = ".jsonl.gz", ".targets.jsonl"
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.@-]{0,199}")  # no separator, never hidden, fits any file system


@dataclass(frozen=True)
class Layout:
    """The two directories of a crawl, and the names of the files in them.

    Attributes:
        output: OUTPUT_DIRECTORY, which holds only complete files.
        temporary: TEMPORARY_DIRECTORY, on the same volume.
    """

    output: Path
    temporary: Path

    @classmethod
    def of_dataset(cls, directory: Path) -> Layout:
        """Return the layout of a dataset that is only read: the default directories of a crawl."""
        return cls(directory, directory / ".tmp")

    def file(self, user_id: str, ext: str) -> Path:
        """Return the path of a dataset file: `<first two characters of the id>/<id>.<ext>`.

        Args:
            user_id: 1 to 19 decimal digits; checked, because it comes from outside.
            ext: One of `EXTENSIONS`.

        Raises:
            ValueError: the id or the extension is not allowed.
        """
        if not _USER_ID.fullmatch(user_id):
            raise ValueError(f"{user_id[:40]!r} is not a user id")
        return self.output / user_id[:2] / f"{user_id}.{_known(ext)}"

    def part(self, crawl: str, stem: str, ext: str) -> Path:
        """Return the path of an attempt's part file; no other attempt may use `stem`.

        Raises:
            ValueError: a name could escape the directory, or the extension is unknown.
        """
        return self.parts(crawl) / f"{_plain(stem)}.{_known(ext)}"

    def parts(self, crawl: str) -> Path:
        """Return the directory of a crawl's part files.

        Raises:
            ValueError: the name could escape TEMPORARY_DIRECTORY.
        """
        return self.temporary / _plain(crawl)

    def journal(self, process: str) -> Path:
        """Return the path of the journal file of a process, its only writer.

        Raises:
            ValueError: the name could escape the directory.
        """
        return self.journals / f"{_plain(process)}.jsonl"

    @property
    def journals(self) -> Path:
        """The directory of the journal."""
        return self.output / "journal"

    @property
    def spending(self) -> Path:
        """The directory in which processes record what they have paid."""
        return self.output / "spending"

    @property
    def quarantine(self) -> Path:
        """The directory into which `verify --repair` moves files; no reader looks there."""
        return self.output / "set-aside"

    def bought(self, crawl: str) -> Path:
        """Return the path of the profiles of its targets that a crawl bought.

        Raises:
            ValueError: the name could escape the directory.
        """
        return self.output / "targets" / f"{_crawl(crawl)}{_BOUGHT}"

    def purchases(self, crawl: str) -> Path:
        """Return the path of the journal file that proves the file of `bought`."""
        return self.journals / f"{_crawl(crawl)}{_PURCHASES}"

    def buyers(self) -> list[str]:
        """Return the sorted names of the crawls that have bought profiles, or journal lines about some.

        Raises:
            StorageUnavailable: a directory cannot be listed.
        """
        found = set()
        for directory, suffix in ((self.output / "targets", _BOUGHT), (self.journals, _PURCHASES)):
            for entry in _entries(directory) if directory.is_dir() else []:
                crawl = entry.name.removesuffix(suffix)
                if entry.name.endswith(suffix) and _CRAWL.fullmatch(crawl):
                    found.add(crawl)
        return sorted(found)

    @property
    def pending_directory(self) -> Path:
        """The directory of bought profiles that are not committed yet; no crawl can have this name."""
        return self.temporary / ".targets"

    def pending(self, crawl: str, process: str) -> Path:
        """Return the path of what a process bought and did not commit; a crawl's name has no full stop."""
        return self.pending_directory / f"{_crawl(crawl)}.{_plain(process)}.part"

    def pending_files(self, crawl: str) -> list[Path]:
        """Return the pending files of all processes of a crawl, sorted.

        Raises:
            StorageUnavailable: the directory cannot be listed.
        """
        entries = _entries(self.pending_directory)
        names = [entry.name for entry in entries if entry.name.endswith(".part")]
        return [self.pending_directory / name for name in names if name.partition(".")[0] == crawl]

    def pending_draft(self, crawl: str) -> Path:
        """Return the path of the draft that will be renamed to the path of `bought`."""
        return self.pending_directory / f"{_crawl(crawl)}.draft"

    def pending_lock(self, crawl: str) -> Path:
        """Return the path of the lock file for changes to a crawl's bought profiles."""
        return self.pending_directory / f".{_crawl(crawl)}.lock"

    @property
    def drafts(self) -> Path:
        """The directory of a repair's drafts; no crawl can have this name."""
        return self.temporary / ".repair"

    def relative(self, path: Path) -> str:
        """Return the path of a dataset file in the journal's notation: relative, with `/`."""
        return path.relative_to(self.output).as_posix()

    def files(self, ext: str) -> Iterator[Path]:
        """Yield every dataset file with an extension, sorted by path; foreign files are skipped.

        Raises:
            StorageUnavailable: a directory cannot be listed.
        """
        for entry in self.entries(ext):
            yield Path(entry.path)

    def entries(self, ext: str) -> Iterator[os.DirEntry[str]]:
        """Yield the directory entries of the files that `files` yields: a third of the time for a million.

        Raises:
            StorageUnavailable: a directory cannot be listed.
        """
        _known(ext)
        for directory in _entries(self.output):
            if _is_shard(directory):
                for entry in _entries(Path(directory.path)):
                    user_id, _, kind = entry.name.partition(".")
                    named = kind == ext and _USER_ID.fullmatch(user_id) and user_id[:2] == directory.name
                    if named and _is(os.DirEntry.is_file, entry):
                        yield entry

    def profiles(self) -> Iterator[Path]:
        """Yield every file of profiles: those of followers, then those that crawls bought; each kind sorted.

        Raises:
            StorageUnavailable: a directory cannot be listed.
        """
        yield from self.files("usr")
        for crawl in self.buyers():
            if self.bought(crawl).is_file():
                yield self.bought(crawl)

    def strays(self) -> Iterator[Path]:
        """Yield files that patterns such as `*/*.fws` match, though they are not dataset files.

        Raises:
            StorageUnavailable: a directory cannot be listed.
        """
        ours = (self.journals.name, self.quarantine.name)
        for directory in _entries(self.output):
            hidden = directory.name.startswith(".") or directory.name in ours
            path = Path(directory.path)
            if hidden or self.temporary in (path, self.output) or not _is(os.DirEntry.is_dir, directory):
                continue
            for entry in _entries(path):
                user_id, _, kind = entry.name.rpartition(".")
                if kind in EXTENSIONS and not (
                    _USER_ID.fullmatch(user_id)
                    and user_id[:2] == directory.name
                    and _is(os.DirEntry.is_file, entry)
                ):
                    yield Path(entry.path)

    def owns(self, path: Path) -> bool:
        """Return whether a path lies where only crawls write: no export or picture may replace a file there.

        The directory itself, and others than those of the dataset in it, are free.
        """
        path, output = path.resolve(), self.output.resolve()
        if not path.is_relative_to(output):
            return False
        directory, *names = path.relative_to(output).parts or (".",)
        return bool(names) and (
            directory in self._directories
            or directory.startswith(".")
            or _SHARD.fullmatch(directory) is not None
        )

    @property
    def _directories(self) -> set[str]:
        """Names of the directories that hold no dataset files."""
        return {"targets", *(path.name for path in (self.journals, self.spending, self.quarantine))}

    def is_plausible(self) -> bool:
        """Return whether the directory can be a dataset: it has something that crawls write, or nothing.

        Raises:
            StorageUnavailable: the directory cannot be listed.
        """
        entries = [entry for entry in _entries(self.output) if not entry.name.startswith(".")]
        return not entries or any(entry.name in self._directories or _is_shard(entry) for entry in entries)

    def prepare(self) -> None:
        """Create the directories, and check that files can be written in one and renamed into the other.

        Raises:
            SettingsError: a directory is a file, or the two are on different volumes.
            StorageUnavailable: a directory cannot be created, read or written, or its volume is full.
        """
        prepare_volume(self.output, self.temporary, self.journals)


def _known(ext: str) -> str:
    if ext not in EXTENSIONS:
        raise ValueError(f"{ext[:40]!r} is not one of {', '.join(EXTENSIONS)}")
    return ext


def _crawl(name: str) -> str:
    if not _CRAWL.fullmatch(name):
        raise ValueError(f"{name[:40]!r} cannot name a crawl: give 1 to 64 letters, digits, - and _")
    return name


def _plain(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name[:40]!r} cannot name a file: give letters, digits, and - _ . @ inside")
    return name


def _entries(directory: Path) -> list[os.DirEntry[str]]:
    with translate_errors(directory), os.scandir(directory) as entries:
        return sorted(entries, key=attrgetter("name"))


def _is_shard(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a directory of dataset files."""
    return bool(_SHARD.fullmatch(entry.name)) and _is(os.DirEntry.is_dir, entry)


def _is(kind: Callable[[os.DirEntry[str]], bool], entry: os.DirEntry[str]) -> bool:
    try:
        return kind(entry)
    except OSError:  # a symbolic link that leads in a circle or to a forbidden place
        return False
