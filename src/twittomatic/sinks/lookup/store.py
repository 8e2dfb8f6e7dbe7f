"""Profile store: the newest profile and all names of every user ever seen, in one LMDB file.

LMDB maps its file into memory: reads use the file's own pages, which the system keeps or drops as memory
allows, so the process does not grow with the number of users. Readers never wait for writers. Transactions
are atomic, even if a process is killed. Several processes of one machine may share a store, but it must not
be on a network file system.

Layout (integers in keys are big-endian, so that they sort):

- `profiles`: user id, 8 bytes → when the profile was fetched, 4 bytes, and the profile (`compress`)
- `names`: user id, 8 bytes → MessagePack: [name, when it was last seen, days]... (`history`)
- `users`: name in lower case, UTF-8 → user id, 8 bytes; one for each user who ever had it
- `meta`: `format` → `FORMAT`; `crawl:<name>` → empty, for each crawl whose events were read
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
_MAP_BYTES = 1 << 38  # of address space; a tenth of it holds 50 million users
_DATABASES = ("profiles", "names", "users", "meta")
_LOCK_BYTES = 8_192  # for the 126 readers that LMDB allows
_BATCH = 1_000  # users per transaction: their pages, some 12 kB each, are in memory until it ends
_MAX_NAME_BYTES = 255  # LMDB allows keys of 511
_MAX_HOLDERS = 1_000  # per name, so that no answer can be endless
_MAX_TIME = 2**32 - 1

_decode_names = msgspec.msgpack.Decoder(list[Name]).decode
_encode = msgspec.msgpack.Encoder().encode


class Sighting(msgspec.Struct, frozen=True):
    """A profile that was fetched.

    Attributes:
        user_id: The user, at most 2^64 - 1.
        name: The screen name in the profile, empty if it has none.
        at: When it was fetched, in seconds since the epoch.
        record: The profile in JSON, as received from the network.
    """

    user_id: int
    name: str
    at: int
    record: bytes


class Known(msgspec.Struct, frozen=True):
    """A known user: the newest profile, when it was fetched, and all names."""

    user_id: int
    at: int
    record: bytes
    names: list[Name]


class ProfileStore:
    """An open store.

    Args:
        directory: The directory of its files, created if missing; not on a network file system.

    Raises:
        SettingsError: LMDB is not installed, or another version wrote the store.
        StorageUnavailable: The store cannot be opened.
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
        with self._translated():
            _allocate(directory / "lock.mdb")
            self._env = lmdb.Environment(
                str(directory),
                map_size=_MAP_BYTES,
                max_dbs=len(_DATABASES),
                max_spare_txns=4,  # read transactions that are reused for later queries
                readahead=False,  # access is random: neighbouring pages are not needed next
                mode=0o600,
            )
            self._env.reader_check()  # readers of killed processes would keep old pages from being reused
            self._profiles, self._names, self._users, self._meta = (
                self._env.open_db(name.encode(), dupsort=name == "users", dupfixed=name == "users")
                for name in _DATABASES
            )
        self._check_format()

    def close(self) -> None:
        """Close the store."""
        self._env.close()

    @property
    def directory(self) -> Path:
        """The directory of its files."""
        return self._directory

    def count(self) -> int:
        """Return the number of users with a profile."""
        with self._env.begin() as txn:
            return txn.stat(self._profiles)["entries"]

    def has_read(self, crawl: str) -> bool:
        """Return whether events of a crawl were ever added."""
        with self._env.begin() as txn:
            return txn.get(_crawl_key(crawl), db=self._meta) is not None

    def note_read(self, crawl: str) -> None:
        """Record that events of a crawl were added."""
        if not self.has_read(crawl):
            with self._translated(), self._env.begin(write=True) as txn:
                txn.put(_crawl_key(crawl), b"", db=self._meta)

    def add(self, sightings: Iterable[Sighting]) -> int:
        """Add profiles durably; the operation is idempotent and independent of order.

        The newest profile of a user is kept, of two in the same second the greater; all names are kept.

        Returns:
            The number of sightings that added something.

        Raises:
            StorageUnavailable: The volume is full or fails; some profiles may have been added.
        """
        changed = 0
        rest = iter(sightings)
        while batch := sorted(islice(rest, _BATCH), key=lambda one: one.user_id):
            with self._translated(), self._env.begin(write=True) as txn:
                changed += sum(self._put(txn, one) for one in batch)
        return changed

    def users(self, user_ids: Sequence[int]) -> list[Known | None]:
        """Return users in the order of the ids; None for one that was never seen."""
        with self._env.begin() as txn:
            return [self._known(txn, user_id.to_bytes(8, "big")) for user_id in user_ids]

    def holders(self, name: str) -> list[Known]:
        """Return all users ever seen under a name, the most recently seen first."""
        return self.holders_of([name])[0]

    def holders_of(self, names: Sequence[str]) -> list[list[Known]]:
        """Return `holders` of several names, read in one transaction."""
        with self._env.begin() as txn, txn.cursor(self._users) as cursor:
            return [self._holders(txn, cursor, name.lower()) for name in names]

    def _holders(self, txn: lmdb.Transaction[bytes], cursor: lmdb.Cursor[bytes], key: str) -> list[Known]:
        encoded = _name_key(key)
        if encoded is None or not cursor.set_key(encoded):
            return []
        keys = list(islice(cursor.iternext_dup(), _MAX_HOLDERS))
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
        key, at = seen.user_id.to_bytes(8, "big"), min(max(seen.at, 0), _MAX_TIME)
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
        with self._translated(), self._env.begin(write=True) as txn:
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
    def _translated(self) -> Iterator[None]:
        """Turn errors of LMDB and the operating system into StorageUnavailable."""
        try:
            yield
        except self._errors as error:
            raise StorageUnavailable(
                f"LOOKUP_DIRECTORY {self._directory}: the store cannot be used ({_why(error)})."
            ) from error


def _allocate(lock: Path) -> None:
    """Allocate LMDB's lock file: it is memory-mapped, so a hole in it would be fatal on a full volume."""
    if hasattr(os, "posix_fallocate"):  # not on macOS
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, _LOCK_BYTES)
        finally:
            os.close(descriptor)


def _crawl_key(crawl: str) -> bytes:
    return b"crawl:" + crawl.encode()


def _name_key(name: str) -> bytes | None:
    """Return the key of a name in lower case, or None if no network allows such a name."""
    encoded = name.encode(errors="replace")
    return encoded if 0 < len(encoded) <= _MAX_NAME_BYTES else None


def _why(error: Any) -> str:
    return str(getattr(error, "strerror", None) or error).rstrip(".")
