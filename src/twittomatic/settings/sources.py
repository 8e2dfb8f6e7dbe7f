"""Read settings from flags, the environment and the configuration file, in this order of precedence."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final, TypeAlias

from twittomatic.errors import SettingsError
from twittomatic.settings.option import Option, as_text, is_endless

CONFIG_FILE: Final = "twittomatic.toml"
ENVIRONMENT_PREFIX: Final = "TWITTOMATIC_"
_NETWORK = "network"  # the setting by whose value other packages' settings are recognized

Place: TypeAlias = Callable[[str], str]
"""Names the place where the setting with this key was given, for an error."""


def gather(
    options: Sequence[Option],
    tables: Sequence[str],
    given: Mapping[str, object],
    place: Place,
    environment: Mapping[str, str],
    config: Path | str | None,
) -> dict[str, Any]:
    """Return the checked value of every setting that has one, and the tables of the configuration file.

    Args:
        options: All settings.
        tables: Names of the tables that a configuration file may have.
        given: Values that take precedence, by key.
        place: Where those were given.
        environment: The process's environment.
        config: The configuration file; None for `twittomatic.toml` in the working directory, if there is one.

    Raises:
        SettingsError: an unknown key or a bad value, with the key, the value and what is allowed.
    """
    path = Path(CONFIG_FILE if config is None else config)
    document = _document(path, must_exist=config is not None)
    found_tables = {name: _table(path, name, document.pop(name, {})) for name in tables}
    named = given.get(_NETWORK) or environment.get(f"{ENVIRONMENT_PREFIX}{_NETWORK.upper()}")
    prefix = _prefix(options, str(named or document.get(_NETWORK) or ""))
    from_file, from_environment = (
        _from_file(options, path, document, prefix),
        _from_environment(options, environment, prefix),
    )
    sources: list[tuple[Mapping[str, object], Place]] = [
        (given, place),
        (from_environment, lambda key: ENVIRONMENT_PREFIX + key.upper()),
        (from_file, lambda key: f"{path}: {key}"),
    ]
    values: dict[str, Any] = dict(found_tables)
    if prefix:
        values["network_settings"] = {
            key: text for key, text in {**from_file, **from_environment}.items() if key.startswith(prefix)
        }
    for option in options:
        for source, named in sources:
            if option.key in source:
                values[option.key] = option.value(source[option.key], named(option.key))
                break
    return values


def no_such_setting(place: str, name: str, names: Sequence[str]) -> SettingsError:
    """Return an error that suggests the most similar setting, or lists all of them if none is similar.

    Args:
        place: Where the name was given, with the name.
        name: The unknown name.
        names: The names of all settings.
    """
    by_key = {known.lower(): known for known in names}
    if similar := difflib.get_close_matches(name.lower(), by_key, n=1, cutoff=0.7):
        return SettingsError(f"{place}: no such setting; did you mean {by_key[similar[0]]}?")
    return SettingsError(f"{place}: no such setting; the settings are {', '.join(names)}.")


def _prefix(options: Sequence[Option], network: str) -> str:
    """Return how the names of a network's own settings begin; empty for a network whose settings are ours."""
    prefix = f"{network.strip().replace('-', '_')}_"
    ours = prefix == "_" or any(option.key.startswith(prefix) for option in options)
    return "" if ours else prefix


def _from_environment(
    options: Sequence[Option], environment: Mapping[str, str], prefix: str
) -> dict[str, str]:
    names = [option.name for option in options]
    found = {}
    for variable, text in environment.items():
        if variable.startswith(ENVIRONMENT_PREFIX):
            name = variable.removeprefix(ENVIRONMENT_PREFIX).upper()
            if name not in names and not (prefix and name.lower().startswith(prefix)):
                raise no_such_setting(variable, name, names)
            found[name.lower()] = text
    return found


def _from_file(
    options: Sequence[Option], path: Path, document: Mapping[str, Any], prefix: str
) -> dict[str, str]:
    """Return the texts in a file."""
    keys = [option.key for option in options]
    found = {}
    for key, value in document.items():
        if key not in keys and not (prefix and key.startswith(prefix)):
            raise no_such_setting(f"{path}: {key}", key, keys)
        text = as_text(value)
        if text is None:
            raise SettingsError(f"{path}: {key}: give a text, a number, true or false.")
        found[key] = text
    return found


def _document(path: Path, *, must_exist: bool) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        if path.is_symlink():
            raise SettingsError(f"{path}: this is a link to a file that does not exist.") from None
        if must_exist:
            raise SettingsError(f"{path}: there is no such file.") from None
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({error}).") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not valid TOML: {error}.") from None
    except (ValueError, RecursionError):  # Python's own limits
        raise SettingsError(f"{path}: it holds a number too long, or lists too deep, to be read.") from None


def _table(path: Path, name: str, value: object) -> dict[str, object]:
    """Return a table of numbers and days, whose meaning the network checks."""
    if not isinstance(value, dict):
        raise SettingsError(f"{path}: {name}: give a table, such as [{name}] with a line for each.")
    table = {key: cell.isoformat() if isinstance(cell, date) else cell for key, cell in value.items()}
    for key, cell in table.items():
        if not isinstance(cell, str | int | float) or is_endless(cell):
            raise SettingsError(f"{path}: [{name}] {key}: give a number.")
    return table
