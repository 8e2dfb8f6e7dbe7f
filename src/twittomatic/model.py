"""Core data types: modules, jobs, checkpoints, users, and money.

Money is in micro-dollars (1 USD = 1,000,000) wherever it is an integer.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, Self
from urllib.parse import quote, unquote

import msgspec

NO_JSON: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)
"""What decoding raises for text from outside that is not the expected JSON."""

MICROS_PER_USD = 1_000_000
_LONGEST_ADDRESS = 512
_PLAIN = "".join(
    chr(code) for code in range(33, 127) if chr(code) != "%"
)  # characters of an address that are not encoded


class Module(StrEnum):
    """What is done to a target; see `MODULES`."""

    TIMELINE = "timeline"
    FOLLOWER = "follower"
    ANALYZER = "analyzer"
    UPDATE = "update"


class ModuleSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What the rest of the program needs to know about a module; see `MODULES`.

    Attributes:
        letter: Its flag on the command line, and its letter in the options of a crawl.
        help: Help text of the flag.
        does: Two words or fewer for the list of flags in an error message.
        files: Extensions of the files that it writes, in the order in which they become visible: the list
            last, so where there is a list, its profiles are there too.
        list_ext: Extension of the list that it downloads; empty when it downloads none.
        records: What that list holds. A network's requests, the counts in a profile and a plan's prices go by
            this name; the network itself knows endpoint and price, because they differ between networks.
        list_name: The list in a sentence, plural.
        after: The module that must have finished with the same target first, if the crawl has it.
        replaces: The module whose work it does too, so that a crawl with both runs only this one.
    """

    letter: str
    help: str
    does: str
    files: tuple[str, ...]
    list_ext: str = ""
    records: Literal["", "posts", "followers"] = ""
    list_name: str = ""
    after: Module | None = None
    replaces: Module | None = None

    @property
    def closes(self) -> tuple[str, ...]:
        """Extensions of the files for which a journal line without a file says that the network has none."""
        return self.files if self.list_ext else ()


MODULES: Final[Mapping[Module, ModuleSpec]] = MappingProxyType(
    {
        Module.TIMELINE: ModuleSpec(
            letter="T",
            help="Download the timeline, newest post first.",
            does="timeline",
            files=("twt",),
            list_ext="twt",
            records="posts",
            list_name="timelines",
        ),
        Module.FOLLOWER: ModuleSpec(
            letter="F",
            help="Download all followers, with their profiles.",
            does="followers",
            files=("usr", "fws"),
            list_ext="fws",
            records="followers",
            list_name="followers",
        ),
        Module.ANALYZER: ModuleSpec(
            letter="A",
            help="Send the followers that SELECT names to the frontier, one hop deeper.",
            does="analyze",
            files=("usr",),
            after=Module.FOLLOWER,
        ),
        Module.UPDATE: ModuleSpec(
            letter="U",
            help="Download what is newer than a timeline's first post, and put it in front.",
            does="update",
            files=("twt",),
            list_ext="twt",
            records="posts",
            list_name="timelines",
            replaces=Module.TIMELINE,
        ),
    }
)
"""Every module, in the order of its letter in `CrawlOptions.modules`: the only list of them.

A new module needs an entry here, a file in `twittomatic.modules` that is named there in `RUN`, and its tests.
"""


def modules_of(letters: str) -> list[Module]:
    """Return the modules with these letters, such as `TFA`, in the order of `MODULES`.

    Raises:
        ValueError: a letter is no module's.
    """
    if odd := set(letters) - {spec.letter for spec in MODULES.values()}:
        raise ValueError(f"no module has the letter {''.join(sorted(odd))}")
    return [module for module, spec in MODULES.items() if spec.letter in letters]


def downloads(ext: str) -> Module:
    """Return the module that downloads files with an extension when there is none yet."""
    return next(module for module, spec in MODULES.items() if ext in spec.closes and spec.replaces is None)


def only_updates(letters: str) -> bool:
    """Return whether a crawl does nothing but bring existing lists up to date, so it needs no target."""
    return bool(letters) and all(MODULES[module].replaces for module in modules_of(letters))


class Phase(StrEnum):
    """The phase of a crawl."""

    IDLE = "idle"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"


