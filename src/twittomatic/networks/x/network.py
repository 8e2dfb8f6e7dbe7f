"""X as a network; implements `twittomatic.networks.base.Network`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Self
from urllib.parse import urlsplit

from twittomatic.errors import CredentialRejected
from twittomatic.model import User
from twittomatic.networks.base import (
    Choices,
    Counts,
    Form,
    GivenTarget,
    Grant,
    Limit,
    LimitList,
    Page,
    PostDocument,
    PriceList,
    Request,
    Response,
    TokenSettings,
    WindowReading,
)
from twittomatic.networks.x import (
    documents,
    handles,
    limits,
    oauth,
    prices,
    profiles,
    reply,
    requests,
    windows,
)
from twittomatic.settings import Settings

_TOKEN = re.compile(r"[!-~]+")  # what a header can carry
_DOMAINS = ("x.com", "twitter.com")
_ODD = re.compile(r"[^a-z0-9.:_/-]")  # characters that do not belong into a Redis key, above all braces


class X:
    """X's API v2 with the bearer tokens of an app, and user tokens.

    Args:
        url: Base URL of the API, without the version.
        expand_referenced: Buy the posts that a timeline's posts refer to, each billed as a post, so that
            retweets have their full text. No other expansion that costs money is requested.
        prices: Price list.
        limits: Documented rate limits, by kind of credential.
    """

    name = "x"
    title = "X"
    endpoints: Sequence[str] = limits.ENDPOINTS
    tokens: TokenSettings | None = TokenSettings(app="X_BEARER_TOKENS", user="X_USER_TOKENS")
    users_per_request = requests.USERS_PER_REQUEST
    followers_per_page = requests.FOLLOWERS_PER_PAGE
    posts_per_page = requests.POSTS_PER_PAGE
    fewest_posts_per_page = requests.FEWEST_POSTS
    timeline_ceiling: int | None = 3200  # docs.x.com, x-api/posts/timelines/integrate, "Volume limits"
    example_user = User("1")
    needs_address = False
    counts_are_estimates = False
    example_profile = profiles.EXAMPLE

    def __init__(
        self,
        *,
        url: str,
        expand_referenced: bool = False,
        prices: PriceList = prices.LISTED,
        limits: LimitList = limits.DOCUMENTED,
    ) -> None:
        self.url = url.rstrip("/")
        self._expand_referenced = expand_referenced
        self.limits = limits
        self.prices = prices
        self.needs_budget = _is_x(url)

    @classmethod
    def of(cls, settings: Settings, choices: Choices) -> Self:
        """Return X, or an emulator of it, as the settings have it.

        Raises:
            SettingsError: a price or a limit of the configuration file cannot be used.
        """
        return cls(
            url=settings.x_api_url,
            expand_referenced=choices.expand_referenced,
            prices=cls.price_list(choices.prices),
            limits=cls.limit_list(choices.limits),
        )

    @staticmethod
    def price_list(table: Mapping[str, object]) -> PriceList:
        """Return X's prices; see `twittomatic.networks.x.prices`."""
        return prices.of(table)

    @staticmethod
    def limit_list(table: Mapping[str, object]) -> LimitList:
        """Return X's limits; see `twittomatic.networks.x.limits`."""
        return limits.of(table)

    @staticmethod
    def read_target(text: str, *, bare_names: bool = False) -> GivenTarget:
        """Read a user id, an @name or the URL of a profile; see `twittomatic.networks.x.handles`."""
        return handles.parse(text, bare_names=bare_names)

    @classmethod
    def account_of(cls, settings: Settings) -> str:
        """Return `x` for X itself, and `x@HOST:PORT` for anything else, such as an emulator."""
        if _is_x(settings.x_api_url):
            return cls.name
        address = urlsplit(settings.x_api_url)
        return f"{cls.name}@" + _ODD.sub("-", f"{address.netloc.rpartition('@')[2]}{address.path}".lower())

    def limit(self, endpoint: str, kind: str = "app") -> Limit | None:
        """Return the limit of an endpoint; None if this kind of credential cannot use it."""
        return self.limits.by_kind[kind].get(endpoint)

    def renewal(self, client_id: str, client_secret: str, refresh_token: str) -> Form:
        """Build the form that renews a user's tokens; see `twittomatic.networks.x.oauth`."""
        return oauth.renewal(client_id, client_secret, refresh_token)

    def decode_renewal(self, response: Response) -> Grant:
        """Read the new tokens from the answer.

        Raises:
            CredentialRejected: X refuses.
            UpstreamUnavailable: X could not answer.
        """
        return oauth.granted(response)

    def authorization(self, token: str) -> Mapping[str, str]:
        """Return the header that carries a bearer token.

        Raises:
            CredentialRejected: the token is empty or has a character that no header can hold; it is not
                shown.
        """
        if not _TOKEN.fullmatch(token):
            raise CredentialRejected(
                "A bearer token is empty or contains a space or a character that is not allowed; correct it."
            )
        return {"Authorization": f"Bearer {token}"}

    def window(self, response: Response) -> WindowReading | None:
        """Return the window that the headers report; None without such headers, or if they make no sense."""
        return windows.reading(response.headers)

    def probe(self) -> Request:
        """Build the request for the account's usage, which is free."""
        return requests.usage()

    def users_by_id(self, users: Sequence[User]) -> Request:
        """Build the request for 1 to 100 profiles; raises RequestRefused for something that is not an id."""
        return requests.users_by_id([user.user_id for user in users], unit_price=self.prices.user)

    def users_by_name(self, names: Sequence[str]) -> Request:
        """Build the request for 1 to 100 profiles; raises RequestRefused for something that is not a name."""
        return requests.users_by_name(names, unit_price=self.prices.user)

    def followers(self, user: User, *, token: str | None, size: int) -> Request:
        """Build the request for up to 1000 followers; raises RequestRefused for a malformed id."""
        return requests.follows(
            "followers", user.user_id, token=token, size=size, unit_price=self.prices.follower
        )

    def following(self, user: User, *, token: str | None, size: int) -> Request:
        """Build the request for up to 1000 users that a user follows; raises RequestRefused for a bad id."""
        return requests.follows(
            "following", user.user_id, token=token, size=size, unit_price=self.prices.follower
        )

    def timeline(self, user: User, *, token: str | None, since_id: str | None, size: int) -> Request:
        """Build the request for 5 to 100 posts, newest first; raises RequestRefused for a malformed id."""
        return requests.timeline(
            user.user_id,
            token=token,
            since_id=since_id,
            size=size,
            expand_referenced=self._expand_referenced,
            unit_price=self.prices.post,
        )

    def decode(self, request: Request, response: Response) -> Page:
        """Turn any answer into a page or an error.

        Raises:
            NetworkError: its class says what to do; nothing else is ever raised.
        """
        return reply.decode(request, response, self.prices)

    def lifted(self, record: bytes) -> Mapping[str, object]:
        """Return the fields of a profile for SELECT and PRIORITY; see `twittomatic.networks.x.profiles`."""
        return profiles.lifted(record)

    def counts_of(self, record: bytes) -> Counts:
        """Return the counts of followers and posts, and whether the account is protected."""
        return profiles.counts_of(record)

    def name_of(self, record: bytes) -> str:
        """Return the screen name in a profile, empty if it has none."""
        return profiles.name_of(record)

    def address_of(self, record: bytes) -> str:
        """Return the empty text: X is asked with user ids."""
        return ""

    def document(self, record: bytes, *, until: datetime) -> PostDocument | None:
        """Return what is searched of a post; see `twittomatic.networks.x.documents`."""
        return documents.document(record, until=until)


def _is_x(url: str) -> bool:
    """Return whether a URL leads to X itself, however it is spelled."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    return any(host == domain or host.endswith(f".{domain}") for domain in _DOMAINS)
