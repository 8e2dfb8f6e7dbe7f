"""Interface between a network and the rest of the program: the data exchanged, and protocols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

import msgspec

from twittomatic.model import User
from twittomatic.settings import Settings


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request to a network, without a credential.

    Attributes:
        endpoint: Name of the rate-limit bucket (`followers`, `timeline`, `users`, ...).
        path: Path below the API's base URL, without a query.
        params: Query parameters, not yet encoded.
        resource: Kind of the billed resources; a network that charges once a day does so per kind and id.
        most_resources: Maximum number of billed resources in the answer.
        unit_price: Price of one resource in micro-dollars.
        paginated: Whether it carries a pagination token, so that a 400 may mean an expired one.
        host: Base URL of the server to ask, empty for the network's own. Each server has its own rate limits.
    """

    endpoint: str
    path: str
    params: Mapping[str, str]
    resource: str
    most_resources: int
    unit_price: int
    paginated: bool = False
    host: str = ""

    @property
    def bucket(self) -> str:
        """Name of its rate-limit window: the endpoint, behind the host if it names one."""
        return f"{self.host}/{self.endpoint}" if self.host else self.endpoint

    @property
    def most_cost(self) -> int:
        """Maximum cost of the answer in micro-dollars: the amount to reserve."""
        return self.most_resources * self.unit_price


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a request.

    Attributes:
        status: HTTP status code.
        headers: Headers by lower-case name.
        body: The whole body, decompressed.
        arrived_at: When the headers arrived, by `clock.steady_s`; None when it was not measured.
        is_whole: Whether the body is known to be complete, by its length, its last chunk or its checksum.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    arrived_at: float | None = None
    is_whole: bool = True


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A decoded answer; the records in it are as the network wrote them.

    Attributes:
        ids: The id of each record, decimal text of a number below 2^63, in the network's order. A network
            whose own ids are something else computes them, and puts them into the records.
        records: The JSON object of each record, on one line, parallel to `ids`, its `id` the same decimal
            text; on a page of a list it is empty where nothing but the id can be read.
        next_token: Pagination token of the next page, None on the last one.
        missing: Ids or names that were requested and are unavailable, each with the reason.
        billed: Number of resources that the network charges for, expanded objects included.
        unreadable: Records that cannot be read completely, each by its id or its position on the page.
    """

    ids: Sequence[str]
    records: Sequence[bytes]
    next_token: str | None = None
    missing: Mapping[str, str] = {}
    billed: int = 0
    unreadable: Sequence[str] = ()


class Counts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a profile says about the user's lists.

    Attributes:
        followers: Number of followers; None when the profile does not say.
        posts: Number of posts; None when the profile does not say.
        unavailable: Why the lists cannot be read; None when they can.
    """

    followers: int | None = None
    posts: int | None = None
    unavailable: str | None = None


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """Number of requests that a credential may make to an endpoint in one window."""

    requests: int
    window_s: float


class WindowReading(msgspec.Struct, frozen=True, kw_only=True):
    """The rate-limit window that a response reports.

    Attributes:
        limit: Number of requests in the window.
        remaining: Number of requests left.
        reset_at: When the window resets, in Unix seconds of the network's clock.
        date: Time on the network's clock, in Unix seconds; None when the response does not say.
    """

    limit: int
    remaining: int
    reset_at: float
    date: float | None = None


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """Form that renews a credential; it holds secrets, which its repr does not show."""

    path: str
    fields: Mapping[str, str]
    headers: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Form({self.path})"


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """A renewed credential; `refresh_token` is None when the old one stays valid."""

    access_token: str
    refresh_token: str | None
    expires_in_s: float | None

    def __repr__(self) -> str:
        return "Grant(***)"


