"""Check, before anything is bought, that part files can be written and renamed into the dataset."""

from __future__ import annotations

import errno
import os
import secrets
from pathlib import Path

from twittomatic.errors import SettingsError
from twittomatic.storage.errors import translate_errors, unavailable

_PROBE_BYTES = 64 * 1024  # more than a file system keeps inside an inode, so that a full volume shows


def prepare_volume(output: Path, temporary: Path, journals: Path) -> None:
    """Create the directories, then write a file in `temporary` and rename it into `output`.

    Args:
        output: OUTPUT_DIRECTORY.
        temporary: TEMPORARY_DIRECTORY.
        journals: The directory of the journal, below `output`, into which the probe is renamed.

    Raises:
        SettingsError: a directory is a file, or the two are on different volumes.
        StorageUnavailable: a directory cannot be created, read or written, or its volume is full.
    """
    for directory in (output, temporary, journals):
        _create(directory)
    probe = temporary / f".probe-{secrets.token_hex(8)}"
    arrived = journals / probe.name
    try:
        with translate_errors(temporary):
            _write(probe)
        with translate_errors(journals):
            _rename(probe, arrived, _other_volume(output, temporary))
    finally:
        probe.unlink(missing_ok=True)
        arrived.unlink(missing_ok=True)


def _create(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise SettingsError(f"{directory}: is, or lies below, a file; name a directory.") from None
    except OSError as error:
        raise unavailable(directory, error) from error
    with translate_errors(directory), os.scandir(directory):
        pass  # it can be listed
    if not os.access(directory, os.W_OK | os.X_OK):
        with translate_errors(directory):
            _write(
                directory / f".probe-{secrets.token_hex(8)}"
            )  # its error says more than the permission bits


def _write(probe: Path) -> None:
    try:
        with probe.open("xb", buffering=0) as file:
            file.write(bytes(_PROBE_BYTES))
            os.fsync(file.fileno())
    except OSError:
        probe.unlink(missing_ok=True)
        raise


def _rename(probe: Path, arrived: Path, other_volume: SettingsError) -> None:
    try:
        probe.rename(arrived)
    except OSError as error:
        if error.errno == errno.EXDEV:  # also raised between two mounts of one device, where st_dev is equal
            raise other_volume from None
        raise


def _other_volume(output: Path, temporary: Path) -> SettingsError:
    return SettingsError(
        f"TEMPORARY_DIRECTORY {temporary} is on another volume than OUTPUT_DIRECTORY {output}, "
        "so a file cannot be moved whole; leave it empty or name a directory on the same volume."
    )
