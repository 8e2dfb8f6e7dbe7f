"""Find the plugins that other distributions register as entry points, and run their code.

A distribution with damaged metadata is skipped, and only named if a plugin that it may have registered is not
found. Exceptions of a plugin that are not Twittomatic's own become a PluginFault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import Distribution, EntryPoint, distributions
from pathlib import Path
from typing import NamedTuple

from twittomatic.errors import PluginFault, SettingsError, TwittomaticError


class Plugin(NamedTuple):
    """An entry point of a distribution.

    Attributes:
        point: The entry point.
        distribution: Name and version of the distribution.
    """

    point: EntryPoint
    distribution: str

    def __str__(self) -> str:
        return f"{self.point.value} of {self.distribution}"


class Found(NamedTuple):
    """The plugins of an entry point group.

    Attributes:
        plugins: Plugins by name; several if distributions register the same name.
        damaged: A sentence for each distribution whose entry points cannot be read.
    """

    plugins: Mapping[str, tuple[Plugin, ...]]
    damaged: tuple[str, ...]

    def one(self, what: str, name: str, unknown: str) -> Plugin:
        """Return the only plugin of a name.

        Args:
            what: Beginning of the error about an ambiguous name, such as `NETWORK`.
            name: The name of the entry point.
            unknown: Sentence of the error about an unknown name.

        Raises:
            SettingsError: no distribution, or several, register the name.
        """
        plugins = self.plugins.get(name, ())
        if not plugins:
            raise SettingsError(" ".join([unknown, *self.damaged]))
        if len(plugins) > 1:
            raise SettingsError(
                f"{what}: several distributions register “{name}”: {' and '.join(map(str, plugins))}; "
                "uninstall all but one."
            )
        return plugins[0]


def find(group: str) -> Found:
    """Return the plugins that installed distributions register under a group.

    The same object of the same distribution counts once, since a directory may be on the path twice.
    """
    plugins: dict[str, dict[tuple[str, str], Plugin]] = {}
    damaged = []
    for distribution in distributions():
        try:
            points = [point for point in distribution.entry_points if point.group == group]
        except Exception as error:  # noqa: BLE001 - whatever importlib meets in a damaged file
            damaged.append(
                f"The entry points of {_named(distribution)} cannot be read "
                f"({type(error).__name__}: {error}); install it again."
            )
            continue
        for point in points:
            plugin = Plugin(point, _named(distribution))
            plugins.setdefault(point.name, {}).setdefault((_key(distribution), point.value), plugin)
    return Found({name: tuple(ones.values()) for name, ones in plugins.items()}, tuple(damaged))


@contextmanager
def running(plugin: str, doing: str) -> Iterator[None]:
    """Run code of a plugin; Twittomatic's own errors pass through.

    Args:
        plugin: Beginning of the sentence, such as `The network “toy” (toytown 1.0)`.
        doing: The failed action, which follows "failed", such as `in decode`.

    Raises:
        PluginFault: the code raised anything else.
    """
    try:
        yield
    except TwittomaticError:
        raise
    except Exception as error:
        raise PluginFault.of(plugin, doing, error) from error


def _key(distribution: Distribution) -> str:
    """Return a key that is equal for two copies of one distribution."""
    return _named(distribution).partition(" ")[0].lower()


def _named(distribution: Distribution) -> str:
    """Return name and version, as far as they are readable."""
    try:
        name, version = distribution.metadata["Name"], distribution.metadata["Version"]
    except Exception:  # noqa: BLE001 - damaged, like its entry points
        name, version = None, None
    place = getattr(distribution, "_path", None)  # the only name that a distribution without metadata has
    return f"{name or Path(str(place)).stem} {version or ''}".strip()
