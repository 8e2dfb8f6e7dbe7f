"""The interface between a network and the rest of the house."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request to a network, before a credential is put on it.

    Attributes:
        endpoint: Name of the rate-limit bucket (`followers`, `timeline`, `users`, ...).
        path: Path below the API's base URL, without a query.
        params: Query parameters, not yet encoded.
        resource: Kind of what is billed; within a kind the network charges for one id once a day.
        most_resources: How many billed resources the answer can hold at most.
        unit_price: Micro-dollars for each of them.
        paginated: True when it carries a pagination token, so that a 400 may mean an expired one.
    """

    endpoint: str
    path: str
    params: Mapping[str, str]
    resource: str
    most_resources: int
    unit_price: int
    paginated: bool = False

    @property
    def most_cost(self) -> int:
        """What the answer can cost at most, in micro-dollars: the sum to reserve."""
        return self.most_resources * self.unit_price


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """What came back.

    Attributes:
        status: Of HTTP.
        headers: With lower-case names.
        body: All of it, decompressed.
        arrived_at: When the headers came, on the process' monotonic clock, None where nobody looked.
        is_whole: Whether the body is known to have arrived whole: by its length, its last chunk or its sum.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    arrived_at: float | None = None
    is_whole: bool = True


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A decoded answer: as far as we need it, the records themselves as the network wrote them.

    Attributes:
        ids: The id of each record, decimal, in the network's order.
        records: The JSON object of each record, on one line, parallel to `ids`; on a page of a list it is
            empty where nothing but the id can be read.
        next_token: Pagination token of the next page, None on the last one.
        missing: Ids or names that were asked for and are unavailable, with the reason.
        billed: Resources that the network charges for, expanded objects included.
        unreadable: Names of the records of which something cannot be read: an id, or the place on the page.
    """

    ids: Sequence[str]
    records: Sequence[bytes]
    next_token: str | None = None
    missing: Mapping[str, str] = {}
    billed: int = 0
    unreadable: Sequence[str] = ()


class Counts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a profile says of the lists behind it.

    Attributes:
        followers: How many users follow him, None when it does not say.
        posts: How many posts he has, None when it does not say.
        unavailable: Why his lists cannot be read, None when they can.
    """

    followers: int | None = None
    posts: int | None = None
    unavailable: str | None = None


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """How many requests one credential may make in one window of one endpoint."""

    requests: int
    window_s: float


class WindowReading(msgspec.Struct, frozen=True, kw_only=True):
    """What a response says about its window.

    Attributes:
        limit: Requests allowed.
        remaining: Requests left.
        reset_at: When it opens anew, Unix seconds of the network's clock.
        date: What that clock said, Unix seconds, None when the response does not tell.
    """

    limit: int
    remaining: int
    reset_at: float
    date: float | None = None


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent to renew a credential; it holds secrets, and no repr shows them."""

    path: str
    fields: Mapping[str, str]
    headers: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Form({self.path})"


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """A renewed credential: `refresh_token` is None where the old one stays good."""

    access_token: str
    refresh_token: str | None
    expires_in_s: float | None

    def __repr__(self) -> str:
        return "Grant(***)"


class Network(Protocol):
    """A service whose users, followers and timelines can be crawled.

    Its requests are pure values; `decode` either returns a page or raises a `NetworkError`.
    """

    name: str
    url: str
    users_per_request: int
    followers_per_page: int
    posts_per_page: int
    timeline_ceiling: int
    counts_are_estimates: bool  # what a profile says of its lists, so that it proves nothing about their ends

    def limit(self, endpoint: str, kind: str) -> Limit | None:
        """Return the documented limit of an endpoint: the first guess, until headers tell the truth.

        Args:
            endpoint: Of a request.
            kind: Of the credential, `app` or `user`.

        Returns:
            None where credentials of this kind cannot ask.
        """
        ...

    def renewal(self, client_id: str, client_secret: str, refresh_token: str) -> Form:
        """Ask for the next tokens of a user."""
        ...

    def decode_renewal(self, response: Response) -> Grant:
        """Turn the answer into them.

        Raises:
            CredentialRejected: the network refuses.
            UpstreamUnavailable: it could not answer.
        """
        ...

    def authorization(self, token: str) -> Mapping[str, str]:
        """Return the headers that carry a credential."""
        ...

    def window(self, response: Response) -> WindowReading | None:
        """Return the window that a response reports, None when it reports none or nonsense."""
        ...

    def probe(self) -> Request:
        """Return a free request that tells whether a credential is accepted."""
        ...

    def users_by_id(self, user_ids: Sequence[str]) -> Request:
        """Ask for the profiles of up to `users_per_request` ids."""
        ...

    def users_by_name(self, names: Sequence[str]) -> Request:
        """Ask for the profiles of up to `users_per_request` screen names, without @."""
        ...

    def followers(self, user_id: str, *, token: str | None, size: int) -> Request:
        """Ask for a page of at most `size` followers of a user."""
        ...

    def following(self, user_id: str, *, token: str | None, size: int) -> Request:
        """Ask for a page of at most `size` users whom a user follows."""
        ...

    def timeline(self, user_id: str, *, token: str | None, since_id: str | None, size: int) -> Request:
        """Ask for a page of at most `size` posts of a user, newest first, newer than `since_id`."""
        ...

    def decode(self, request: Request, response: Response) -> Page:
        """Turn an answer into a page.

        Raises:
            NetworkError: the leaf that says what to do; see `twittomatic.errors`.
        """
        ...

    def lifted(self, record: bytes) -> Mapping[str, object]:
        """Return a profile as SELECT and PRIORITY see it: every field present, counts at the top."""
        ...

    def counts_of(self, record: bytes) -> Counts:
        """Return what a profile says of the user's lists."""
        ...

    def name_of(self, record: bytes) -> str:
        """Return the screen name in a profile."""
        ...
