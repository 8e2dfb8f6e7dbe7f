"""What may be said of an answer that a network gave: never a secret that it echoes, nor a piece of one."""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec

from twittomatic.errors import NetworkError
from twittomatic.networks.base import Network, Request, Response

_SHORTEST = 8  # X's secrets have a hundred letters; a practice token `t` stands in every word


def sentence(
    network: Network, request: Request, response: Response | None, error: NetworkError, secrets: Sequence[str]
) -> str:
    """Return what an error says, without the secrets that the answer which it quotes may have echoed.

    They are taken out of the answer before anything is quoted from it: a quotation that is cut short would
    hold a piece of one.

    Args:
        network: Which reads the answer.
        request: What was asked.
        response: The answer, None when none came.
        error: What the network made of it.
        secrets: What nobody may be shown; those of fewer than eight letters could be any word, and stay.
    """
    if response is not None and (body := _without(response.body, secrets)) != response.body:
        try:
            network.decode(request, msgspec.structs.replace(response, body=body))
        except NetworkError as other:
            return str(other)
        return "The network answered with something that holds a credential."
    return _without(str(error).encode(), secrets).decode()


def _without(text: bytes, secrets: Sequence[str]) -> bytes:
    """Take secrets out of a text, plain or written as JSON writes them."""
    for secret in secrets:
        if len(secret) >= _SHORTEST:
            written = json.dumps(secret)[1:-1]
            for form in {secret, written, written.replace("/", "\\/")}:
                text = text.replace(form.encode(), b"***")
    return text
