"""Read the problems in a response of X, in every format that X has used.

A problem object (docs.x.com, x-api/fundamentals/response-codes-and-errors) has a `type`, a URL whose host has
changed and whose last segment has not; the errors of the older API have a `code` instead. Either can be the
body itself, or an element of its `errors`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from twittomatic.networks.x.salvage import without_records

_MOST = 4096  # a lookup has at most 100

_RESOURCE_KINDS = frozenset({"resource-not-found", "not-authorized-for-resource", "resource-unavailable"})
_RESOURCE_TITLES = frozenset({"Not Found Error", "Authorization Error"})
# developer.x.com, "Error codes"; without 34, which X also sends for an unknown path.
_REASONS_BY_CODE = {17: "deleted", 50: "deleted", 63: "suspended", 179: "protected"}


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One problem; texts are empty and the code is 0 when X does not give them.

    Attributes:
        kind: Last segment of `type`.
        title: Such as `Not Found Error`.
        detail: A sentence; the `message` of the older API.
        cause: X's `reason`, such as `client-not-enrolled`.
        section: `includes` when it concerns an expanded object, not what was requested.
        values: The id or name that it concerns, in up to two spellings.
        resource: `user`, `tweet`, `post`.
        code: The older API's number.
        reset_date: When a spend cap ends.
    """

    kind: str = ""
    title: str = ""
    detail: str = ""
    cause: str = ""
    section: str = ""
    values: frozenset[str] = frozenset()
    resource: str = ""
    code: int = 0
    reset_date: str = ""

    @property
    def reason(self) -> str | None:
        """Why a user cannot be read; None when the problem says something else.

        The text takes precedence, since X gives a suspended user the type of one that is not found.
        """
        words = f"{self.title} {self.detail}".lower()
        if not (
            self.kind in _RESOURCE_KINDS
            or self.title in _RESOURCE_TITLES
            or self.code in _REASONS_BY_CODE
            or "user has been suspended" in words
        ):
            return None
        if "suspend" in words:
            return "suspended"
        if self.kind == "not-authorized-for-resource" or "not authorized" in words:
            return "protected"
        if "not find" in words or "not found" in words or "deactivated" in words:
            return "deleted"
        return _REASONS_BY_CODE.get(self.code, "unavailable")

    @property
    def matters(self) -> bool:
        """Whether it has content, and concerns neither an expanded object nor a single post."""
        says = self.kind or self.title or self.detail or self.code
        return bool(says) and self.section != "includes" and self.resource in ("", "user")

    def concerns(self, user_id: str) -> bool:
        """Return whether it concerns a user, and not another one."""
        return self.matters and (not self.values or user_id in self.values)


def problems_of(body: bytes) -> Sequence[Problem]:
    """Return the problems in a body, the outermost first; none if the body is not JSON or has none."""
    content = without_records(body)
    inner = content.get("errors")
    found = [content, *(inner[:_MOST] if isinstance(inner, list) else [])]
    return [_problem(item) for item in found if isinstance(item, dict)]


def _problem(item: dict[str, Any]) -> Problem:
    code = item.get("code")
    return Problem(
        kind=_text(item, "type").rstrip("/").rpartition("/")[2],
        title=_text(item, "title"),
        detail=_text(item, "detail") or _text(item, "message"),
        cause=_text(item, "reason"),
        section=_text(item, "section"),
        values=frozenset({_text(item, "value"), _text(item, "resource_id")} - {""}),
        resource=_text(item, "resource_type"),
        code=code if isinstance(code, int) else 0,
        reset_date=_text(item, "reset_date"),
    )


def _text(item: dict[str, Any], name: str) -> str:
    value = item.get(name)
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and 0 <= value < 10**19 else ""
