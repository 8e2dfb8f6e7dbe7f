"""Import the optional libraries, or say in one sentence how to install them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from twittomatic.errors import SettingsError

_NAMES = {"PIL": "Pillow", "networkit": "NetworKit"}  # of libraries, where it differs from the module


def require(module: str, extra: str | None) -> Any:
    """Import an optional library and return its module.

    >>> pq = require("pyarrow.parquet", "parquet")  # doctest: +SKIP

    Args:
        module: Name of the module, with its packages.
        extra: The extra of Twittomatic that installs it; None if none does.

    Raises:
        SettingsError: the library is not installed; the sentence has the command that installs it.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        library = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != library:
            raise  # the library is there; something that it needs is not
        package = f"'twittomatic[{extra}]'" if extra else library
        raise SettingsError(
            f"This needs {_NAMES.get(library, library)}, which is not installed; run: pip install {package}"
        ) from None
