"""Map every refusal of X to the error that says what to do.

Sources: docs.x.com, x-api/fundamentals/response-codes-and-errors, and responses that clients have reported,
which differ from it. The text of a response takes precedence over its status, since X has sent the same text
with several of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from twittomatic.errors import (
    CredentialRejected,
    CreditsDepleted,
    NetworkError,
    PaginationExpired,
    RateLimited,
    RequestRefused,
    TargetUnavailable,
    UnexpectedPayload,
    UpstreamUnavailable,
)
from twittomatic.networks.base import Request, Response
from twittomatic.networks.x import windows
from twittomatic.networks.x.problems import Problem, problems_of
from twittomatic.networks.x.salvage import most_served
from twittomatic.networks.x.text import printable

_NO_MONEY_KINDS = frozenset({"credits", "credits-depleted", "usage-capped"})
_NO_MONEY_TITLES = frozenset({"CreditsDepleted", "SpendCapReached", "UsageCapExceeded"})
_REJECTED_KINDS = frozenset({"client-forbidden", "unsupported-authentication", "oauth1-permissions"})
# developer.x.com, "Error codes": 32 could not authenticate, 64 and 326 the account is suspended or locked,
# 89 expired, 99 could not verify, 215 bad authentication, 453 the plan does not include this.
_REJECTED_CODES = frozenset({32, 64, 89, 99, 215, 326, 453})
_TOO_MANY_CODE = 88
_PARTIAL = 206
_OF_ONE_USER = frozenset({"followers", "following", "timeline"})


def refusal(request: Request, response: Response) -> NetworkError:
    """Return the error for a response whose status is not 200."""
    problems = problems_of(response.body)
    status = response.status
    if 400 <= status < 500:
        return stated_error(request, response, problems) or _by_status(request, response, problems)
    if status >= 500:
        return UpstreamUnavailable(f"X failed ({status}){_words(problems)}; this usually passes.")
    if 300 <= status < 400:
        return UnexpectedPayload(
            f"X answered with a redirect ({status}), which is not followed; check X_API_URL."
        )
    return senseless(request, response, f"with status {status}")


def stated_error(request: Request, response: Response, problems: Sequence[Problem]) -> NetworkError | None:
    """Return the error that the problems in a response mean, None when we know none of them."""
    words = _words(problems)
    for problem in problems:
        if problem.kind in _NO_MONEY_KINDS or problem.title in _NO_MONEY_TITLES:
            return _no_money(words, _date(problem.reset_date))
        if (
            problem.kind in _REJECTED_KINDS
            or problem.code in _REJECTED_CODES
            or problem.cause == "client-not-enrolled"
        ):
            return _rejected(words)
        if problem.code == _TOO_MANY_CODE:
            return _too_many(request, response)
    return _unavailable(request, problems)


def senseless(
    request: Request, response: Response, what: str, *, most_billed: int | None = None
) -> UnexpectedPayload:
    """Return the error for an answer that makes no sense.

    Args:
        request: The request.
        response: Its answer.
        what: How X answered, to continue "X answered".
        most_billed: Maximum number of resources that X may charge for; None to derive it from the body.
    """
    if most_billed is None:
        most_billed = _most_billed(request, response)
    return UnexpectedPayload(
        f"X answered {request.endpoint} {what}.",
        most_billed=None if most_billed is None else min(most_billed, request.most_resources),
    )


def _most_billed(request: Request, response: Response) -> int | None:
    """Return how many resources X may charge for a body that was not understood; None for all of them."""
    if not request.most_resources or not 200 <= response.status < 300:
        return 0
    if not response.is_whole or response.status == _PARTIAL:
        return None
    return most_served(response.body, request.most_resources)


def _by_status(request: Request, response: Response, problems: Sequence[Problem]) -> NetworkError:
    words = _words(problems)
    match response.status:
        case 400 if request.paginated and b"pagination_token" in response.body:
            return PaginationExpired(
                f"X no longer accepts the pagination token of this {request.endpoint} list; it starts again."
            )
        case 400:
            return RequestRefused(f"X rejected our {request.endpoint} request as invalid{words}.")
        case 401:
            return _rejected(words)
        case 402:
            return _no_money(words, None)
        case 429:
            return _too_many(request, response)
        case status:
            return UpstreamUnavailable(f"X answered with {status}{words}.")


def _unavailable(request: Request, problems: Sequence[Problem]) -> TargetUnavailable | None:
    if request.endpoint not in _OF_ONE_USER:
        return None
    user_id = request.path.split("/")[3]
    for problem in problems:
        reason = problem.reason
        if reason is not None and problem.concerns(user_id):
            return TargetUnavailable(
                f"User {user_id} cannot be read: {reason}{_words([problem])}.", reason=reason
            )
    return None


def _rejected(words: str) -> CredentialRejected:
    return CredentialRejected(f"X does not accept this credential{words}; check it in X's developer console.")


def _no_money(words: str, until: datetime | None) -> CreditsDepleted:
    when = "" if until else ", and does not say until when"
    return CreditsDepleted(
        f"X serves no more requests of this account{words}{when}; "
        "add credits, raise its cap or wait for its next cycle.",
        until=until,
    )


def _too_many(request: Request, response: Response) -> RateLimited:
    reset_at = windows.reset_at(response.headers)
    until = f" until {reset_at:%Y-%m-%d %H:%M:%S} UTC" if reset_at else ""
    return RateLimited(
        f"X allows no more {request.endpoint} requests{until}.",
        reset_at=reset_at,
        date=windows.date(response.headers),
    )


def _words(problems: Sequence[Problem]) -> str:
    """Return X's own words in parentheses, to follow ours; the innermost detail is the most specific."""
    for problem in reversed(problems):
        text = printable(problem.detail or problem.title).rstrip(".")
        if text:
            return f" (“{text}”)"
    return ""


def _date(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
