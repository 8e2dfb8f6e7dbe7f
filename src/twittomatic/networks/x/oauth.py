"""Renew OAuth 2.0 user tokens (docs.x.com, fundamentals/authentication/oauth-2-0/user-access-token).

An access token is valid for two hours. A refresh token is exchanged for the next one and is replaced itself.
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
    """Build the form that exchanges a refresh token; a client without a secret only sends its id."""
    fields = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    headers = {}
    if client_secret:
        signed = base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()
        headers["Authorization"] = f"Basic {signed}"
    else:
        fields["client_id"] = client_id
    return Form(path="/2/oauth2/token", fields=fields, headers=headers)


def granted(response: Response) -> Grant:
    """Read the new tokens from the answer.

    Raises:
        CredentialRejected: X refuses; the message gives its reason, and no token.
        UpstreamUnavailable: X could not answer, or its answer makes no sense.
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
        raise UpstreamUnavailable(
            "X answered the renewal of a token with something that is not one; it will be asked again."
        )
    return Grant(
        access_token=str(access), refresh_token=refresh, expires_in_s=_seconds(answer.get("expires_in"))
    )


def _seconds(value: object) -> float | None:
    """Read a number, also one written as text; None if there is none, and the first 401 renews the token.

    The old tokens are already spent at this point, so an unreadable lifetime must not lose the new ones.
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
