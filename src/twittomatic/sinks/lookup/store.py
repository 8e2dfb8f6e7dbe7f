"""The profiles of everybody who was ever seen, and the names under which, in one LMDB file.

LMDB maps its file into memory: what is read is the file's own pages, which the system keeps or drops as it
has room, so the process does not grow with the number of users. A reader never waits for a writer. A
transaction is whole or not there, whoever is killed. Several processes of one machine may share a store, and
a network file system may not hold one.

Layout. Integers in keys are big-endian, so that they are in order.

- `profiles`: user id, 8 bytes → when the profile came, 4 bytes, and the profile, packed (`packing`)
- `names`: user id, 8 bytes → MessagePack: [name, when it was seen last, days]... (`sightings`)
- `users`: name in lower case, UTF-8 → user id, 8 bytes; as many as ever had it
- `meta`: `format` → `FORMAT`; `crawl:<name>` → nothing, for each crawl whose events were read
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from twittomatic.errors import SettingsError, StorageUnavailable
from twittomatic.sinks.lookup.compress import pack, unpack
from twittomatic.sinks.lookup.history import Name, add_sighting
from twittomatic.storage.errors import translate_errors

if TYPE_CHECKING:
    import lmdb

FORMAT: Final = b"1"
_MAP_BYTES = 1 << 38  # addresses, not bytes: a tenth of it holds 50 million users
_DATABASES = ("profiles", "names", "users", "meta")
_LOCK_BYTES = 8_192  # for the 126 readers that LMDB allows
_BATCH = 1_000  # users of one transaction: their pages are in memory until it ends, some 12 kB for each user
_LONGEST_NAME = 255  # bytes; LMDB takes keys of 511
_MOST_HOLDERS = 1_000  # of one name, so that nobody can make an answer endless
_LAST_MOMENT = 2**32 - 1

_decode_names = msgspec.msgpack.Decoder(list[Name]).decode
_encode = msgspec.msgpack.Encoder().encode


class Sighting(msgspec.Struct, frozen=True):
    """A profile that came.

    Attributes:
        user_id: Whose, at most 2^64 - 1.
        name: His screen name in it, empty where it has none.
        at: When it came, seconds since the epoch.
        record: The profile, JSON, as the network wrote it.
    """

    user_id: int
    name: str
    at: int
    record: bytes


class Known(msgspec.Struct, frozen=True):
    """What is known of a user: his last profile, when it came, and under which names he was seen."""

    user_id: int
    at: int
    record: bytes
    names: list[Name]


class ProfileStore:
    """An open store.

    Args:
        directory: Of its files, made where it is missing; not on a network file system.

    Raises:
        SettingsError: LMDB is not installed, or another version wrote the store.
        StorageUnavailable: it cannot be opened.
    """

    def __init__(self, directory: Path) -> None:
        try:
            import lmdb
        except ImportError:
            raise SettingsError(
                "lookup needs the LMDB library, which is missing; run: pip install 'twittomatic[lookup]'"
            ) from None
        self._directory = directory
        self._errors = (lmdb.Error, OSError)
        with translate_errors(directory):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._telling():
            _allocate(directory / "lock.mdb")
            self._env = lmdb.Environment(
                str(directory),
                map_size=_MAP_BYTES,
                max_dbs=len(_DATABASES),
                max_spare_txns=4,  # readers of this process that are kept for the next question
                readahead=False,  # pages far from each other: what lies behind one is not asked for next
                mode=0o600,
            )
            self._env.reader_check()  # those whom a kill left would keep old pages from being used again
            self._profiles, self._names, self._users, self._meta = (
                self._env.open_db(name.encode(), dupsort=name == "users", dupfixed=name == "users")
                for name in _DATABASES
            )
        self._check_format()

    def close(self) -> None:
        """Close it."""
        self._env.close()

    @property
    def directory(self) -> Path:
        """Where its files are."""
        return self._directory

    def count(self) -> int:
        """Return of how many users there is a profile."""
        with self._env.begin() as txn:
            return txn.stat(self._profiles)["entries"]

    def has_read(self, crawl: str) -> bool:
        """Tell whether events of a crawl were ever put in here."""
        with self._env.begin() as txn:
            return txn.get(_crawl_key(crawl), db=self._meta) is not None

    def note_read(self, crawl: str) -> None:
        """Remember that events of a crawl were put in here."""
        if not self.has_read(crawl):
            with self._telling(), self._env.begin(write=True) as txn:
                txn.put(_crawl_key(crawl), b"", db=self._meta)

    def add(self, sightings: Iterable[Sighting]) -> int:
        """Put profiles in, in any order, any number of times; they are durable on return.

        The newest profile of a user counts, and of two of one second the greater; every name is remembered.

        Returns:
            How many sightings told something new.

        Raises:
            StorageUnavailable: the volume is full, or fails; what was put in so far may stay.
        """
        changed = 0
        rest = iter(sightings)
        while batch := sorted(islice(rest, _BATCH), key=lambda one: one.user_id):
            with self._telling(), self._env.begin(write=True) as txn:
                changed += sum(self._put(txn, one) for one in batch)
        return changed

    def users(self, user_ids: Sequence[int]) -> list[Known | None]:
        """Return what is known of users, in the order of their ids; None of one who was never seen."""
        with self._env.begin() as txn:
            return [self._known(txn, user_id.to_bytes(8, "big")) for user_id in user_ids]

    def holders(self, name: str) -> list[Known]:
        """Return everybody who was ever seen under a name, whoever was seen under it last first."""
        return self.holders_of([name])[0]

    def holders_of(self, names: Sequence[str]) -> list[list[Known]]:
        """Return for each name what `holders` returns, all at one moment."""
        with self._env.begin() as txn, txn.cursor(self._users) as cursor:
            return [self._holders(txn, cursor, name.lower()) for name in names]

    def _holders(self, txn: lmdb.Transaction[bytes], cursor: lmdb.Cursor[bytes], key: str) -> list[Known]:
        encoded = _name_key(key)
        if encoded is None or not cursor.set_key(encoded):
            return []
        keys = list(islice(cursor.iternext_dup(), _MOST_HOLDERS))
        known = [one for one in (self._known(txn, user) for user in keys) if one]
        known.sort(
            key=lambda one: max(name.at for name in one.names if name.name.lower() == key), reverse=True
        )
        return known

    def _known(self, txn: lmdb.Transaction[bytes], key: bytes) -> Known | None:
        value = txn.get(key, db=self._profiles)
        if value is None:
            return None
        names = txn.get(key, db=self._names)
        return Known(
            int.from_bytes(key, "big"),
            int.from_bytes(value[:4], "big"),
            unpack(value[4:]),
            _decode_names(names) if names else [],
        )

    def _put(self, txn: lmdb.Transaction[bytes], seen: Sighting) -> bool:
        key, at = seen.user_id.to_bytes(8, "big"), min(max(seen.at, 0), _LAST_MOMENT)
        before = txn.get(key, db=self._profiles)
        is_newer = before is None or int.from_bytes(before[:4], "big") < at
        if before and int.from_bytes(before[:4], "big") == at:
            is_newer = unpack(before[4:]) < seen.record
        if is_newer:
            txn.put(key, at.to_bytes(4, "big") + pack(seen.record), db=self._profiles)
        name = _name_key(seen.name.lower())
        if name is None:
            return is_newer
        written = txn.get(key, db=self._names)
        names = add_sighting(_decode_names(written) if written else [], seen.name, at)
        if names is None:
            return is_newer
        txn.put(key, _encode(names), db=self._names)
        txn.put(name, key, dupdata=False, db=self._users)
        return True

    def _check_format(self) -> None:
        with self._telling(), self._env.begin(write=True) as txn:
            if txn.put(b"format", FORMAT, overwrite=False, db=self._meta):
                return
            found = txn.get(b"format", db=self._meta)
        if found != FORMAT:
            self._env.close()
            raise SettingsError(
                f"{self._directory}: another version of Twittomatic wrote this store; remove it, then "
                "`twittomatic lookup --rebuild` fills a new one from the dataset."
            )

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Say in one sentence why the store cannot be used."""
        try:
            yield
        except self._errors as error:
            raise StorageUnavailable(
                f"LOOKUP_DIRECTORY {self._directory}: the store cannot be used ({_why(error)})."
            ) from error


def _allocate(lock: Path) -> None:
    """Give LMDB's lock file its blocks: it is mapped, and where the volume is full a hole in it kills us."""
    if hasattr(os, "posix_fallocate"):  # not on macOS
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, _LOCK_BYTES)
        finally:
            os.close(descriptor)


def _crawl_key(crawl: str) -> bytes:
    return b"crawl:" + crawl.encode()


def _name_key(name: str) -> bytes | None:
    """Return the key of a name in lower case; None of one that no network gives."""
    encoded = name.encode(errors="replace")
    return encoded if 0 < len(encoded) <= _LONGEST_NAME else None


def _why(error: Any) -> str:
    return str(getattr(error, "strerror", None) or error).rstrip(".")
