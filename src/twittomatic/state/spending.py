"""Records of what a dataset's processes have paid, in small files beside it, which outlive the server.

A server can lose the ledger: evicted, flushed, deleted by another tenant. So each process records in its own
file what it has spent and what it has reserved for requests in flight, before a request goes out. The sum
over all files is never less than what these processes can have been charged. It distinguishes a lost
ledger from one that never existed, and `restore` books it again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from twittomatic.errors import CorruptFile, StorageUnavailable
from twittomatic.model import NO_JSON

_SIZE = 1024  # of a file, always: it is written over in place, in one piece
_READS = 20  # of a file that is being written over
_READ_AGAIN_S = 0.01


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """The payments of one process on one ledger, in micro-dollars.

    Attributes:
        account: Account that owns the ledger.
        ledger: Its identity.
        server: Where it is kept: `redis/DATABASE`, or the path of a state directory.
        spent: What settled requests cost.
        reserved: Reserved for requests that are not settled.
    """

    account: str
    ledger: str
    server: str
    spent: int = 0
    reserved: int = 0

    @property
    def most(self) -> int:
        """The most that the process can have been charged."""
        return self.spent + self.reserved


class Spending:
    """The records of a dataset, and the one that this process writes.

    Args:
        directory: Where the records are; created with the first one.
        process: Name of this process, never used by another one.
        server: As in `Spent`.
    """

    def __init__(self, directory: Path, process: str, server: str) -> None:
        self._directory = directory
        self._path = directory / f"{process}.json"
        self._server = server
        self._descriptor: int | None = None
        self._spent = 0
        self._open: dict[str, int] = {}  # reservation -> micro-dollars

    def reserve(self, account: str, ledger: str, reservation: str, amount: int) -> None:
        """Record what a request may cost; returns before the request may be sent.

        Raises:
            StorageUnavailable: it cannot be written.
        """
        if amount and reservation not in self._open:
            self._open[reservation] = amount
            self._write(account, ledger)

    def settle(self, account: str, ledger: str, reservation: str, cost: int | None) -> None:
        """Record what a request cost; None if that is unknown, and the whole reservation counts.

        Raises:
            StorageUnavailable: it cannot be written.
        """
        amount = self._open.pop(reservation, 0)
        self._spent += amount if cost is None else cost
        if amount or cost:
            self._write(account, ledger)

    def close(self) -> None:
        """Close the file of this process."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def read(self, account: str) -> dict[Path, Spent]:
        """Return the records of an account, by file.

        Raises:
            CorruptFile: a record is unreadable, so what was paid is unknown.
            StorageUnavailable: the directory cannot be read.
        """
        with _guarded(self._directory):
            if not self._directory.is_dir():
                return {}
            found = {path: _read(path) for path in sorted(self._directory.glob("*.json"))}
        return {path: record for path, record in found.items() if record.account == account}

    def lost(self, account: str, ledger: str) -> dict[Path, Spent]:
        """Return the records of an account whose ledger is another one than the server has now.

        A state directory may be given up for another one, which has its own ledger; Redis servers are
        taken for one.
        """
        return {
            path: record
            for path, record in self.read(account).items()
            if record.ledger != ledger and record.most and record.server == self._server
        }

    def of(self, account: str, ledger: str) -> dict[Path, Spent]:
        """Return the records of one ledger, by file."""
        return {path: record for path, record in self.read(account).items() if record.ledger == ledger}

    def book(self, records: dict[Path, Spent], ledger: str, *, stated: int | None = None) -> None:
        """Record that a ledger has booked some records, or what the user states instead of them.

        Args:
            records: From `lost`.
            ledger: Identity of the ledger that has it.
            stated: Micro-dollars that count in place of the records; None if the records are right.

        Raises:
            StorageUnavailable: they cannot be written.
        """
        for path, record in records.items():
            booked = msgspec.structs.replace(record, ledger=ledger)
            if stated is not None:
                booked = msgspec.structs.replace(booked, spent=0, reserved=0)
            draft = path.with_suffix(".new")
            with _guarded(path):
                draft.write_bytes(_encode(booked))
                draft.replace(path)
        if stated and records:
            self._spent = stated
            self._write(next(iter(records.values())).account, ledger)

    def _write(self, account: str, ledger: str) -> None:
        record = Spent(
            account=account,
            ledger=ledger,
            server=self._server,
            spent=self._spent,
            reserved=sum(self._open.values()),
        )
        with _guarded(self._path):
            if self._descriptor is None:
                self._directory.mkdir(parents=True, exist_ok=True)
                self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o644)
            os.pwrite(self._descriptor, _encode(record), 0)


def _encode(record: Spent) -> bytes:
    return msgspec.json.encode(record).ljust(_SIZE - 1) + b"\n"


def _read(path: Path) -> Spent:
    for attempt in range(_READS):
        if attempt:
            time.sleep(_READ_AGAIN_S)
        try:
            return msgspec.json.decode(path.read_bytes(), type=Spent)
        except NO_JSON:
            continue
    raise CorruptFile(
        f"{path}: it does not say what was spent; if you know what was charged, remove it and give "
        "`twittomatic restore --spent-usd AMOUNT`."
    )


@contextmanager
def _guarded(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageUnavailable(
            f"{path}: what was spent cannot be noted or read ({error.strerror}); make it writable."
        ) from None
