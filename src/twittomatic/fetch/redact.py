"""Redact credentials from error messages, even if the server echoed them or cut them short."""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec

from twittomatic.errors import NetworkError
from twittomatic.networks.base import Network, Request, Response

_SHORTEST = 8  # a shorter one, such as the practice token `t`, would match ordinary words


def sentence(
    network: Network, request: Request, response: Response | None, error: NetworkError, secrets: Sequence[str]
) -> str:
    """Return the message of an error without secrets that the quoted answer may have echoed.

    Secrets are removed from the answer, which is then decoded again: a quotation that is cut short could
    otherwise contain a part of one.

    Args:
        network: Decodes the answer.
        request: The request.
        response: The answer; None if there was none.
        error: The error that decoding raised.
        secrets: Texts to remove; those shorter than eight characters could be ordinary words and are ignored.
    """
    if response is not None and (body := _without(response.body, secrets)) != response.body:
        try:
            network.decode(request, msgspec.structs.replace(response, body=body))
        except NetworkError as other:
            return str(other)
        return "The network answered with something that holds a credential."
    return _without(str(error).encode(), secrets).decode()


def _without(text: bytes, secrets: Sequence[str]) -> bytes:
    """Remove secrets from a text, both as they are and in JSON's escaping."""
    for secret in secrets:
        if len(secret) >= _SHORTEST:
            written = json.dumps(secret)[1:-1]
            for form in {secret, written, written.replace("/", "\\/")}:
                text = text.replace(form.encode(), b"***")
    return text
