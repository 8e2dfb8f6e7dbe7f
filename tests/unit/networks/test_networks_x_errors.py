"""Every refusal that X documents or that clients have seen, and what it means for us."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

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
from twittomatic.model import User
from twittomatic.networks.base import Response
from twittomatic.networks.x import X

Answer = Callable[..., Response]

OLD = "https://api.twitter.com/2/problems/"
NEW = "https://api.x.com/2/problems/"
HTML = b"<html><body><h1>Attention Required! | Cloudflare</h1></body></html>"
NOT_FOUND = {
    "value": "12",
    "resource_id": "12",
    "parameter": "id",
    "resource_type": "user",
    "title": "Not Found Error",
    "detail": "Could not find user with id: [12].",
    "type": OLD + "resource-not-found",
}
SUSPENDED = {**NOT_FOUND, "title": "Forbidden", "detail": "User has been suspended: [12]."}
PROTECTED = {
    **NOT_FOUND,
    "title": "Authorization Error",
    "detail": "Sorry, you are not authorized to see the user with id: [12].",
    "type": NEW + "not-authorized-for-resource",
    "section": "data",
}
INVALID = {"title": "Invalid Request", "detail": "One or more parameters to your request was invalid."}
BAD_TOKEN = {
    **INVALID,
    "type": OLD + "invalid-request",
    "errors": [{"parameters": {"pagination_token": ["x"]}, "message": "The `pagination_token` is not valid"}],
}


def blank(status: int, title: str) -> dict[str, object]:
    return {"title": title, "detail": title, "type": "about:blank", "status": status}


def old_style(code: int, message: str) -> dict[str, object]:
    return {"errors": [{"code": code, "message": message}]}


# status, body, error, attributes of the error
ROWS: list[tuple[int, Any, type[NetworkError], dict[str, object]]] = [
    (400, {**INVALID, "errors": [{"parameters": {"max_results": ["4"]}}]}, RequestRefused, {}),
    (400, HTML, RequestRefused, {}),
    (400, BAD_TOKEN, PaginationExpired, {}),
    (400, old_style(215, "Bad Authentication data."), CredentialRejected, {}),
    (401, blank(401, "Unauthorized"), CredentialRejected, {}),
    (401, old_style(89, "Invalid or expired token"), CredentialRejected, {}),
    (401, b"", CredentialRejected, {}),
    (402, {"title": "CreditsDepleted", "type": OLD + "credits"}, CreditsDepleted, {"until": None}),
    (402, {"title": "Payment Required", "type": NEW + "credits-depleted"}, CreditsDepleted, {}),
    (402, b"", CreditsDepleted, {}),
    (
        403,
        {"title": "SpendCapReached", "reset_date": "2026-05-13", "type": NEW + "credits"},
        CreditsDepleted,
        {"until": datetime(2026, 5, 13, tzinfo=UTC)},
    ),
    (403, {"title": "SpendCapReached", "reset_date": "soon"}, CreditsDepleted, {"until": None}),
    (403, {"title": "SpendCapReached", "reset_date": 20260513}, CreditsDepleted, {}),
    (
        403,
        {"title": "SpendCapReached", "reset_date": "0001-01-01T00:00:00+14:00"},
        CreditsDepleted,
        {"until": None},
    ),
    (
        403,
        {"title": "Client Forbidden", "reason": "client-not-enrolled", "type": OLD + "client-forbidden"},
        CredentialRejected,
        {},
    ),
    (403, {"title": "Forbidden", "reason": "client-not-enrolled"}, CredentialRejected, {}),
    (403, {"title": "Unsupported", "type": NEW + "unsupported-authentication"}, CredentialRejected, {}),
    (403, old_style(453, "You currently have access to a subset"), CredentialRejected, {}),
    (403, PROTECTED, TargetUnavailable, {"reason": "protected"}),
    (403, {"errors": [SUSPENDED]}, TargetUnavailable, {"reason": "suspended"}),
    (403, old_style(63, "User has been suspended."), TargetUnavailable, {"reason": "suspended"}),
    (403, HTML, UpstreamUnavailable, {"most_billed": 0}),
    (403, blank(403, "Forbidden"), UpstreamUnavailable, {}),
    (404, {"errors": [NOT_FOUND], "title": "Not Found Error"}, TargetUnavailable, {"reason": "deleted"}),
    (404, {"title": "Not Found Error", "detail": "…"}, TargetUnavailable, {"reason": "deleted"}),
    (404, old_style(50, "User not found."), TargetUnavailable, {"reason": "deleted"}),
    (404, b"", UpstreamUnavailable, {}),
    (404, old_style(34, "Sorry, that page does not exist."), UpstreamUnavailable, {}),
    (408, b"", UpstreamUnavailable, {}),
    (429, blank(429, "Too Many Requests"), RateLimited, {"reset_at": None}),
    (429, old_style(88, "Rate limit exceeded"), RateLimited, {}),
    (429, HTML, RateLimited, {}),
    (429, {"title": "UsageCapExceeded", "period": "Monthly"}, CreditsDepleted, {"until": None}),
    (429, {"title": "Too Many Requests", "type": OLD + "usage-capped"}, CreditsDepleted, {}),
    (500, blank(500, "Internal Server Error"), UpstreamUnavailable, {"most_billed": 0}),
    (500, old_style(131, "Internal error"), UpstreamUnavailable, {}),
    (502, HTML, UpstreamUnavailable, {"most_billed": 0}),
    (503, blank(503, "Service Unavailable"), UpstreamUnavailable, {"most_billed": 0}),
    (503, {"title": "CreditsDepleted"}, UpstreamUnavailable, {}),
    (504, b"", UpstreamUnavailable, {}),
    (301, HTML, UnexpectedPayload, {"most_billed": 0}),
    (302, {"data": [{"id": "1"}]}, UnexpectedPayload, {"most_billed": 0}),
    (204, b"", UnexpectedPayload, {"most_billed": 0}),
    (206, b'{"data":[]}', UnexpectedPayload, {"most_billed": None}),
    (201, {"data": [{"id": "1"}, {"id": "2"}]}, UnexpectedPayload, {"most_billed": 2}),
    (100, b"", UnexpectedPayload, {"most_billed": 0}),
    (0, b"", UnexpectedPayload, {}),
    (-1, b"", UnexpectedPayload, {}),
    (999, b"", UpstreamUnavailable, {}),
    (200, {"errors": [PROTECTED]}, TargetUnavailable, {"reason": "protected"}),
    (200, {"errors": [SUSPENDED]}, TargetUnavailable, {"reason": "suspended"}),
    (200, {"errors": [NOT_FOUND]}, TargetUnavailable, {"reason": "deleted"}),
    (200, {"data": [], "errors": [NOT_FOUND]}, TargetUnavailable, {"reason": "deleted"}),
    (
        200,
        {"errors": [NOT_FOUND], "meta": {"result_count": 0}},
        TargetUnavailable,
        {"reason": "deleted"},
    ),
    (
        200,
        {"errors": [{**NOT_FOUND, "title": "", "detail": "", "type": NEW + "resource-unavailable"}]},
        TargetUnavailable,
        {"reason": "unavailable"},
    ),
    (200, old_style(88, "Rate limit exceeded"), RateLimited, {}),
    (200, old_style(89, "Invalid or expired token"), CredentialRejected, {}),
    (200, {"errors": [blank(503, "Service Unavailable")]}, UnexpectedPayload, {"most_billed": 0}),
    (
        200,
        {"errors": [blank(503, "Service Unavailable")], "meta": {"result_count": 7}},
        UnexpectedPayload,
        {"most_billed": 7},
    ),
    (
        200,
        {"errors": [blank(503, "Over capacity")], "meta": {"result_count": 0}},
        UnexpectedPayload,
        {"most_billed": 0},
    ),
    (200, {"errors": [{**NOT_FOUND, "section": "includes"}]}, UnexpectedPayload, {}),
    (200, {"errors": [{**NOT_FOUND, "value": "13", "resource_id": "13"}]}, UnexpectedPayload, {}),
    (200, HTML, UnexpectedPayload, {"most_billed": 0}),
    (200, b"", UnexpectedPayload, {"most_billed": 0}),
    (200, b'{"data":[{"id":"1"},{"id"', UnexpectedPayload, {"most_billed": None}),
    (200, {}, UnexpectedPayload, {"most_billed": 0}),
    (200, {"meta": {}}, UnexpectedPayload, {}),
    (200, {"meta": {"result_count": 7}}, UnexpectedPayload, {"most_billed": 7}),
]


@pytest.mark.parametrize("endpoint", ["followers", "following", "timeline"])
@pytest.mark.parametrize(("status", "body", "kind", "attributes"), ROWS)
def test_every_refusal_of_a_list_is_one_error(
    x: X,
    answer: Answer,
    endpoint: str,
    status: int,
    body: object,
    kind: type[NetworkError],
    attributes: dict[str, object],
) -> None:
    request = {
        "followers": x.followers(User("12"), token="t" * 16, size=100),
        "following": x.following(User("12"), token="t" * 16, size=100),
        "timeline": x.timeline(User("12"), token="t" * 16, since_id=None, size=100),
    }[endpoint]
    with pytest.raises(NetworkError) as caught:
        x.decode(request, answer(body, status))
    assert type(caught.value) is kind
    assert {name: getattr(caught.value, name) for name in attributes} == attributes
    assert str(caught.value).isprintable()
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, BAD_TOKEN, RequestRefused),  # we sent no pagination token
        (401, blank(401, "Unauthorized"), CredentialRejected),
        (402, b"", CreditsDepleted),
        (403, PROTECTED, UpstreamUnavailable),
        (404, b"", UpstreamUnavailable),
        (429, b"", RateLimited),
        (200, {"errors": [blank(503, "Service Unavailable")]}, UnexpectedPayload),
        (200, b"garbage", UnexpectedPayload),
    ],
)
def test_refusals_of_a_lookup(
    x: X, answer: Answer, status: int, body: object, kind: type[NetworkError]
) -> None:
    for request in (x.users_by_id([User("1"), User("2")]), x.users_by_name(["a", "b"])):
        with pytest.raises(NetworkError) as caught:
            x.decode(request, answer(body, status))
        assert type(caught.value) is kind


def test_a_first_page_has_no_token_that_could_expire(x: X, answer: Answer) -> None:
    with pytest.raises(RequestRefused):
        x.decode(x.followers(User("12"), token=None, size=100), answer(BAD_TOKEN, 400))


def test_the_probe(x: X, answer: Answer) -> None:
    page = x.decode(x.probe(), answer({"data": {"project_cap": "3000000", "project_usage": "5"}}))
    assert (page.ids, page.records, page.billed) == ((), (), 0)
    for body, status, kind in (
        (blank(401, "Unauthorized"), 401, CredentialRejected),
        (old_style(89, "Invalid or expired token"), 200, CredentialRejected),
        (HTML, 200, UnexpectedPayload),
        ([], 200, UnexpectedPayload),
        (b"", 404, UpstreamUnavailable),
    ):
        with pytest.raises(kind) as caught:
            x.decode(x.probe(), answer(body, status))
        assert not getattr(caught.value, "most_billed", 0)


def test_a_full_window_says_when_it_opens(x: X, answer: Answer) -> None:
    request = x.followers(User("12"), token=None, size=100)
    reset = {"x_rate_limit_remaining": "0", "x_rate_limit_reset": "1800000000"}
    with pytest.raises(RateLimited, match=r"followers .* until 2027-01-15 08:00:00 UTC") as caught:
        x.decode(request, answer(b"", 429, **reset))
    assert caught.value.reset_at == datetime(2027, 1, 15, 8, tzinfo=UTC)


@pytest.mark.parametrize(("reset", "told"), [("1800000100", True), ("1700000000", False), ("0", False)])
def test_when_a_full_window_opens_is_by_its_own_clock(x: X, answer: Answer, reset: str, told: bool) -> None:
    request = x.followers(User("12"), token=None, size=100)
    said = {"x_rate_limit_remaining": "0", "x_rate_limit_reset": reset}
    with pytest.raises(RateLimited) as caught:
        x.decode(request, answer(b"", 429, **said, date="Fri, 15 Jan 2027 08:00:00 GMT"))
    assert caught.value.date == 1_800_000_000.0
    assert (caught.value.reset_at is not None) is told


def test_a_full_day_is_longer_than_a_full_window(x: X, answer: Answer) -> None:
    request = x.followers(User("12"), token=None, size=100)
    headers = {
        "x_rate_limit_remaining": "17",
        "x_rate_limit_reset": "1800000000",
        "x_app_limit_24hour_remaining": "0",
        "x_app_limit_24hour_reset": "1800050000",
    }
    with pytest.raises(RateLimited) as caught:
        x.decode(request, answer(b"", 429, **headers))
    assert caught.value.reset_at == datetime.fromtimestamp(1_800_050_000, UTC)


def test_a_message_is_short_and_shows_no_secret(x: X, answer: Answer) -> None:
    secret = "AAAAAAAAAAAAAAAAAAAAAMLheAAAAAAA0%2BuSeid%2BULvsea4JtiGRiSDSJSI%3DEUifiRBkKG5E2XzMDjRfl76ZC9Ub0"
    detail = f"Bearer {secret} is \x1b[31mbad\x1b[0m\r\n\u202e and so is {secret} " + "x" * 10_000
    with pytest.raises(RequestRefused) as caught:
        x.decode(x.probe(), answer({"title": "Bad", "detail": detail}, 400))
    message = str(caught.value)
    assert "AAAA" not in message
    assert "Ub0" not in message
    assert message.isprintable()
    assert len(message) < 250


def test_the_words_of_x_reach_the_user(x: X, answer: Answer) -> None:
    with pytest.raises(TargetUnavailable, match=r"^User 12 cannot be read: suspended \(“User has been"):
        x.decode(x.followers(User("12"), token=None, size=1), answer({"errors": [SUSPENDED]}))