class PriceList(msgspec.Struct, frozen=True, kw_only=True):
    """Prices of one object each, in micro-dollars; all are 0 where nothing is charged.

    Attributes:
        post: A post, in a timeline or expanded.
        user: A profile that was looked up, or expanded.
        follower: A profile on a page of followers, or of users followed.
        as_of: The day on which they were read, RFC 3339; empty where nothing is charged.
        source: Where.
        once_a_day: Whether the network charges for the same object once a UTC day.
    """

    post: int = 0
    user: int = 0
    follower: int = 0
    as_of: str = ""
    source: str = ""
    once_a_day: bool = False

    @property
    def is_free(self) -> bool:
        """Whether nothing is charged for anything."""
        return not (self.post or self.user or self.follower)


class LimitList(msgspec.Struct, frozen=True, kw_only=True):
    """Documented rate limits: the first guess, until response headers report the real ones.

    Attributes:
        by_kind: Limit of each endpoint, by the kind of credential.
        as_of: The day on which they were read, RFC 3339.
        source: Where.
    """

    by_kind: Mapping[str, Mapping[str, Limit]]
    as_of: str
    source: str


class PostDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A post as the indexer searches it.

    Attributes:
        id: The network's.
        created_at: When it was written, aware UTC; None when that is missing or nonsense.
        fields: Searchable fields, by the names in `twittomatic.sinks.indexer.documents.PROPERTIES`; empty
            ones are left out.
    """

    id: str
    created_at: datetime | None
    fields: Mapping[str, object]


class GivenTarget(NamedTuple):
    """A user as it was given: by its id (with its address, where the network needs one), or by its name.

    Attributes:
        user_id: Decimal, without leading zeros; empty where the network has to be asked for it.
        address: See `twittomatic.model.User`.
        name: Lower-case screen name without @; empty when `user_id` is known.
    """

    user_id: str = ""
    address: str = ""
    name: str = ""


class TokenSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Names of the settings that hold a network's credentials.

    Attributes:
        app: Bearer tokens, or `@FILE` with one a line.
        user: Files of user tokens; empty when the network has none.
    """

    app: str
    user: str = ""


class Requests(Protocol):
    """How a network is asked: pure values, sent by `twittomatic.fetch`."""

    url: str
    users_per_request: int
    followers_per_page: int
    posts_per_page: int
    fewest_posts_per_page: int
    example_user: User  # for sample requests, whose prices the plan takes
    needs_address: bool  # whether users are asked for with an address, not with the user id; see `User`
    timeline_ceiling: int | None  # posts that a timeline serves at most; None where there is no such limit

    def authorization(self, token: str) -> Mapping[str, str]:
        """Return the headers that carry a credential.

        Raises:
            CredentialRejected: no header can carry it; it is not shown.
        """
        ...

    def renewal(self, client_id: str, client_secret: str, refresh_token: str) -> Form:
        """Build the request that exchanges a refresh token."""
        ...

    def probe(self) -> Request:
        """Build a free request that shows whether a credential is accepted."""
        ...

    def users_by_id(self, users: Sequence[User]) -> Request:
        """Build the request for the profiles of up to `users_per_request` users."""
        ...

    def users_by_name(self, names: Sequence[str]) -> Request:
        """Build the request for the profiles of up to `users_per_request` screen names, without @."""
        ...

    def followers(self, user: User, *, token: str | None, size: int) -> Request:
        """Build the request for a page of at most `size` followers of a user."""
        ...

    def following(self, user: User, *, token: str | None, size: int) -> Request:
        """Build the request for a page of at most `size` users that a user follows."""
        ...

    def timeline(self, user: User, *, token: str | None, since_id: str | None, size: int) -> Request:
        """Build the request for a page of at most `size` posts, newest first, newer than `since_id`."""
        ...


