"""Find a network by the value of NETWORK: `x`, or one that an installed distribution registers.

A distribution registers its network under the entry point group `twittomatic.networks`: the name is the value
of NETWORK, the object a `NetworkClass`. A network is imported when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Final, cast

from twittomatic.errors import SettingsError
from twittomatic.networks.base import Choices, Network, NetworkClass
from twittomatic.settings import Settings

GROUP: Final = "twittomatic.networks"
DEFAULT: Final = "x"
_OURS: Final = (EntryPoint(DEFAULT, "twittomatic.networks.x:X", GROUP),)


@dataclass(frozen=True)
class _AsListed:
    expand_referenced: bool = False
    prices: Mapping[str, object] = field(default_factory=dict)
    limits: Mapping[str, object] = field(default_factory=dict)


AS_LISTED: Final[Choices] = _AsListed()
"""No choice at all: prices and limits are the network's own."""


@cache
def registered() -> dict[str, EntryPoint]:
    """Return every network by its name; ours cannot be replaced."""
    return {entry.name: entry for entry in (*entry_points(group=GROUP), *_OURS)}


@cache
def network_class(name: str) -> NetworkClass:
    """Return the network of a name.

    Raises:
        SettingsError: there is no such network, or it cannot be imported.
    """
    entry = registered().get(name)
    if entry is None:
        raise SettingsError(
            f"NETWORK: “{name}” is not a known network; the networks are {', '.join(sorted(registered()))}."
        )
    try:
        return cast(NetworkClass, entry.load())
    except Exception as error:
        raise SettingsError(f"NETWORK: “{name}” cannot be loaded from {entry.value} ({error}).") from error


def network(settings: Settings, choices: Choices | None = None) -> Network:
    """Return the network that the settings name.

    Args:
        settings: This process's settings.
        choices: The crawl's options; without them, the settings' own count.

    Raises:
        SettingsError: there is no such network, or a setting, price or limit cannot be used.
    """
    return network_class(settings.network).of(settings, choices or settings)


def account_of(settings: Settings) -> str:
    """Name what all crawls of the network share: ledger, windows, counts, rejected credentials.

    Raises:
        SettingsError: there is no such network.
    """
    return network_class(settings.network).account_of(settings)
