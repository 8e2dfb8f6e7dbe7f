"""Read a secret from a file; a file that other users can read is refused."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from twittomatic import parsing
from twittomatic.errors import SettingsError


def read_secret(setting: str, path: Path, most: int) -> tuple[Path, bytes]:
    """Return the expanded path of a file and its content.

    Args:
        setting: Setting that names the file, for error messages.
        path: Path of the file; `~` is expanded.
        most: Maximum number of bytes to read.

    Raises:
        SettingsError: the file cannot be read, or other users can read it.
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