class Records(Protocol):
    """What a network's answers mean."""

    counts_are_estimates: bool  # the counts in a profile, which then prove nothing about where a list ends
    example_profile: bytes  # one with every field set, on which SELECT and PRIORITY are tried

    def decode(self, request: Request, response: Response) -> Page:
        """Turn an answer into a page.

        Raises:
            NetworkError: the leaf that says what to do; see `twittomatic.errors`.
        """
        ...

    def decode_renewal(self, response: Response) -> Grant:
        """Turn the answer to a `renewal` into new tokens.

        Raises:
            CredentialRejected: the network refuses.
            UpstreamUnavailable: it could not answer.
        """
        ...

    def lifted(self, record: bytes) -> Mapping[str, object]:
        """Return a profile as SELECT and PRIORITY see it: every field present, counts at the top."""
        ...

    def counts_of(self, record: bytes) -> Counts:
        """Return what a profile says about the user's lists."""
        ...

    def name_of(self, record: bytes) -> str:
        """Return the screen name in a profile, empty when there is none."""
        ...

    def address_of(self, record: bytes) -> str:
        """Return the address in a profile; empty at a network that is asked with user ids, see `User`."""
        ...

    def document(self, record: bytes, *, until: datetime) -> PostDocument | None:
        """Return what is searched of a stored post, None when the line is not a post.

        Args:
            record: One line of a `.twt` file.
            until: When it was downloaded: a later `created_at` is nonsense.
        """
        ...


class Limits(Protocol):
    """How often a network may be asked."""

    limits: LimitList

    def limit(self, endpoint: str, kind: str) -> Limit | None:
        """Return the documented limit of an endpoint, None when this kind of credential cannot use it.

        Args:
            endpoint: Endpoint of a request.
            kind: Kind of the credential: `app`, `user` or `anonymous`.
        """
        ...

    def window(self, response: Response) -> WindowReading | None:
        """Return the window that a response reports, None when it reports none or nonsense."""
        ...


class Prices(Protocol):
    """What a network charges."""

    prices: PriceList
    needs_budget: bool  # whether requests cost real money, so that no crawl may begin without BUDGET_USD


class Network(Requests, Records, Limits, Prices, Protocol):
    """A service whose users, followers and timelines can be crawled."""

    name: str  # value of NETWORK
    title: str  # as users know it
    tokens: TokenSettings | None  # settings that hold its credentials, None when it needs none


class Choices(Protocol):
    """Options of a crawl that change what its network offers: those of the settings, or of the crawl."""

    @property
    def expand_referenced(self) -> bool: ...
    @property
    def prices(self) -> Mapping[str, object]: ...
    @property
    def limits(self) -> Mapping[str, object]: ...


class NetworkClass(Protocol):
    """What a network registers under its name; see `twittomatic.networks.registry`."""

    @property
    def name(self) -> str:
        """Value of NETWORK."""
        ...

    @property
    def title(self) -> str:
        """Name of the network as users know it."""
        ...

    @property
    def tokens(self) -> TokenSettings | None:
        """Settings that hold its credentials, None when it needs none."""
        ...

    @property
    def endpoints(self) -> Sequence[str]:
        """Every endpoint that requests name, whatever kind of credential it takes."""
        ...

    def price_list(self, table: Mapping[str, object]) -> PriceList:
        """Put the table `[prices]` of a configuration file, in dollars, over the network's own list.

        Raises:
            SettingsError: an unknown name, something that is not a price, or no date.
        """
        ...

    def limit_list(self, table: Mapping[str, object]) -> LimitList:
        """Put the table `[limits]` of a configuration file over what the network documents.

        Raises:
            SettingsError: an unknown endpoint, or something that is not a number of requests.
        """
        ...

    def read_target(self, text: str, *, bare_names: bool = False) -> GivenTarget:
        """Read one user as people write it.

        Args:
            text: Without the spaces, quotes and invisible characters that are pasted along with a name.
            bare_names: Whether a name may lack its @, since nothing but users can be meant.

        Raises:
            ValueError: the text names no user; its message continues the text: "is neither ...".
        """
        ...

    def account_of(self, settings: Settings) -> str:
        """Name what all crawls of this network share: ledger, windows, counts, rejected credentials."""
        ...

    def of(self, settings: Settings, choices: Choices) -> Network:
        """Return the network as the settings have it.

        Raises:
            SettingsError: one of them cannot be used.
        """
        ...
