"""All errors of Twittomatic in one tree; each leaf is named by what its handler must do.

TwittomaticError
├── SettingsError                 the user corrects a setting, an argument or a target file
├── BadRequest                    the client of a web page corrects its request
├── UserNotFound                  the caller asks for another user: this one is not in the dataset
├── Interrupted                   stop: give the job back as it is
├── ReceiverUnavailable           deliver the same events again, later
├── PluginFault                   give up: its author corrects a network or a sink of another distribution
├── NetworkError                  an answer of the network, or none
│   ├── RateLimited               wait until reset_at, with this credential on this endpoint
│   ├── CrawlMustPause            send no request until the cause is gone
│   │   ├── BudgetExhausted
│   │   ├── CreditsDepleted
│   │   └── NoCredentialLeft
│   ├── CredentialRejected        stop using this credential
│   ├── TargetUnavailable         protected, suspended, deleted: a result
│   ├── PaginationExpired         restart this list
│   ├── UpstreamUnavailable       repeat the request, later
│   ├── UnexpectedPayload         repeat the request, later; the answer made no sense
│   ├── RepeatedPayload           give up: the same senseless answer came again
│   └── RequestRefused            give up: our own request was wrong
├── StateError
│   ├── LeaseLost                 drop this job: another worker has it
│   ├── LeadershipLost            stop leading: another master leads
│   ├── NoMaster                  stop working until a master leads
│   ├── StateLost                 stop: the server lost its data, and the user restores it
│   ├── StateBusy                 stop: another process uses this state directory
│   └── StateUnavailable          wait for the server to come back
└── StorageError
    ├── CorruptFile               give up: a file of ours is not what we wrote
    └── StorageUnavailable        stop: the volume is full, read-only or gone
"""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum, auto
from types import MappingProxyType
from typing import Final, Self


class TwittomaticError(Exception):
    """Base class of all our errors; the text is one sentence for the user."""

    @property
    def lines(self) -> tuple[str, ...]:
        """The text as it is printed, a line each; a line feed within one came from outside."""
        return (str(self),)


class SettingsError(TwittomaticError):
    """A setting, an argument or a target file that cannot be used.

    Args:
        sentence: What is wrong, and what to do.
        details: Lines to print below the sentence.
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
    """The crawl is paused or this process is leaving; committed work is kept."""


class ReceiverUnavailable(TwittomaticError):
    """The server that a sink feeds cannot be reached, or accepts nothing at the moment."""


class PluginFault(TwittomaticError):
    """Code of another distribution, a network or a sink, raised or returned what it must not."""

    @classmethod
    def of(cls, plugin: str, doing: str, error: Exception) -> Self:
        """Return the error for an exception that a plugin raised.

        Args:
            plugin: Begins the sentence, such as `The network “toy” (toytown 1.0)`.
            doing: What failed, after "failed", such as `in decode`.
            error: What it raised.
        """
        return cls(f"{plugin} failed {doing} ({type(error).__name__}: {error}); report it to its author.")


class NetworkError(TwittomaticError):
    """The network refused, failed, or answered something unusable."""


class RateLimited(NetworkError):
    """The window of one credential on one endpoint is empty.

    Attributes:
        reset_at: When it opens again by the network's clock (aware UTC), None if the network did not say.
        date: The time by that clock, Unix seconds, None if the network did not say.
    """

    def __init__(self, message: str, *, reset_at: datetime | None = None, date: float | None = None) -> None:
        super().__init__(message)
        self.reset_at = reset_at
        self.date = date


class CrawlMustPause(NetworkError):
    """No request can be sent to this network until the cause is removed.

    Attributes:
        until: When the network expects to answer again (aware UTC), None if it did not say.
    """

    def __init__(self, message: str, *, until: datetime | None = None) -> None:
        super().__init__(message)
        self.until = until


class BudgetExhausted(CrawlMustPause):
    """The next request could cost more than BUDGET_USD still allows."""


class CreditsDepleted(CrawlMustPause):
    """The account has no credits, or has reached its spend cap or monthly usage cap."""


class NoCredentialLeft(CrawlMustPause):
    """Every credential was rejected, or none was given."""


class CredentialRejected(NetworkError):
    """The network does not accept this credential."""


class TargetUnavailable(NetworkError):
    """The target cannot be read, which is a result.

    Attributes:
        reason: `protected`, `suspended`, `deleted` or `unavailable`.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class PaginationExpired(NetworkError):
    """The network no longer knows the pagination token that we hold."""


class UpstreamUnavailable(NetworkError):
    """A 5xx status, a timeout, a reset connection, or a truncated body.

    Attributes:
        most_billed: Greatest number of resources that the network may charge for; None if unknown, and then
            the whole reservation is spent.
        answered: False if no response came, so the whole network may be unreachable.
        retry_after_s: How long the network asked to wait, None if it did not.
        repeated: How often the same senseless answer came in a row, including this one.
    """

    def __init__(self, message: str, *, most_billed: int | None = 0, answered: bool = True) -> None:
        super().__init__(message)
        self.most_billed = most_billed
        self.answered = answered
        self.retry_after_s: float | None = None
        self.repeated = 0


class UnexpectedPayload(UpstreamUnavailable):
    """Status 200 with a body that does not match the network's documentation."""


class RepeatedPayload(NetworkError):
    """The same senseless answer came repeatedly; more requests would bring it again."""


class RequestRefused(NetworkError):
    """The network rejects our request as invalid; repeating it cannot help."""


class StateError(TwittomaticError):
    """The state of the crawl could not be read or changed."""


class LeaseLost(StateError):
    """The job belongs to another attempt now; nothing that this attempt does may count."""


class LeadershipLost(StateError):
    """Another master leads, under a later epoch."""


class NoMaster(StateError):
    """The master of the crawl is gone, and no standby has replaced it."""


class StateLost(StateError):
    """The crawl's state has vanished from the server: nothing may be bought any more."""


class StateBusy(StateError):
    """Another process uses this state directory."""


class StateUnavailable(StateError):
    """The Redis server cannot be reached, started or used."""


class StorageError(TwittomaticError):
    """The dataset could not be read or written."""


class CorruptFile(StorageError):
    """A file of ours does not contain what was written to it."""


class StorageUnavailable(StorageError):
    """A directory is full, read-only, missing, or on the wrong volume."""


class Disposition(Enum):
    """What a worker does with a job whose module raised an error."""

    DELAY = auto()  # give the job back for a later attempt; dead after too many
    PAUSE = auto()  # give the job back as it is and pause the crawl
    ABANDON = auto()  # the job is no longer ours: touch nothing
    RELEASE = auto()  # give the job back as it is, at once
    BURY = auto()  # the job is dead, with its reason
    STOP = auto()  # give the job back and end this process loudly


DISPOSITIONS: Final[Mapping[type[Exception], Disposition]] = MappingProxyType(
    {
        Exception: Disposition.BURY,  # a bug of ours: the reason is recorded, the crawl continues
        SettingsError: Disposition.STOP,
        BadRequest: Disposition.BURY,  # no job raises it
        UserNotFound: Disposition.BURY,  # no job raises it
        Interrupted: Disposition.RELEASE,
        ReceiverUnavailable: Disposition.BURY,  # no job raises it: only sinks meet their servers
        PluginFault: Disposition.BURY,
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
"""What to do after each error; an unlisted class inherits from its nearest listed ancestor."""


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
