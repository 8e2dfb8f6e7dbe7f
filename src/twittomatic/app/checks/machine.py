"""Check Python, the directories, and the free space."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from contextlib import suppress
from pathlib import Path

from twittomatic.app import build
from twittomatic.app.checks.result import FAILED, OK, WARNING, CheckResult
from twittomatic.errors import TwittomaticError
from twittomatic.settings import Settings

_OLDEST_PYTHON = (3, 11)
_LITTLE_DISK = 1 << 30


def check_python() -> CheckResult:
    """Check the version of Python."""
    version = platform.python_version()
    if sys.version_info < _OLDEST_PYTHON:
        return CheckResult("Python", FAILED, f"{version} is too old; 3.11 or newer is needed.")
    return CheckResult("Python", OK, f"{version} on {platform.system()} {platform.machine()}.")


def check_files(settings: Settings) -> CheckResult:
    """Check that files can be written where the settings want them; blocks, and leaves nothing behind."""
    output, temporary = settings.output_directory, settings.temporary_directory
    layout = build.layout(settings)
    try:
        missing = _missing(temporary, layout.journals, output)
    except OSError as error:
        return CheckResult("Files", FAILED, f"The working directory cannot be used ({error.strerror}).")
    try:
        layout.prepare()
    except TwittomaticError as error:
        return CheckResult("Files", FAILED, str(error))
    finally:
        for path in missing:
            with suppress(OSError):
                path.rmdir()
    return CheckResult("Files", OK, f"{output} can be written, and {temporary} is on the same volume.")


def _missing(*directories: Path) -> list[Path]:
    """Return the directories that `prepare` would create, deepest first: the order to remove them in."""
    lineage = {path for given in directories for path in (given.absolute(), *given.absolute().parents)}
    return sorted((path for path in lineage if not os.path.lexists(path)), key=lambda path: -len(path.parts))


def check_disk(settings: Settings) -> CheckResult:
    """Check the free space of OUTPUT_DIRECTORY; blocks."""
    try:
        place = settings.output_directory.absolute()
        while not os.path.lexists(place):
            place = place.parent
        free = shutil.disk_usage(place).free
    except OSError as error:
        return CheckResult("Disk", WARNING, f"Free space cannot be determined ({error.strerror}).")
    if free < _LITTLE_DISK:
        return CheckResult(
            "Disk", WARNING, f"Only {free / 1e9:.1f} GB are free; a full disk stops the crawl."
        )
    return CheckResult("Disk", OK, f"{free / 1e9:.1f} GB are free.")
