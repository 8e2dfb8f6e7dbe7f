"""Find a network by the value of NETWORK: `x`, or one that an installed distribution registers.

A distribution registers its network under the entry point group `twittomatic.networks`: the name is the value
of NETWORK, the object a `NetworkClass`. A network is imported when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint
from typing import Final, cast

from twittomatic.networks.base import Choices, Network, NetworkClass
from twittomatic.networks.guard import guarded
from twittomatic.plugins import Found, find, running
from twittomatic.settings import Settings

GROUP: Final = "twittomatic.networks"
DEFAULT: Final = "x"
_OURS: Final = {DEFAULT: EntryPoint(DEFAULT, "twittomatic.networks.x:X", GROUP)}


@dataclass(frozen=True)
class _AsListed:
    expand_referenced: bool = False
    prices: Mapping[str, object] = field(default_factory=dict)
    limits: Mapping[str, object] = field(default_factory=dict)


AS_LISTED: Final[Choices] = _AsListed()
"""No choice at all: prices and limits are the network's own."""


@cache
def _others() -> Found:
    """Return the networks of other distributions, which cannot replace ours."""
    return find(GROUP)


@cache
def network_class(name: str) -> NetworkClass:
    """Return the network of a name.

    Raises:
        SettingsError: there is no such network, or several distributions register it.
        PluginFault: it cannot be imported, or is no network.
    """
    if name in _OURS:
        return cast(NetworkClass, _OURS[name].load())
    names = ", ".join(sorted({*_OURS, *_others().plugins}))
    plugin = _others().one(
        "NETWORK", name, f"NETWORK: “{name}” is not a known network; the networks are {names}."
    )
    label = f"The network “{name}” ({plugin})"
    with running(label, "to load"):
        given = plugin.point.load()
    return guarded(given, label, name)


def forget() -> None:
    """Forget which networks are installed, so that they are looked for again."""
    _others.cache_clear()
    network_class.cache_clear()


def network(settings: Settings, choices: Choices | None = None) -> Network:
    """Return the network that the settings name.

    Args:
        settings: This process's settings.
        choices: The crawl's options; without them, the settings' own count.

    Raises:
        SettingsError: there is no such network, or a setting, price or limit cannot be used.
        PluginFault: the network of another distribution failed.
    """
    return network_class(settings.network).of(settings, choices or settings)


def account_of(settings: Settings) -> str:
    """Name what all crawls of the network share: ledger, windows, counts, rejected credentials.

    Raises:
        SettingsError: there is no such network.
        PluginFault: the network of another distribution failed.
    """
    return network_class(settings.network).account_of(settings)
