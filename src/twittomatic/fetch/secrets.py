"""A secret in a file of its own: read, once it is sure that nobody else can."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from twittomatic import parsing
from twittomatic.errors import SettingsError


def read_secret(setting: str, path: Path, most: int) -> tuple[Path, bytes]:
    """Return where a file is, and its content.

    Args:
        setting: Which names the file, for the sentence.
        path: Of the file; `~` is a home.
        most: Bytes to read.

    Raises:
        SettingsError: it cannot be read, or others can read it.
    """
    try:
        path = parsing.path(str(path))
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            content = file.read(most)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or f"give {error}"
        raise SettingsError(f"{setting}: {path} cannot be read ({why}).") from None
    if mode & 0o044:
        raise SettingsError(f"{setting}: others can read {path}; protect it with `chmod 600 {path}`.")
    return path, content
