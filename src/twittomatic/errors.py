"""Every error of ours, in one tree, each leaf named by what its catcher must do.

TwittomaticError
├── SettingsError                 the user corrects a setting, an argument or a target file
├── BadRequest                    the client of a web page corrects its request
├── UserNotFound                  the caller asks for another user: this one is not in the dataset
├── Interrupted                   this process is to stop: give the job back as it is
├── ReceiverUnavailable           hand the same events over again, later
├── NetworkError                  what the network said, or failed to say
│   ├── RateLimited               wait until reset_at, on this credential and endpoint alone
│   ├── CrawlMustPause            nobody may ask anything until the cause is gone
│   │   ├── BudgetExhausted
│   │   ├── CreditsDepleted
│   │   └── NoCredentialLeft
│   ├── CredentialRejected        this credential is out
│   ├── TargetUnavailable         protected, suspended, deleted: a result
│   ├── PaginationExpired         begin this list anew
│   ├── UpstreamUnavailable       ask again, later
│   ├── UnexpectedPayload         ask again, later; an answer that makes no sense
│   ├── RepeatedPayload           the same senseless answer again: no use in asking again
│   └── RequestRefused            our own request was wrong: no use in asking again
├── StateError
│   ├── LeaseLost                 somebody else has this job: let go of it
│   ├── LeadershipLost            somebody else leads: stop leading
│   ├── NobodyLeads               stop working, until somebody does
│   ├── StateLost                 stop: the server has lost what it held, and the user restores it
│   ├── StateBusy                 somebody else holds this state directory
│   └── StateUnavailable          wait for the server to come back
└── StorageError
    ├── CorruptFile               stop: our own file is not what we wrote
    └── StorageUnavailable        stop: full, read-only, gone
"""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum, auto
from types import MappingProxyType
from typing import Final


class TwittomaticError(Exception):
    """Base of every error that we raise; its text is one sentence for the user."""

    @property
    def lines(self) -> tuple[str, ...]:
        """The text as it is printed, a line each; a line feed within one came from outside."""
        return (str(self),)


class SettingsError(TwittomaticError):
    """A setting, an argument or a target file that cannot be used.

    Args:
        sentence: What is wrong, and what to do.
        details: Printed below it, a line each.
    """

    def __init__(self, sentence: str, details: Sequence[str] = ()) -> None:
        super().__init__("\n  ".join([sentence, *details]))
        self._lines = (sentence, *details)

    @property
    def lines(self) -> tuple[str, ...]:
        """The sentence and the details, a line each."""
        return self._lines


class BadRequest(TwittomaticError):
    """A request to one of our web servers that makes no sense."""


class UserNotFound(TwittomaticError, KeyError):
    """A user, or a list of this user, is not in the dataset."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""  # a KeyError would show the repr


class Interrupted(TwittomaticError):
    """The crawl is paused or this process is leaving; what was committed stays."""


class ReceiverUnavailable(TwittomaticError):
    """The server that a sink feeds is away, or takes nothing for the moment."""


class NetworkError(TwittomaticError):
    """The network refused, failed, or answered something unusable."""


class RateLimited(NetworkError):
    """The window of one credential on one endpoint is empty.

    Attributes:
        reset_at: When it opens again by the network's clock (aware UTC), None when the network did not say.
        date: What that clock said, Unix seconds, None when it did not.
    """

    def __init__(self, message: str, *, reset_at: datetime | None = None, date: float | None = None) -> None:
        super().__init__(message)
        self.reset_at = reset_at
        self.date = date


class CrawlMustPause(NetworkError):
    """Nothing can be asked of this network until the cause is removed.

    Attributes:
        until: When the network expects to serve again (aware UTC), None when it did not say.
    """

    def __init__(self, message: str, *, until: datetime | None = None) -> None:
        super().__init__(message)
        self.until = until


class BudgetExhausted(CrawlMustPause):
    """The next request could cost more than BUDGET_USD still allows."""


class CreditsDepleted(CrawlMustPause):
    """The account has no credits, reached its spend cap or its monthly usage cap."""


class NoCredentialLeft(CrawlMustPause):
    """Every credential was rejected, or none was given."""


class CredentialRejected(NetworkError):
    """The network does not accept this credential."""


class TargetUnavailable(NetworkError):
    """The target cannot be read, and that is the answer.

    Attributes:
        reason: `protected`, `suspended`, `deleted` or `unavailable`.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class PaginationExpired(NetworkError):
    """The network no longer knows the pagination token that we hold."""


class UpstreamUnavailable(NetworkError):
    """5xx, a timeout, a reset connection, a body cut short.

    Attributes:
        most_billed: Resources that the network may charge for, None when nobody can tell, so that the whole
            reservation is spent.
        answered: False when no response came, so that the network as a whole may be out of reach.
        retry_after_s: How long the network asked to wait, None when it did not.
        repeated: How often the same answer that makes no sense came in a row, this time included.
    """

    def __init__(self, message: str, *, most_billed: int | None = 0, answered: bool = True) -> None:
        super().__init__(message)
        self.most_billed = most_billed
        self.answered = answered
        self.retry_after_s: float | None = None
        self.repeated = 0


