"""Renews OAuth 2.0 user tokens (docs.x.com, fundamentals/authentication/oauth-2-0/user-access-token).

An access token lives for two hours; a refresh token buys the next one, and is replaced by doing so.
"""

from __future__ import annotations

import base64
import math
import re

import msgspec

from twittomatic.errors import CredentialRejected, UpstreamUnavailable
from twittomatic.networks.base import Form, Grant, Response
from twittomatic.networks.x.salvage import without_records
from twittomatic.networks.x.text import printable

_TOKEN = re.compile(r"[!-~]{1,4096}")  # what a header can carry


class _Refused(msgspec.Struct):
    error: str = ""


def renewal(client_id: str, client_secret: str, refresh_token: str) -> Form:
    """Ask for new tokens; a client with a secret signs with it, one without only says its id."""
    fields = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    headers = {}
    if client_secret:
        signed = base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()
        headers["Authorization"] = f"Basic {signed}"
    else:
        fields["client_id"] = client_id
    return Form(path="/2/oauth2/token", fields=fields, headers=headers)


def granted(response: Response) -> Grant:
    """Return the new tokens.

    Raises:
        CredentialRejected: X refuses; what it says of it is in the sentence, and no token.
        UpstreamUnavailable: X could not answer, or not sensibly.
    """
    if response.status in (400, 401, 403):
        raise CredentialRejected(
            f"X does not renew this token ({_reason(response)}); authorize the app again and write the new "
            "tokens into its file."
        )
    if response.status != 200:
        raise UpstreamUnavailable(f"X could not renew a token ({response.status}); it will be asked again.")
    answer = without_records(response.body)
    access, refresh = answer.get("access_token"), answer.get("refresh_token") or None
    if not all(isinstance(one, str) and _TOKEN.fullmatch(one) for one in (access, refresh or "-")):
        raise UpstreamUnavailable("X renewed a token with something that is none; it will be asked again.")
    return Grant(
        access_token=str(access), refresh_token=refresh, expires_in_s=_seconds(answer.get("expires_in"))
    )


def _seconds(value: object) -> float | None:
    """Read a number, also one in text; None where there is none, so that the first 401 renews the token.

    The old tokens are spent when this is read: what is not needed must not lose the new ones.
    """
    try:
        seconds = msgspec.convert(value, float, strict=False)
    except msgspec.ValidationError:
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _reason(response: Response) -> str:
    try:
        reason = msgspec.json.decode(response.body, type=_Refused).error
    except msgspec.MsgspecError:
        reason = ""
    return printable(reason) if re.fullmatch(r"[a-z_]{1,40}", reason) else str(response.status)
