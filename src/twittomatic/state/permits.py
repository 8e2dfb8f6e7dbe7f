"""The results of a request for a permit, and the resources that a response delivered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec


class Permit(msgspec.Struct, frozen=True, kw_only=True):
    """The right to one request.

    Attributes:
        reservation: Name of the money reserved for it.
        credential: Name of the credential whose window it uses.
        endpoint: Endpoint of that window.
        resources: Maximum number of resources to request.
        granted_at: Time of the request for the permit, by `clock.steady_s`.
    """

    reservation: str
    credential: str
    endpoint: str
    resources: int
    granted_at: float


class RetryAfter(msgspec.Struct, frozen=True, kw_only=True):
    """No permit now: ask again after `seconds`."""

    seconds: float


class OverBudget(msgspec.Struct, frozen=True, kw_only=True):
    """The budget has too little left for the smallest request of this kind.

    Attributes:
        left: Remaining micro-dollars.
    """

    left: int


class NoCredential(msgspec.Struct, frozen=True, kw_only=True):
    """Every credential is rejected."""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """The resources that a response delivered, to estimate the charge: each resource once a day.

    Attributes:
        day: UTC, as `2026-08-22`.
        resource: Kind of the resources.
        ids: Their ids, decimal.
        unit_price: Micro-dollars for each.
    """

    day: str
    resource: str
    ids: Sequence[str]
    unit_price: int


def decision(
    answer: list[Any], reservation: str, credentials: Sequence[str], endpoint: str, asked_at: float
) -> Permit | RetryAfter | OverBudget | NoCredential:
    """Decode the reply of `ledger/acquire`.

    Args:
        answer: Reply of the script.
        reservation: Name of the reservation.
        credentials: Names of the credentials, in the order in which they were passed to the script.
        endpoint: Endpoint whose window is used.
        asked_at: Time of the request for the permit, by `clock.steady_s`.
    """
    match answer:
        case ["go", index, size]:
            return Permit(
                reservation=reservation,
                credential=credentials[int(index)],
                endpoint=endpoint,
                resources=int(size),
                granted_at=asked_at,
            )
        case ["wait", milliseconds]:
            return RetryAfter(seconds=max(0.0, float(milliseconds) / 1000))
        case ["money", left]:
            return OverBudget(left=int(left))
        case _:
            return NoCredential()
