"""Translation of `OSError` into StorageUnavailable, whose text is one sentence for the user."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twittomatic.errors import StorageUnavailable, os_reason


def unavailable(path: Path, error: OSError) -> StorageUnavailable:
    """Return the error that says in one sentence why `path` cannot be used, and what to do about it."""
    return StorageUnavailable(f"{path}: {os_reason(error)}.")


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Raise every OSError of the block as StorageUnavailable, with `path` in its sentence."""
    try:
        yield
    except OSError as error:
        raise unavailable(path, error) from error
