"""What the tests of X share: the network, and answers made by hand."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from twittomatic.networks.base import Response
from twittomatic.networks.x import X

Answer = Callable[..., Response]


@pytest.fixture
def x() -> X:
    return X(url="https://api.x.com")


@pytest.fixture
def answer() -> Answer:
    """Make a response of a body: bytes as they are, anything else as JSON."""

    def make(body: object, status: int = 200, **headers: str) -> Response:
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        return Response(
            status=status, headers={k.replace("_", "-"): v for k, v in headers.items()}, body=text
        )

    return make