class UnexpectedPayload(UpstreamUnavailable):
    """A 200 whose body is not what the network documents."""


class RepeatedPayload(NetworkError):
    """The same bytes that make no sense came again and again; more requests would bring them again."""


class RequestRefused(NetworkError):
    """The network calls our request invalid; repeating it cannot help."""


class StateError(TwittomaticError):
    """The state of the crawl could not be read or changed."""


class LeaseLost(StateError):
    """The job belongs to another attempt now; nothing that this one does may count."""


class LeadershipLost(StateError):
    """Another master leads, under a later epoch."""


class NobodyLeads(StateError):
    """The master of the crawl is gone, and no standby took its place."""


class StateLost(StateError):
    """What the crawl counts on vanished from the server: nothing may be bought any more."""


class StateBusy(StateError):
    """Another process works on this state directory."""


class StateUnavailable(StateError):
    """The Redis server cannot be reached, started or used."""


class StorageError(TwittomaticError):
    """The dataset could not be read or written."""


class CorruptFile(StorageError):
    """A file of ours does not hold what was written to it."""


class StorageUnavailable(StorageError):
    """A directory is full, read-only, missing, or on the wrong volume."""


class Disposition(Enum):
    """What a worker does with a job whose module raised an error."""

    DELAY = auto()  # give the job back, due later; dead after too many attempts
    PAUSE = auto()  # give the job back as it is and pause the crawl
    ABANDON = auto()  # it is no longer ours: touch nothing
    RELEASE = auto()  # give the job back as it is, at once
    BURY = auto()  # dead, with its reason
    STOP = auto()  # give the job back and end this process loudly


DISPOSITIONS: Final[Mapping[type[Exception], Disposition]] = MappingProxyType(
    {
        Exception: Disposition.BURY,  # a bug of ours: the reason is recorded, the crawl continues
        SettingsError: Disposition.STOP,
        BadRequest: Disposition.BURY,  # no job raises it
        UserNotFound: Disposition.BURY,  # no job raises it
        Interrupted: Disposition.RELEASE,
        ReceiverUnavailable: Disposition.BURY,  # no job raises it: only sinks meet their servers
        NetworkError: Disposition.BURY,
        RateLimited: Disposition.DELAY,
        CrawlMustPause: Disposition.PAUSE,
        CredentialRejected: Disposition.RELEASE,  # the credential is out; the job gets another one
        TargetUnavailable: Disposition.BURY,  # the pager turns it into the end of a list; only pages raise it
        PaginationExpired: Disposition.DELAY,  # the pager restarts the list; here it did so too often
        UpstreamUnavailable: Disposition.DELAY,
        RepeatedPayload: Disposition.BURY,
        RequestRefused: Disposition.BURY,
        StateError: Disposition.STOP,
        LeaseLost: Disposition.ABANDON,
        StorageError: Disposition.STOP,
        CorruptFile: Disposition.BURY,
    }
)
"""What to do after each error; a class that is not listed here does as its nearest listed ancestor."""


def disposition(error: Exception) -> Disposition:
    """Return what a worker does with a job that ended with `error`; every exception has a disposition."""
    return next(DISPOSITIONS[kind] for kind in type(error).__mro__ if kind in DISPOSITIONS)


_OS_REASONS: Final = MappingProxyType(
    {
        errno.ENOSPC: "the volume is full; free some space and start again",
        errno.EDQUOT: "the disk quota is used up; free some space and start again",
        errno.EFBIG: "the file grows beyond what the system allows; raise `ulimit -f`",
        errno.EROFS: "the volume is read-only; mount it for writing{or_another}",
        errno.EIO: "the disk reports an input/output error; check the disk before you start again",
        errno.EACCES: "permission denied; give this user the right to read and write there{or_another}",
        errno.EPERM: "permission denied; give this user the right to read and write there{or_another}",
        errno.ENOTDIR: "a part of this path is a file; move it away, or name another {directory}",
        errno.EEXIST: "a part of this path is a file; move it away, or name another {directory}",
        errno.EISDIR: "there is a directory where a file should be; move it away",
        errno.ENOENT: "there is no such file or directory",
        errno.ENAMETOOLONG: "the path is too long; name a shorter {directory}",
        errno.ESTALE: "the shared file system lost this file; check the mount and start again",
        errno.EMFILE: "this process has too many files open; raise `ulimit -n`",
    }
)


def os_reason(error: OSError, *, setting: str = "") -> str:
    """Return in words why the operating system refuses a file, and what to do about it.

    Args:
        error: What it raised.
        setting: The setting that names the directory, empty when no setting does.
    """
    sentence = _OS_REASONS.get(error.errno or 0)
    if sentence is None:
        return error.strerror or str(error)
    or_another = f", or name another {setting}" if setting else ""
    return sentence.format(or_another=or_another, directory=setting or "directory")