class FileState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The bytes of a file that count.

    Attributes:
        size: Bytes that are written, synced and paid for; bytes after them do not count.
        lines: Records in those bytes.
        crc: CRC-32 of those bytes.
    """

    size: int = 0
    lines: int = 0
    crc: int = 0


class Ending(StrEnum):
    """Why a list ended, as recorded in the journal."""

    COMPLETE = "complete"  # the network has no further page: the list has all records
    CEILING = "ceiling"  # the network serves no more posts of a timeline
    CUT = "cut"  # MAX_FOLLOWERS or MAX_POSTS
    UNAVAILABLE = "unavailable"  # protected, suspended, deleted: `reason` says which
    SHORT = "short"  # the network has no further page, but the profile claims far more records
    STALLED = "stalled"  # pages brought no new records for too long, or led back to earlier pages
    LOST = "lost"  # `verify --repair` found the file missing, or set it aside


EARLY: Final = (Ending.SHORT, Ending.STALLED)
"""Endings of lists of which the network probably has more records than it served."""


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The progress of a job: all that another worker needs to continue it.

    Attributes:
        part: Stem of the part files in TEMPORARY_DIRECTORY, empty before the first page.
        files: State of each part file by extension (`fws`, `usr`, `twt`).
        token: Pagination token of the next page, None for the first. When `ended`, the token with which a
            later crawl can continue, None if it cannot.
        ended: Why there will be no further page, None while there are more.
        ended_at: RFC 3339 time when that was found, or when an attempt took over the ended list. It becomes
            the time of the journal line; it is set under the lease, so it does not depend on how long the
            writer is frozen before it writes the line.
        reason: Why the target is unavailable, if it is.
        requests: Pages requested so far.
        cost: Micro-dollars that those pages cost.
        received: Records that the network delivered so far, including repeated ones.
        began_at: RFC 3339 time of the first page.
        restarts: How often the list was restarted because its token had expired.
        claimed: The count that the network claims for this list, if known.
        first_id: Greatest id of a timeline so far, with which an update checks the file that it extends; of
            another list the first id received.
        last_id: Smallest id of a timeline so far; of another list the last id received.
        unordered: Whether posts came in an order other than newest first, so the file has to be sorted.
        in_front: Whether the list was restarted and has not yet reached the posts from before the restart.
        since_id: Newest post of the timeline that this list will precede; None for a whole list.
        asked_again: Whether the last page was requested twice because the list seemed too short.
        continues: Ending of the list in the dataset that this attempt continues; None for a new list.
    """

    part: str = ""
    files: dict[str, FileState] = {}
    token: str | None = None
    ended: Ending | None = None
    ended_at: str = ""
    reason: str | None = None
    requests: int = 0
    cost: int = 0
    received: int = 0
    began_at: str = ""
    restarts: int = 0
    claimed: int | None = None
    first_id: str | None = None
    last_id: str | None = None
    unordered: bool = False
    in_front: bool = False
    since_id: str | None = None
    asked_again: bool = False
    continues: Ending | None = None


class User(NamedTuple):
    """A user, by two names.

    Attributes:
        user_id: Decimal text of a number below 2^63: in job names, seen, files, journal and events.
        address: Opaque text that requests to the network name the user by; empty if they use the user id, as
            on X. See `is_address`.
    """

    user_id: str
    address: str = ""

    @property
    def entry(self) -> str:
        """Both as one text, as stored in the frontier: only the user id if there is no address.

        An address is percent-encoded, so a space or line feed in it cannot be mistaken for its end.
        """
        return f"{self.user_id} {quote(self.address, safe=_PLAIN)}" if self.address else self.user_id

    @classmethod
    def read(cls, entry: str) -> Self:
        """Parse an `entry`."""
        user_id, _, address = entry.partition(" ")
        return cls(user_id, unquote(address))


def is_address(text: str) -> bool:
    """Return whether text from outside can be an address: 1 to 512 printable characters."""
    return 0 < len(text) <= _LONGEST_ADDRESS and text.isprintable()


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One module on one target, leased to one attempt.

    Attributes:
        entry: Id of its entry in the job stream.
        module: What to do.
        user_id: The target, decimal.
        address: The target's address; see `User`.
        depth: Hops from a seed.
        consumer: The worker process that holds the lease. Together with `entry` it is the fence, because a
            job that is taken away gets a new entry.
        attempts: How often the job was tried and failed.
        resumed: Whether an attempt had it before, so that its entry is in the queue of resumed jobs.
        checkpoint: Where the last attempt stopped.
    """

    entry: str
    module: Module
    user_id: str
    depth: int
    consumer: str
    attempts: int = 0
    resumed: bool = False
    checkpoint: Checkpoint = Checkpoint()
    address: str = ""

    @property
    def user(self) -> User:
        """The target."""
        return User(self.user_id, self.address)

    @property
    def queue(self) -> str:
        """The queue of its entry, one of `queues(module)`."""
        return queues(self.module)[not self.resumed]

    @property
    def name(self) -> str:
        """`module:user_id`, the same for every attempt."""
        return f"{self.module}:{self.user_id}"


class HeldJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job that a worker holds, as the worker reports it.

    Attributes:
        module: What it does.
        user_id: The target, decimal.
        depth: Hops from a seed.
        records: Records that this attempt has committed.
        pages: Pages that this attempt has committed.
        for_s: Seconds since the attempt began.
    """

    module: Module
    user_id: str
    depth: int = 0
    records: int = 0
    pages: int = 0
    for_s: float = 0.0

    @property
    def name(self) -> str:
        """`module:user_id`, the same for every attempt."""
        return f"{self.module}:{self.user_id}"


class WorkerReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker process reports with each heartbeat.

    Attributes:
        seen_at: RFC 3339 time of the report, by the worker's clock.
        slots: Jobs of each module that it holds at most.
        lease_s: After so many silent seconds it counts as gone.
        credentials: Names of the credentials that it asks with.
        jobs: What it holds.
        fetched: Records that it has committed since it began.
        requests: Pages that it has committed since it began.
    """

    seen_at: str
    slots: int = 0
    lease_s: float = 30.0
    credentials: tuple[str, ...] = ()
    jobs: tuple[HeldJob, ...] = ()
    fetched: int = 0
    requests: int = 0

    def __post_init__(self) -> None:
        if datetime.fromisoformat(self.seen_at).tzinfo is None:
            raise ValueError("seen_at has no time zone")

    @property
    def longest_held(self) -> list[HeldJob]:
        """`jobs`, the one held longest first."""
        return sorted(self.jobs, key=lambda job: -job.for_s)

    @property
    def seen(self) -> float:
        """`seen_at` in seconds since the epoch."""
        return datetime.fromisoformat(self.seen_at).timestamp()

    def is_live(self, now: float) -> bool:
        """Return whether the worker reported within its lease; `now` in seconds since the epoch."""
        return now - self.seen <= self.lease_s


class Counter(StrEnum):
    """The counters of a crawl: numbers that only grow, while its state is kept."""

    PAGES = "pages"  # by module: pages that were downloaded and committed
    RECORDS = "records"  # by module: records on those pages
    KEPT = "kept"  # by module: lists that were complete already, and not downloaded again
    COMPLETED = "completed"  # by module: jobs that are done
    SEEN = "seen"  # users who were found, selected, and not known before
    TARGETS = "targets"  # users whose jobs were queued
    UNAVAILABLE = "unavailable"  # targets that are protected, suspended or deleted
    UNREADABLE = "unreadable"  # records that could not be read, and were set aside

    def of(self, module: Module) -> str:
        """Return the name of this counter for one module, such as `pages:follower`."""
        return f"{self}:{module}"


class JobState(StrEnum):
    """Where a job is, unless it is completed: then it is gone."""

    READY = "ready"  # waits for a worker
    LEASED = "leased"  # a worker holds it
    DELAYED = "delayed"  # failed, and waits for another try
    DEAD = "dead"  # failed too often


def queues(module: Module) -> tuple[str, str]:
    """Return the names of a module's queues: for resumed jobs, which go first, and for new ones.

    A list that waits in the middle is at risk: when its pagination token expires, it is bought again.
    """
    return f"{module}:again", str(module)


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A user to crawl.

    Attributes:
        user_id: Decimal.
        address: What the network is asked with; see `User`.
        depth: Hops from a seed.
        score: Under `priority`, higher goes first.
    """

    user_id: str
    depth: int
    score: float = 0.0
    address: str = ""

    @property
    def entry(self) -> str:
        """The target as the frontier holds it; see `User.entry`."""
        return User(self.user_id, self.address).entry


def usd(micros: int) -> float:
    """Return micro-dollars as dollars, for JSON."""
    return micros / MICROS_PER_USD


def dollars(micros: int) -> str:
    """Format micro-dollars exactly: `$12.50`, or `$0.005` where cents do not suffice."""
    whole, rest = divmod(abs(micros), MICROS_PER_USD)
    digits = f"{rest:06}".rstrip("0").ljust(2, "0")
    return f"{'-' if micros < 0 else ''}${whole:,}.{digits}"


def about(micros: float) -> str:
    """Format an estimate in micro-dollars, rounded to cents."""
    return dollars(round(micros / 10_000) * 10_000)
