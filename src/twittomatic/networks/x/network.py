"""X as a network: what it offers to the rest of the house."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from twittomatic.errors import CredentialRejected
from twittomatic.networks.base import Counts, Form, Grant, Limit, Page, Request, Response, WindowReading
from twittomatic.networks.x import limits, oauth, profiles, reply, requests, windows
from twittomatic.networks.x.prices import Prices

_TOKEN = re.compile(r"[!-~]+")  # what a header can carry
_LISTED = Prices()


class X:
    """X's API v2 with bearer tokens of one app; implements `twittomatic.networks.base.Network`.

    Args:
        url: Base URL of the API, without the version.
        expand_referenced: Buy the posts that a timeline's posts refer to, a post read each, so that retweets
            have their whole text. Nothing that costs is bought otherwise.
        prices: What X charges.
        documented: What a credential may ask, by its kind; see `twittomatic.networks.x.limits`.
    """

    name = "x"
    users_per_request = requests.USERS_PER_REQUEST
    followers_per_page = requests.FOLLOWERS_PER_PAGE
    posts_per_page = requests.POSTS_PER_PAGE
    timeline_ceiling = 3200  # docs.x.com, x-api/posts/timelines/integrate, "Volume limits"
    counts_are_estimates = False

    def __init__(
        self,
        *,
        url: str,
        expand_referenced: bool = False,
        prices: Prices = _LISTED,
        documented: Mapping[str, Mapping[str, Limit]] = limits.DOCUMENTED,
    ) -> None:
        self.url = url.rstrip("/")
        self._expand_referenced = expand_referenced
        self._documented = documented
        self.prices = prices

    def limit(self, endpoint: str, kind: str = "app") -> Limit | None:
        """Return what a kind of credential may ask of an endpoint, None where it is closed to it."""
        return self._documented[kind].get(endpoint)

    def renewal(self, client_id: str, client_secret: str, refresh_token: str) -> Form:
        """Ask for the next access token of a user; see `twittomatic.networks.x.oauth`."""
        return oauth.renewal(client_id, client_secret, refresh_token)

    def decode_renewal(self, response: Response) -> Grant:
        """Turn the answer into tokens.

        Raises:
            CredentialRejected: X refuses.
            UpstreamUnavailable: X could not answer.
        """
        return oauth.granted(response)

    def authorization(self, token: str) -> Mapping[str, str]:
        """Return the header that carries a bearer token.

        Raises:
            CredentialRejected: the token is empty or holds what no header can; it is not shown.
        """
        if not _TOKEN.fullmatch(token):
            raise CredentialRejected(
                "A bearer token is empty or holds a space or a character that none has; correct it."
            )
        return {"Authorization": f"Bearer {token}"}

    def window(self, response: Response) -> WindowReading | None:
        """Return the window that the headers report, None without them or when they are nonsense."""
        return windows.reading(response.headers)

    def probe(self) -> Request:
        """Ask for the account's usage, which is free."""
        return requests.usage()

    def users_by_id(self, user_ids: Sequence[str]) -> Request:
        """Ask for 1 to 100 profiles; raises RequestRefused when one is not an id."""
        return requests.users_by_id(user_ids, unit_price=self.prices.user)

    def users_by_name(self, names: Sequence[str]) -> Request:
        """Ask for 1 to 100 profiles; raises RequestRefused when one is not a screen name."""
        return requests.users_by_name(names, unit_price=self.prices.user)

    def followers(self, user_id: str, *, token: str | None, size: int) -> Request:
        """Ask for up to 1000 followers; raises RequestRefused when `user_id` is not an id."""
        return requests.follows("followers", user_id, token=token, size=size, unit_price=self.prices.follower)

    def following(self, user_id: str, *, token: str | None, size: int) -> Request:
        """Ask for up to 1000 users whom a user follows; raises RequestRefused when `user_id` is not an id."""
        return requests.follows("following", user_id, token=token, size=size, unit_price=self.prices.follower)

    def timeline(self, user_id: str, *, token: str | None, since_id: str | None, size: int) -> Request:
        """Ask for 5 to 100 posts, newest first; raises RequestRefused when an id is not one."""
        return requests.timeline(
            user_id,
            token=token,
            since_id=since_id,
            size=size,
            expand_referenced=self._expand_referenced,
            unit_price=self.prices.post,
        )

    def decode(self, request: Request, response: Response) -> Page:
        """Turn any answer into a page or an error.

        Raises:
            NetworkError: its leaf says what to do; nothing else is ever raised.
        """
        return reply.decode(request, response, self.prices)

    def lifted(self, record: bytes) -> Mapping[str, object]:
        """Return a profile as SELECT and PRIORITY see it; see `twittomatic.networks.x.profiles`."""
        return profiles.lifted(record)

    def counts_of(self, record: bytes) -> Counts:
        """Return the counts of followers and posts, and whether the account is protected."""
        return profiles.counts_of(record)

    def name_of(self, record: bytes) -> str:
        """Return the screen name in a profile, empty when it has none."""
        return profiles.name_of(record)
