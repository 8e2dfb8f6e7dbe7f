"""Validate return values and exceptions of a network of another distribution, so that errors name it.

Twittomatic's own networks are not wrapped.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

from twittomatic.errors import PluginFault, TwittomaticError
from twittomatic.model import User
from twittomatic.networks.base import (
    Counts,
    Form,
    GivenTarget,
    Grant,
    Limit,
    LimitList,
    NetworkClass,
    Page,
    PostDocument,
    PriceList,
    Request,
    TokenSettings,
    WindowReading,
)

_Type: TypeAlias = type | tuple[type, ...]
_END = 2**63  # of the user ids
_ID = re.compile(r"[0-9]{1,19}")
_WHERE = "`twittomatic.networks.base`"
_ACCOUNT = re.compile(r"[a-z0-9][a-z0-9.:_/@-]{0,199}")  # it becomes a part of Redis keys

_NONE = type(None)
CLASS: Final[Mapping[str, _Type]] = {
    "name": str,
    "title": str,
    "tokens": (TokenSettings, _NONE),
    "endpoints": Sequence,
    "price_list": PriceList,
    "limit_list": LimitList,
    "read_target": GivenTarget,
    "account_of": str,
    "of": object,  # checked as a network
}
NETWORK: Final[Mapping[str, _Type]] = {
    "name": str,
    "title": str,
    "tokens": (TokenSettings, _NONE),
    "url": str,
    "users_per_request": int,
    "followers_per_page": int,
    "posts_per_page": int,
    "fewest_posts_per_page": int,
    "example_user": User,
    "needs_address": bool,
    "timeline_ceiling": (int, _NONE),
    "authorization": Mapping,
    "renewal": Form,
    "probe": Request,
    "users_by_id": Request,
    "users_by_name": Request,
    "followers": Request,
    "following": Request,
    "timeline": Request,
    "counts_are_estimates": bool,
    "example_profile": bytes,
    "decode": Page,
    "decode_renewal": Grant,
    "lifted": Mapping,
    "counts_of": Counts,
    "name_of": str,
    "address_of": str,
    "document": (PostDocument, _NONE),
    "limits": LimitList,
    "limit": (Limit, _NONE),
    "window": (WindowReading, _NONE),
    "prices": PriceList,
    "needs_budget": bool,
}
"""Every member of a network class and of a network: its type, or the type of what it returns."""


def guarded(given: object, label: str, name: str) -> NetworkClass:
    """Return a network class whose faults, and those of its networks, are PluginFaults.

    Args:
        given: Object of the entry point.
        label: Beginning of each error message, such as `The network “toy” (toytown 1.0)`.
        name: Name of the entry point.

    Raises:
        PluginFault: a member is missing or unusable, or the class has another name.
    """
    guard = _Guard(given, label, CLASS)
    if guard.name != name:
        raise PluginFault(f"{label} is named {guard.name!r}; its `name` must be the name of its entry point.")
    return cast(NetworkClass, guard)


class _Guard:
    """A network class or a network, checked; see `guarded`."""

    name: str

    def __init__(self, given: object, label: str, members: Mapping[str, _Type]) -> None:
        missing = [name for name in members if not hasattr(given, name)]
        if missing:
            raise PluginFault(f"{label} lacks {', '.join(missing)}; the protocols in {_WHERE} describe them.")
        self._label = label
        self._members = members
        for name in members:
            value = getattr(given, name)
            if callable(value):
                setattr(self, name, functools.partial(self._call, name, value))
            else:
                self._check(name, value)
                setattr(self, name, value)

    def _call(self, name: str, method: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Call a method of the network.

        Raises:
            PluginFault: it raised something undocumented, or returned something unusable.
        """
        try:
            result = method(*arguments, **named)
        except TwittomaticError:
            raise
        except Exception as error:
            if name == "read_target" and isinstance(error, ValueError):  # its way to refuse a text
                raise
            raise PluginFault.of(self._label, f"in {name}", error) from error
        if name == "of":
            return _Guard(result, self._label, NETWORK)
        self._check(name, result)
        return result

    def _check(self, name: str, value: object) -> None:
        wanted = self._members[name]
        if not isinstance(value, wanted):
            raise PluginFault(f"{self._label}: {name} is {_shown(value)}, not {_named(wanted)}.")
        if type(value) is int and value < 1:
            raise PluginFault(f"{self._label}: {name} is {value}; it must be 1 or more.")
        if name == "account_of" and not _ACCOUNT.fullmatch(str(value)):
            raise PluginFault(
                f"{self._label}: account_of is {_shown(value)}; it may be up to 200 of the "
                "characters a-z 0-9 . : _ / @ -."
            )
        if isinstance(value, Page):
            self._check_page(value)

    def _check_page(self, page: Page) -> None:
        if len(page.ids) != len(page.records):
            raise PluginFault(
                f"{self._label}: decode returned {len(page.ids):,} ids and {len(page.records):,} records."
            )
        for user_id in page.ids:
            if not (isinstance(user_id, str) and _ID.fullmatch(user_id) and int(user_id) < _END):
                raise PluginFault(
                    f"{self._label}: decode returned the id {_shown(user_id)}, which is not the decimal text "
                    "of a number below 2^63."
                )


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:60] + "…"


def _named(wanted: _Type) -> str:
    kinds = wanted if isinstance(wanted, tuple) else (wanted,)
    return " or ".join("None" if kind is _NONE else kind.__name__ for kind in kinds)
